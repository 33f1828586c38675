"""Last pass: names that are stable, readable, unique, and safe for Mistral (`^[A-Za-z_]\\w*$`, ASCII).

A name is made from the identity of a resource, not from its position, so that adding a resource renames no
other. Ids that read well are used as they are; of others, such as UUIDs, the name for the reader and a few
characters of the id for uniqueness. Where two still collide, all of them get a digest.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace

from embank.diagnostics import Checked
from embank.model import Body, Kind, Resource, ResourceKey, Task, Workflow

READABLE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,31}")
UUID_LIKE = re.compile(r"[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}", re.IGNORECASE)
HEX_LIKE = re.compile(r"[0-9a-f]{12,}", re.IGNORECASE)
LONGEST = 40

Bases = Mapping[ResourceKey, str]


def name(workflow: Workflow) -> Checked[Workflow]:
    """The workflow with a name for itself, every body and every task."""
    request = workflow.request
    main = f"{_word(request.plan, 100)}_{request.operation}"
    bases = base_names(request.graph.resources)
    return Checked(
        replace(
            workflow,
            name=main,
            bodies=_named(workflow.bodies, f"{main}_activities", bases),
            cleanup=_named(workflow.cleanup, f"{main}_cleanup", bases),
        )
    )


def base_names(resources: Iterable[Resource]) -> Bases:
    """The part of the task names that stands for each resource: type and id or name, unique."""
    resources = list(resources)
    types = _type_words({resource.type for resource in resources})
    names = {resource.key: f"{types[resource.type]}_{_resource_word(resource)}" for resource in resources}
    count = Counter(names.values())
    return {
        key: base if count[base] == 1 else f"{base}_{_digest(f'{key.type}#{key.id}')}" for key, base in names.items()
    }


def _type_words(types: Iterable[str]) -> dict[str, str]:
    """`OS::Nova::Server` is `server`, unless another type ends in Server too."""
    short = {kind: _word(kind.rpartition("::")[2]).replace("_", "") for kind in types}
    count = Counter(short.values())
    return {
        kind: word if word and count[word] == 1 else f"{_word(kind) or 'type'}_{_digest(kind)}"
        for kind, word in short.items()
    }


def _resource_word(resource: Resource) -> str:
    if READABLE_ID.fullmatch(resource.id) and not HEX_LIKE.fullmatch(resource.id.replace("-", "")):
        return _word(resource.id) or _digest(resource.id)
    short = resource.id[:8].lower() if UUID_LIKE.fullmatch(resource.id) else _digest(resource.id)
    readable = _word(resource.name)
    return f"{readable}_{short}" if readable else short


def _word(text: str, longest: int = LONGEST) -> str:
    """Lower-case ASCII letters, digits and single underscores; what can be said of `text` with them."""
    ascii_only = unicodedata.normalize("NFKD", text[: 4 * longest]).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "_", ascii_only.lower()).strip("_")[:longest].rstrip("_")


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:6]


def _named(bodies: tuple[Body, ...], main: str, bases: Bases) -> tuple[Body, ...]:
    """Names for all bodies: a part is called alike as a task and, behind its workflow's name, as a body."""
    taken: set[str] = set()
    of_part: dict[int, str] = {}
    named: list[list[Task]] = []
    for body in bodies:
        tasks = []
        for task in body.tasks:
            word = _task_word(task, bases)
            if task.part is not None:
                word = of_part[task.part] = _free(word, taken)
            tasks.append(replace(task, name=word))
        named.append(tasks)
    return tuple(
        replace(body, tasks=tuple(tasks), name=f"{main}_{of_part[index]}" if index in of_part else main)
        for index, (body, tasks) in enumerate(zip(bodies, named, strict=True))
    )


def _task_word(task: Task, bases: Bases) -> str:
    base = bases[task.resources[0].key]
    if task.kind is Kind.PART:
        return f"part_{base}"
    if task.kind is Kind.JOIN:
        return f"wait_{base}_{task.phase}"
    return f"{base}_group_{task.phase}" if task.aggregated else f"{base}_{task.phase}"


def _free(word: str, taken: set[str]) -> str:
    """The word, or with the first number that nobody has. Several parts can begin with one resource."""
    free, number = word, 1
    while free in taken:
        number += 1
        free = f"{word}_{number}"
    taken.add(free)
    return free
