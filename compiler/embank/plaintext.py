"""Text from tenants, made harmless for a terminal, a log line or a comment."""

from __future__ import annotations

import unicodedata

# What a terminal or an editor acts upon instead of showing: controls, format and bidi characters,
# line and paragraph separators, surrogates.
INVISIBLE = frozenset(("Cc", "Cf", "Cs", "Co", "Zl", "Zp"))


def plain(text: str, limit: int = 0) -> str:
    """`text` on one line, with every invisible character written as its escape; cut to `limit` characters
    (0: not cut) with an ellipsis.
    """
    if limit and len(text) > limit:
        text = text[: limit - 1] + "…"
    if text.isascii() and text.isprintable():
        return text
    return "".join(map(_shown, text))


def _shown(character: str) -> str:
    # U+FFFE and U+FFFF are noncharacters (Cn) that not every terminal survives.
    if unicodedata.category(character) in INVISIBLE or ord(character) & 0xFFFE == 0xFFFE:
        return character.encode("unicode_escape", "backslashreplace").decode("ascii")
    return character
