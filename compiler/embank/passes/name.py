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
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import islice

from embank.diagnostics import Checked
from embank.model import Body, Kind, Resource, ResourceKey, Task, Workflow

READABLE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,31}")
UUID_LIKE = re.compile(r"[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}", re.IGNORECASE)
HEX_LIKE = re.compile(r"[0-9a-f]{12,}", re.IGNORECASE)
LONGEST = 40
DIGEST = 6

Bases = Mapping[ResourceKey, str]


def name(workflow: Workflow) -> Checked[Workflow]:
    """The workflow with a name for itself, every body and every task."""
    request = workflow.request
    main = f"{_starting(_word(request.plan, 100), 'plan')}_{request.operation}"
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
    often = Counter(names.values())
    return {key: base if often[base] == 1 else f"{base}_{_digest(str(key))}" for key, base in names.items()}


def _type_words(types: Iterable[str]) -> dict[str, str]:
    """`OS::Nova::Server` is `server`, unless another type ends in Server too."""
    short = {kind: _word(kind.rpartition("::")[2]).replace("_", "") for kind in types}
    often = Counter(short.values())
    return {
        kind: _starting(word, "type")
        if word and often[word] == 1
        else f"{_starting(_word(kind), 'type')}_{_digest(kind)}"
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
    ascii_only = unicodedata.normalize("NFKD", text[: 4 * longest].casefold()).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "_", ascii_only.lower()).strip("_")[:longest].rstrip("_")


def _starting(word: str, instead: str) -> str:
    """The word, if it begins with a letter, as a name must."""
    return word if word[:1].isalpha() else f"{instead}_{word}".rstrip("_")


def _digest(text: str, length: int = DIGEST) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:length]


def _named(bodies: tuple[Body, ...], main: str, bases: Bases) -> tuple[Body, ...]:
    """Names for all bodies: a part is called alike as a task and, behind its workflow's name, as a body."""
    tasks = [task for body in bodies for task in body.tasks]
    words = [_task_word(task, bases) for task in tasks]
    of_part = _part_words(tasks, words)
    named = iter([replace(task, name=word) for task, word in zip(tasks, _unique(tasks, words, of_part), strict=True)])
    return tuple(
        replace(
            body,
            tasks=tuple(islice(named, len(body.tasks))),
            name=f"{main}_{of_part[index]}" if index in of_part else main,
        )
        for index, body in enumerate(bodies)
    )


def _part_words(tasks: Sequence[Task], words: Sequence[str]) -> dict[int, str]:
    """By body. Several parts can begin with one resource: they are numbered."""
    taken: set[str] = set()
    of_part: dict[int, str] = {}
    for task, word in zip(tasks, words, strict=True):
        if task.part is not None:
            free, number = word, 1
            while free in taken:
                number += 1
                free = f"{word}_{number}"
            taken.add(free)
            of_part[task.part] = free
    return of_part


def _unique(tasks: Sequence[Task], words: Sequence[str], of_part: Mapping[int, str]) -> list[str]:
    """A tenant can call a resource like another's join, or search for ids with equal digests: whatever still
    collides gets a longer digest of all that the task is.
    """
    names = [word if task.part is None else of_part[task.part] for task, word in zip(tasks, words, strict=True)]
    for length in (DIGEST, 64):
        often = Counter(names)
        for index, task in enumerate(tasks):
            if often[names[index]] > 1 and task.part is None:
                identity = repr((task.kind, task.phase, [tuple(resource.key) for resource in task.resources]))
                names[index] = f"{words[index]}_{_digest(identity, length)}"
    return names


def _task_word(task: Task, bases: Bases) -> str:
    base = bases[task.resources[0].key]
    if task.kind is Kind.PART:
        return f"part_{base}"
    if task.kind is Kind.JOIN:
        return f"wait_{base}_{task.phase}"
    return f"{base}_group_{task.phase}" if task.aggregated else f"{base}_{task.phase}"
