"""Text from tenants, made harmless for a terminal, a log line, a comment or a reviewer."""

from __future__ import annotations

import re

# What a terminal or an editor acts upon instead of showing: controls, format and bidi characters, line and
# paragraph separators, invisible letters, surrogates, private use, noncharacters. As ranges, not categories:
# what is written must not depend on the Unicode version of the Python at hand. (For use inside […].)
UNSEEN = (
    r"\x00-\x1f\x7f-\x9f\xad\u034f\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u115f\u1160\u17b4\u17b5"
    r"\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ud800-\uf8ff\ufdd0-\ufdef\ufeff\uffa0"
    r"\ufff0-\ufffb\ufffe\uffff\U000110bd\U000110cd\U00013430-\U0001343f\U0001bca0-\U0001bca3"
    r"\U0001d173-\U0001d17a\U000e0000-\U000e0fff\U000f0000-\U0010ffff"
    + "".join(f"{chr(plane + 0xFFFE)}{chr(plane + 0xFFFF)}" for plane in range(0x10000, 0xF0000, 0x10000))
)
_UNSEEN = re.compile(f"[{UNSEEN}]")


def plain(text: str, limit: int = 0) -> str:
    """`text` on one line, with every invisible character written as its escape; cut to `limit` characters
    (0: not cut) with an ellipsis.
    """
    if limit and len(text) > limit:
        text = text[: limit - 1] + "…"
    if text.isascii() and text.isprintable():
        return text
    return _UNSEEN.sub(_shown, text)


def _shown(match: re.Match[str]) -> str:
    return match[0].encode("unicode_escape", "backslashreplace").decode("ascii")
