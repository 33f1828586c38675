"""Runs the activities of one plugin for one resource, in rule order, on a real checkpoint in a real bank.

No workflow, no threads: what the kit needs to watch a plugin closely.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from embank.actions.context import ActivityContext
from embank.actions.secrets import Scrubber
from embank.checkpoint.checkpoint import Checkpoint
from embank.checkpoint.checkpoints import Checkpoints
from embank.checkpoint.facts import Facts
from embank.checkpoint.records.status import Status
from embank.model import EMPTY, Operation, Parameters, Phase, Resource
from embank.plugins import Bank, Poll, ProtectionPlugin
from embank.plugins.checks import activities
from embank.plugins.registry import find_bank
from embank.resource_graph import canonical, to_chunks

PATIENCE = 300  # seconds that an activity may poll
LONGEST_PAUSE = 0.05  # seconds; the kit asks again sooner than an activity wants
BANK = "karbor.protections.embank-filesystem-bank-plugin"


@dataclass
class Subject:
    """What a test class that inherits the kit provides: something to protect.

    `destroy` loses the original. `compare` asserts that it is there, as it was when the subject was made.
    `parameters`, by operation, for example to let a restore replace what is there. `assert_released` asserts that
    nothing is frozen, stopped or staged any more. `dependents` are subjects, too, in the kit for faults.
    """

    plugin: ProtectionPlugin
    resource: Resource
    destroy: Callable[[], None]
    compare: Callable[[], None]
    parameters: Mapping[Operation, Parameters] = field(default_factory=dict)
    started: Callable[[], int] | None = None
    assert_deleted: Callable[[], None] | None = None
    in_memory: bool = False
    assert_released: Callable[[], None] = lambda: None
    dependents: Sequence[Subject] = ()


@dataclass(frozen=True, slots=True)
class Watcher:
    """What runs an activity in the kit, and keeps what it is told. Implements Control."""

    cancelled: bool
    messages: list[str]

    def tell(self, text: str) -> None:
        """See Control."""
        self.messages.append(text)


class KitContext(ActivityContext):
    """The context that the runner gives, with what the activities say in `messages`."""

    def __init__(
        self, checkpoint: Checkpoint, operation: Operation, *, cancelled: bool = False, closing: bool = False
    ) -> None:
        self.messages: list[str] = []
        control = Watcher(cancelled, self.messages)
        super().__init__(checkpoint.execution, operation, checkpoint, control, Scrubber(), closing=closing)


class Driver:
    """Operations on one subject. Every activity gets a plugin instance of its own, as on different workers."""

    def __init__(self, subject: Subject, bank: Bank) -> None:
        self.subject = subject
        self.bank = bank
        self.checkpoints = Checkpoints(bank, subject.plugin.saved_schema)
        self.implemented = activities(type(subject.plugin))

    def begin(self, id: str = "kit") -> Checkpoint:
        """A new checkpoint, with the resource as its whole graph."""
        checkpoint = self.checkpoints.create(id, Facts(plan="kit", provider="kit", execution=id))
        chunks = list(to_chunks(canonical([self.subject.resource], []), 1 << 18))
        for number, chunk in enumerate(chunks, start=1):
            checkpoint.save_graph_chunk(number, len(chunks), chunk)
        return checkpoint

    def protect(self, *, times: int = 1) -> Checkpoint:
        """Protect the subject, and complete the checkpoint."""
        checkpoint = self.begin()
        self.run(Operation.PROTECT, checkpoint, times=times)
        checkpoint.seal()
        checkpoint.move(Status.AVAILABLE)
        return checkpoint

    def again(self, checkpoint: Checkpoint, execution: str) -> Checkpoint:
        """The checkpoint as another execution sees it."""
        return self.checkpoints.open(checkpoint.id, execution)

    def run(
        self, operation: Operation, checkpoint: Checkpoint, *, times: int = 1, cancelled: bool = False
    ) -> KitContext:
        """Every implemented activity of an operation, each `times` times."""
        context = KitContext(checkpoint, operation, cancelled=cancelled)
        for phase in self.implemented[operation]:
            for _ in range(times):
                self.call(operation, phase, checkpoint, context)
        return context

    def close(self, operation: Operation, checkpoint: Checkpoint) -> None:
        """The closers of an operation, as the cleanup runs them."""
        context = KitContext(checkpoint, operation, closing=True)
        for phase, spec in self.implemented[operation].items():
            if spec.closes:
                self.call(operation, phase, checkpoint, context)

    def call(
        self,
        operation: Operation,
        phase: Phase,
        checkpoint: Checkpoint,
        context: KitContext,
        polled: Callable[[], None] = lambda: None,
    ) -> None:
        """One activity, to its end. `polled` is called at each of its yields."""
        plugin = type(self.subject.plugin)(self.subject.plugin.conf)
        resource = self.subject.resource
        parameters = self.subject.parameters.get(operation, EMPTY)
        activity = getattr(plugin, f"activity_{operation}_{phase}")
        if plugin.aggregate(operation, phase, resource, ()) is None:
            exhaust(activity(checkpoint, context, resource, parameters), polled)
        else:
            exhaust(activity(checkpoint, context, (resource,), (parameters,)), polled)

    def delete(self, checkpoint: Checkpoint, *, times: int = 1) -> list[str]:
        """Delete the subject's part of the checkpoint, in another execution; the keys left in its section."""
        checkpoint.move(Status.DELETING)
        self.run(Operation.DELETE, self.again(checkpoint, "delete"), times=times)
        return [info.key for info in self.bank.list(checkpoint.section(self.subject.resource).prefix)]

    def erase(self, checkpoint: Checkpoint, *, times: int = 1) -> None:
        """Delete the checkpoint, and assert that nothing is left of it and the original is."""
        assert self.delete(checkpoint, times=times) == [], "the delete operation leaves something in the bank section"
        checkpoint.erase()
        assert list(self.bank.list()) == []
        self.subject.compare()
        if self.subject.assert_deleted:
            self.subject.assert_deleted()

    def round_trip(self, *, times: int = 1) -> None:
        """Protect, verify, lose, restore, compare, delete, with every activity `times` times."""
        checkpoint = self.protect(times=times)
        self.subject.compare()
        self.run(Operation.VERIFY, self.again(checkpoint, "verify"), times=times)
        self.subject.destroy()
        self.run(Operation.RESTORE, self.again(checkpoint, "restore"), times=times)
        self.subject.compare()
        self.erase(checkpoint, times=times)

    def damage(self, checkpoint: Checkpoint) -> bool:
        """Change a byte of the data that the subject has in the bank; False when it has none."""
        prefix = checkpoint.section(self.subject.resource).prefix
        segments = [info for info in self.bank.list(prefix) if info.size and info.key[-8:].isdigit()]
        if not segments:
            return False
        key = max(segments, key=lambda info: info.size).key
        data = bytearray(b"".join(self.bank.get(key)))
        data[len(data) // 2] ^= 0xFF
        self.bank.put(key, [bytes(data)])
        return True


def exhaust(returned: Any, polled: Callable[[], None] = lambda: None) -> None:
    """Poll what an activity returned until it is done. Asserts that what it yields makes sense."""
    if returned is None:
        return
    assert isinstance(returned, Iterator), f"an activity returned {returned!r}, which is nothing to poll"
    deadline = time.monotonic() + PATIENCE
    for poll in returned:
        assert time.monotonic() < deadline, f"an activity is still polling after {PATIENCE} s"
        pause = min(LONGEST_PAUSE, check_poll(poll))
        polled()
        time.sleep(pause)


def check_poll(poll: object) -> float:
    """The seconds that a yielded value asks to wait. Asserts that it is None or a sensible Poll."""
    if poll is None:
        return LONGEST_PAUSE
    assert isinstance(poll, Poll), f"an activity yielded {poll!r}: it should yield nothing or a Poll"
    after = LONGEST_PAUSE if poll.after is None else poll.after
    assert math.isfinite(after), f"{poll} never asks again"
    assert after >= 0, f"{poll} asks again in the past"
    assert poll.progress is None or 0 <= poll.progress <= 1, f"{poll} has a progress that is not from 0 to 1"
    assert isinstance(poll.message, str), f"{poll} has a message that is not text"
    return after


def filesystem_bank(directory: Path) -> Bank:
    """The bank that comes with Embank, in a directory."""
    from oslo_config import cfg

    found = find_bank(BANK).value
    assert found is not None, "the filesystem bank that comes with Embank cannot be loaded"
    conf = cfg.ConfigOpts()
    for section, options in found.options.items():
        conf.register_opts(options, group=section)
    file = directory.with_suffix(".conf")
    file.write_text(f"[filesystem_bank]\npath = {str(directory).replace('$', '$$')}\n")
    conf([], default_config_files=[str(file)])
    bank: Bank = found.loaded(conf)
    return bank
