"""The lines of the local plugins' sections in a provider's configuration file.

    [local_directory]
    directory = shop-files "/srv/shop/files" "Receipts and pictures"

A line is words as a POSIX shell splits them (quotes, backslashes; nothing is expanded). Every mistake of a
section is reported at once, as a ValueError with a line for each.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from embank_plugins.local import LocalError

if TYPE_CHECKING:
    from oslo_config import cfg

Entry = TypeVar("Entry")


@dataclass(frozen=True, slots=True)
class Stored:
    """A resource that is a path: a directory or a database file."""

    id: str
    name: str
    path: str


@dataclass(frozen=True, slots=True)
class Storage:
    """The paths of one resource type, and where restores may go besides the original places."""

    entries: Mapping[str, Stored]
    restore_roots: tuple[str, ...]


class Section:
    """One section while it is read, with the mistakes found so far."""

    def __init__(self, conf: cfg.ConfigOpts, name: str, *, private: bool = False) -> None:
        """`private`: someone may have written a secret where it does not belong; show a line's first word only."""
        self._conf, self._name, self._private = conf, name, private
        self._mistakes: list[str] = []

    def lines(self, option: str, least: int, most: int | None, shape: str) -> Iterator[tuple[str, list[str]]]:
        """The lines of a repeated option that have `least` to `most` words: (the text, the words)."""
        for text in self._conf[self._name][option] or ():
            try:
                words = shlex.split(text)
            except ValueError as error:
                self.wrong(option, text, f"cannot be split into words ({str(error).lower()})")
                continue
            if len(words) < least or (most is not None and len(words) > most):
                self.wrong(option, text, f"should be {shape}")
            elif not words[0]:
                self.wrong(option, text, "the first word is empty")
            else:
                yield text, words

    def wrong(self, option: str, text: str, problem: str) -> None:
        """Remember a mistake."""
        if self._private:
            first = text.split(maxsplit=1)[0] if text.split() else ""
            text = f"{first} …" if "=" not in first else "…"
        self._mistakes.append(f"[{self._name}] {option} = {text}: {problem}")

    def check(self) -> None:
        """Raise ValueError when there was a mistake."""
        if self._mistakes:
            raise ValueError("\n".join(self._mistakes))

    def check_path(self, option: str, text: str, path: str) -> None:
        """A path that depends on where Embank is started is a mistake."""
        if not path.startswith("/"):
            self.wrong(option, text, f"{path!r} is not an absolute path ($here is the directory of this file)")


def read_storage(conf: cfg.ConfigOpts, section_name: str, option: str) -> Storage:
    """The section of a type whose resources are paths. Raises ValueError."""
    section = Section(conf, section_name)
    entries: dict[str, Stored] = {}
    for text, words in section.lines(option, 2, 3, "ID PATH [NAME]"):
        section.check_path(option, text, words[1])
        if words[0] in entries:
            section.wrong(option, text, f"the id {words[0]!r} is used twice")
        entries[words[0]] = Stored(words[0], words[2] if len(words) == 3 else words[0], words[1])
    roots = []
    for text, words in section.lines("restore_root", 1, 1, "PATH"):
        section.check_path("restore_root", text, words[0])
        roots.append(words[0])
    section.check()
    return Storage(entries, tuple(roots))


def storage_options(option: str, what: str) -> Sequence[cfg.Opt]:
    """The options that `read_storage` reads."""
    from oslo_config import cfg

    return [
        cfg.MultiStrOpt(option, default=[], help=f"{what}: ID PATH [NAME]. Repeat for each."),
        cfg.MultiStrOpt(
            "restore_root",
            default=[],
            help="A directory that restores may go under, besides the original place. Repeat for each.",
        ),
    ]


def configured(entries: Mapping[str, Entry], resource_id: str, section: str) -> Entry:
    """The entry of a resource. Raises LocalError for an id that the configuration does not have."""
    try:
        return entries[resource_id]
    except KeyError:
        raise LocalError(f"{resource_id!r} is not in section [{section}] of the provider's configuration") from None
