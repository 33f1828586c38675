"""Cells of tables: for people harmless and readable, for scripts (`-f json`) exact."""

from __future__ import annotations

from typing import Any

from cliff.columns import FormattableColumn

from embank.outputs.sizes import human_size
from embank.plaintext import plain


class Text(FormattableColumn[str]):
    """Text that may come from a tenant."""

    def human_readable(self) -> str:
        """On one line, without anything that a terminal would act upon."""
        return plain(self._value)


class Size(FormattableColumn[int]):
    """A number of bytes."""

    def human_readable(self) -> str:
        """Such as "42.0 MiB"."""
        return human_size(self._value)


class Words(FormattableColumn[Any]):
    """A list of words."""

    def human_readable(self) -> str:
        """One a line, none so long that a table would be unreadable for it."""
        return "\n".join(plain(word, 200) for word in self._value)


class Code(FormattableColumn[Any]):
    """An exit code, or None when there is none yet."""

    def human_readable(self) -> str:
        """The number, or nothing."""
        return "" if self._value is None else str(self._value)
