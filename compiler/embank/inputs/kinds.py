"""Which kind of file this is, by what stands at its margin: for people who take one file for another."""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path

from embank.inputs import yaml
from embank.model import Json

ENOUGH = 2**20  # bytes; whatever kind a file is, it shows here
KEY = re.compile(rb"""^["']?([A-Za-z]+)["']?[ ]*:""", re.MULTILINE)
ACTION = re.compile(rb"""^[ ]+action: *["']?embank\.""", re.MULTILINE)


class Kind(StrEnum):
    """The files that people keep and Embank writes, or writes others from."""

    WORKFLOW = "a workflow file"
    PLAN = "a plan"
    RESOURCES = "a resource graph"


# What to do with a file of this kind where another one belongs. What a plan is good for depends on the place.
LOOKS_LIKE = {
    Kind.WORKFLOW: "this looks like a workflow file: `embank run` executes it, `embank lint` checks it",
    Kind.RESOURCES: "this looks like a resource graph: it belongs behind `--resources`",
}


def kind_of(document: Mapping[str, Json]) -> Kind | None:
    """The kind of a document, right or wrong in itself. None: it looks like none of them."""
    if any(isinstance(value, dict) and "tasks" in value for value in document.values()):
        return Kind.WORKFLOW
    rows = document.get("resources")
    selects = isinstance(rows, list) and any(isinstance(row, dict) and "under" in row for row in rows)
    if "provider" in document or selects or ("name" in document and "resources" in document):
        return Kind.PLAN
    return Kind.RESOURCES if "dependents" in document or "resources" in document else None


def kind_of_file(file: Path) -> Kind | None:
    """The kind of a file, by a cheap look: it may be large, or half of a merge. Raises OSError, InputUnreadable."""
    with file.open("rb") as stream:
        begin = stream.read(ENOUGH)
    if begin.lstrip().startswith(b"{"):  # JSON, whose margin says nothing
        located = yaml.read(str(file)).value
        return kind_of(located.value) if located else None
    if ACTION.search(begin):
        return Kind.WORKFLOW
    return kind_of({match[1].decode(): None for match in KEY.finditer(begin)})
