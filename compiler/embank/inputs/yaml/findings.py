"""What is wrong with a file, found while it is read: every problem with its place, up to a number of them."""

from __future__ import annotations

from typing import Any

from embank.diagnostics import Diagnostic, Place, Related
from embank.inputs.yaml.scalars import PREFIX

MOST_PROBLEMS = 20


class Stop(Exception):
    """No further problem of this file is worth looking for."""


class Findings:
    """The problems so far."""

    def __init__(self, file: str) -> None:
        self.diagnostics: list[Diagnostic] = []
        self._file = file

    def add(self, code: str, message: str, event: Any, hint: str = "", related: tuple[Related, ...] = ()) -> None:
        """A problem where an event of libyaml's begins. Raises Stop when there are enough."""
        mark = event.start_mark
        place = Place(self._file, mark.line + 1, mark.column + 1)
        self.diagnostics.append(Diagnostic(code, message, place, hint, related))
        if len(self.diagnostics) >= MOST_PROBLEMS:
            raise Stop

    def refuse_extras(self, event: Any) -> None:
        """What YAML allows at every node, and we do not: anchors and tags."""
        if event.anchor is not None:
            self.add("EMB103", f"the anchor &{event.anchor} is not supported", event, "quote it if it is text")
        if event.tag is not None:
            tag = event.tag.replace(PREFIX, "!!")
            self.add("EMB104", f"the tag {tag} is not supported", event, "quote it if it is text")
