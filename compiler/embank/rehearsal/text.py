"""A rehearsal, for a person: what stays frozen comes first, and what to do about it; then one line for every
consequence, with the tasks that have it in common.
"""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence

from embank.conductor.states import FlowState
from embank.model import Operation
from embank.plaintext import plain
from embank.rehearsal.rehearse import Consequence, Kind, Rehearsal
from embank.rehearsal.world import ENDED_BADLY, STARTED, Bracket
from embank.reporting.summary_text import course_text, duration

WIDTH = 80
SHOWN = 3  # tasks and resources that are named before it says how many more there are
WORDS = {
    Kind.FAIL: "fails",
    Kind.TIME_OUT: "times out",
    Kind.HANG: "hangs",
    Kind.CRASH_BEFORE: "crash before",
    Kind.CRASH_AFTER: "crash after",
    Kind.CANCEL: "cancel",
}
COLUMNS = "{:<12}  {:<14} {:>4}  {:<16} {}"
INDENT = len(COLUMNS.format("", "", "", "", ""))  # of the last column
Group = Sequence[Consequence]


def rehearsal_text(rehearsal: Rehearsal, *, outage: float, measured: bool, every: bool) -> Iterator[str]:
    """Lines without line ends, safe for a terminal. `measured`: how long the activities take was said; `every`: a
    line for every fault at every task.
    """
    document, faults = rehearsal.document, rehearsal.consequences
    tasks = len({each.task for each in faults})
    yield f"{plain(document.main)}: {tasks} tasks, {len(faults)} single faults  [{plain(document.file)}]"
    yield from _frozen(rehearsal)
    yield ""
    yield from _undisturbed(rehearsal, measured)
    yield ""
    yield from _wrapped(
        "Every single fault: a task fails (all its attempts), times out, or hangs without a timeout (in the end "
        "somebody cancels); the runner crashes before a task has any effect or after it had all, and is resumed "
        f"{duration(outage)} later; somebody cancels while a task runs."
    )
    yield ""
    yield from _matrix(rehearsal, every)


# What stays frozen.


def _frozen(rehearsal: Rehearsal) -> Iterator[str]:
    frozen = rehearsal.frozen
    if not frozen:
        yield "No fault leaves anything frozen."
        return
    faults = "1 FAULT LEAVES" if len(frozen) == 1 else f"{len(frozen)} FAULTS LEAVE"
    yield f"{faults} SOMETHING FROZEN (or stopped, or staged):"
    for group in _grouped(frozen, lambda each: (each.kind, each.role.types or each.role, _kinds(each.ending.frozen))):
        first = group[0]
        until = "until somebody cancels" if first.ending.stuck else "for ever"
        many = f"one of these {len(group)} tasks" if len(group) > 1 else "this task"
        yield ""
        yield f"  when {many} {WORDS[first.kind]}:"
        yield from _tasks(group, "      ")
        yield f"  this stays open, {until}:"
        brackets = list(dict.fromkeys(bracket for each in group for bracket in each.ending.frozen))
        yield from (f"      {_name(each)}, from {each.phase} on" for each in brackets[: SHOWN + 1])
        if len(brackets) > SHOWN + 1:
            yield f"      and {len(brackets) - SHOWN - 1} more, depending on the task"
        yield from _wrapped(_remedy(rehearsal, first), "  ")


def _remedy(rehearsal: Rehearsal, consequence: Consequence) -> str:
    types = consequence.role.types
    if not consequence.ending.stuck:
        return (
            "Nothing closes it on this way: look where `on-error` of the main workflow leads, and whether the "
            "cleanup workflow has its closer."
        )
    if not types:
        return f"It has no timeout: give the task `timeout:` in {plain(rehearsal.document.file)}."
    keys = " and ".join(f"policies.{plain(name)}.timeout" for name in types.split(", "))
    protect = rehearsal.document.run["operation"] == Operation.PROTECT
    where = "in the plan" if protect else "in a file for `compile --parameters`"
    return f"It has no timeout: set {keys} {where}, and compile again."


# The undisturbed execution.


def _undisturbed(rehearsal: Rehearsal, measured: bool) -> Iterator[str]:
    summary = rehearsal.undisturbed
    checkpoint = _checkpoint(rehearsal, rehearsal.status, rehearsal.recorded)
    if summary.state == FlowState.SUCCESS:
        yield f"Undisturbed it succeeds after {duration(summary.seconds)} (checkpoint: {checkpoint})."
    else:
        yield f"EVEN UNDISTURBED IT FAILS after {duration(summary.seconds)} (checkpoint: {checkpoint}):"
        yield from (f"  {plain(failure.task)}: {plain(failure.reason)}" for failure in summary.failures[:SHOWN])
    if not measured:
        yield "  Every action is taken to last 1 s: compare times, do not believe them"
        yield "  (--durations FILE says how long they take)."
    yield from course_text(summary)


# The matrix.


def _matrix(rehearsal: Rehearsal, every: bool) -> Iterator[str]:
    yield COLUMNS.format("fault", "checkpoint", "exit", "longest open", "closers that run").rstrip()
    for group in _grouped(rehearsal.consequences, _alone if every else _in_common):
        ending = group[0].ending
        checkpoint = _checkpoint(rehearsal, ending.status, ending.recorded)
        named = (closer.task if every else str(closer.role) for each in group for closer in each.ending.closers)
        closers = _lines(", ".join(map(plain, dict.fromkeys(named))) or "-", WIDTH - INDENT)
        fault, code = WORDS[group[0].kind], int(ending.exit_code)
        yield COLUMNS.format(fault, checkpoint, code, _longest_open(group), closers[0])
        yield from (" " * INDENT + line for line in closers[1:])
        yield from _tasks(group, "    ")


def _alone(consequence: Consequence) -> Hashable:
    return consequence.kind, consequence.task


def _in_common(consequence: Consequence) -> Hashable:
    """What has the same consequence but for names and seconds."""
    ending = consequence.ending
    roles = frozenset(closer.role for closer in ending.closers)
    checkpoint = ending.status, ending.recorded
    return consequence.kind, checkpoint, ending.exit_code, roles, _kinds(ending.frozen)


def _kinds(brackets: Iterable[Bracket]) -> frozenset[tuple[str, str]]:
    return frozenset((bracket.resource.type, bracket.phase) for bracket in brackets)


def _longest_open(group: Group) -> str:
    ending = group[0].ending
    if ending.frozen:
        return "until cancelled" if ending.stuck else "for ever"
    seconds = {each.ending.longest[1] for each in group if each.ending.longest}
    if not seconds:
        return "-"
    return duration(max(seconds)) if len(seconds) == 1 else f"≤ {duration(max(seconds))}"


def _checkpoint(rehearsal: Rehearsal, status: str, recorded: str) -> str:
    """How the checkpoint stands, in two words."""
    operation = str(rehearsal.document.run["operation"])
    if operation in (Operation.PROTECT, Operation.DELETE) or not recorded:
        return status
    return {STARTED: f"{operation} begun", ENDED_BADLY: f"{operation} failed"}.get(recorded, recorded)


def _grouped(consequences: Sequence[Consequence], key: Callable[[Consequence], Hashable]) -> Iterable[Group]:
    """In the order of the first of each group."""
    groups: dict[Hashable, list[Consequence]] = {}
    for each in consequences:
        groups.setdefault(key(each), []).append(each)
    return groups.values()


def _tasks(group: Group, indent: str) -> Iterator[str]:
    """The names of the first few, one a line: they are long."""
    count = len(group)
    shown = count if count <= SHOWN + 1 else SHOWN
    yield from (f"{indent}{plain(each.task)}" for each in group[:shown])
    if count > shown:
        yield f"{indent}and {count - shown} more"


def _name(bracket: Bracket) -> str:
    return plain(f"{bracket.resource} ({bracket.name})" if bracket.name else str(bracket.resource), 120)


def _lines(text: str, width: int) -> list[str]:
    return textwrap.wrap(text, width, break_long_words=False, break_on_hyphens=False)


def _wrapped(text: str, indent: str = "") -> Iterator[str]:
    return (indent + line for line in _lines(text, WIDTH - len(indent)))
