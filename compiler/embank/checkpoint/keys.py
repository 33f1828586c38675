"""The keys of a checkpoint's objects. Nothing that a tenant names can reach outside its own segment."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from urllib.parse import quote

from embank.errors import UsageError
from embank.model import ResourceKey

ROOT = "checkpoints/"
LONGEST = 120  # characters of an encoded segment; seven of them fit a key's 900 bytes
READABLE = 50  # characters that remain of a longer one, in front of its digest
CHECKPOINT_ID = re.compile(r"(?!\.)[A-Za-z0-9._-]{1,64}", re.ASCII)


def segment(text: str) -> str:
    """One segment of a key for any text: percent-encoded, and never empty, hidden, `.` or `..`.

    Different texts have different segments. A lone `%`, which encoding never leaves, marks the special
    forms: `%` alone is the empty text, and `…%~<sha256>` an over-long one.
    """
    coded = quote(text, safe=":", errors="surrogatepass")
    if coded.startswith("."):
        coded = "%2E" + coded[1:]
    if len(coded) > LONGEST:
        readable = re.sub("%.?$", "", coded[:READABLE])
        return f"{readable}%~{hashlib.sha256(text.encode(errors='surrogatepass')).hexdigest()}"
    return coded or "%"


def numbered(number: int) -> str:
    """A number as a segment: keys sort as numbers do."""
    return f"{number:08d}"


def check_id(checkpoint: str) -> str:
    """The id itself. Raises UsageError unless it is 1 to 64 letters, digits, dots, dashes, underscores."""
    if not CHECKPOINT_ID.fullmatch(checkpoint):
        raise UsageError(
            f"{checkpoint[:80]!r} is no checkpoint id: it takes 1 to 64 letters, digits, '.', '_' and '-', "
            "and does not begin with a dot"
        )
    return checkpoint


def checkpoint_prefix(checkpoint: str) -> str:
    """What the keys of a checkpoint begin with."""
    return f"{ROOT}{check_id(checkpoint)}/"


def resource_prefix(checkpoint: str, resource: ResourceKey) -> str:
    """What the keys of a resource's bank section begin with."""
    return f"{checkpoint_prefix(checkpoint)}resources/{_pair(resource)}/"


def execution_prefix(checkpoint: str, execution: str) -> str:
    """What the keys of an execution's records begin with."""
    return f"{checkpoint_prefix(checkpoint)}executions/{segment(execution)}/"


def restored_key(checkpoint: str, execution: str, resource: ResourceKey) -> str:
    """Where an execution says what a resource was restored as."""
    return f"{execution_prefix(checkpoint, execution)}restored/{_pair(resource)}"


def notes_prefix(checkpoint: str, execution: str, resource: ResourceKey, name: str) -> str:
    """Where an execution notes something of a resource, record by record."""
    return f"{execution_prefix(checkpoint, execution)}notes/{_pair(resource)}/{segment(name)}/"


def started_prefix(checkpoint: str, execution: str, resources: Sequence[ResourceKey], name: str) -> str:
    """Where an execution says what it started for a resource, or for several together (in sorted order)."""
    above = execution_prefix(checkpoint, execution)
    if len(resources) == 1:
        return f"{above}started/{_pair(resources[0])}/{segment(name)}/"
    digest = hashlib.sha256(json.dumps(resources).encode()).hexdigest()
    return f"{above}together/{digest}/{segment(name)}/"


def bracket_prefix(checkpoint: str, execution: str, resource: ResourceKey, phase: str) -> str:
    """Where an execution notes that a phase was started, and that it was closed, in turn."""
    return f"{execution_prefix(checkpoint, execution)}brackets/{_pair(resource)}/{segment(phase)}/"


def _pair(resource: ResourceKey) -> str:
    return f"{segment(resource.type)}/{segment(resource.id)}"
