"""The test kit for protection plugins, part two: activities that are killed, anywhere, and run again.

A run that is killed leaves behind what it has started, written and changed so far, and no plugin instance. Another
run, on another worker, has to make of that what an undisturbed one would have made.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from itertools import count

import pytest

from embank.checkpoint.checkpoint import Checkpoint
from embank.checkpoint.records.status import Status
from embank.conformance.driver import Driver, KitContext, Subject
from embank.conformance.killing import SteppedBank, Steps, dropped, killed
from embank.model import Operation, Phase
from embank.plugins import Bank


class KillingDriver(Driver):
    """Every activity is killed at its step number `at`, if it takes as many, and then run again to its end.

    `short` has the activities that are known to take fewer: they are just run.
    """

    def __init__(self, subject: Subject, bank: Bank, at: int, short: set[tuple[Operation, Phase]]) -> None:
        super().__init__(subject, bank)
        self.at = at
        self.short = short
        self.killed: list[str] = []

    def call(
        self,
        operation: Operation,
        phase: Phase,
        checkpoint: Checkpoint,
        context: KitContext,
        polled: Callable[[], None] = lambda: None,
    ) -> None:
        """One activity, killed on the way."""
        if (operation, phase) in self.short or self.kill(operation, phase, checkpoint):
            super().call(operation, phase, checkpoint, context, polled)

    def kill(self, operation: Operation, phase: Phase, checkpoint: Checkpoint) -> bool:
        """Run one activity until it is killed; False when it came to its end before."""

        def work(steps: Steps) -> None:
            driver = Driver(self.subject, SteppedBank(self.bank, steps))
            mine = driver.checkpoints.open(checkpoint.id, checkpoint.execution)
            steps.count = 0
            with steps.counting(True):
                driver.call(operation, phase, mine, KitContext(mine, operation), lambda: steps("at a yield"))

        where = dropped(work, self.at) if self.subject.in_memory else killed(work, self.at)
        if not where:
            self.short.add((operation, phase))
            return False
        self.killed.append(f"activity_{operation}_{phase} {where}")
        return True

    def abandon(self, operation: Operation, phase: Phase, checkpoint: Checkpoint) -> None:
        """An operation up to a phase, which is killed, and then its closers: as much as nobody resumes."""
        plain = Driver(self.subject, self.bank)
        context = KitContext(checkpoint, operation)
        for each in self.implemented[operation]:
            if each is phase:
                break
            plain.call(operation, each, checkpoint, context)
        self.kill(operation, phase, checkpoint)
        plain.close(operation, checkpoint)

    def left(self, operation: Operation) -> list[Phase]:
        """The phases of an operation that may take as many steps."""
        return [phase for phase in self.implemented[operation] if (operation, phase) not in self.short]

    @contextmanager
    def told(self) -> Iterator[None]:
        """An error within this block says what was killed."""
        try:
            yield
        except BaseException as error:
            for each in self.killed:
                error.add_note(f"killed, step {self.at}: {each}")
            raise


class RestartConformance:
    """Whatever kills the process: the machine, a timeout, an operator."""

    @pytest.fixture
    def steps(self, request: pytest.FixtureRequest) -> Iterator[int]:
        """The steps to be killed at, one after the other, until there is none.

        The variants of a test (one for each resource id) share them: all of them together kill at every step.
        """
        node = request.node
        variants = [
            item.nodeid
            for item in request.session.items
            if isinstance(item, pytest.Function) and (item.cls, item.originalname) == (node.cls, node.originalname)
        ]
        return count(1 + variants.index(node.nodeid), len(variants))

    def test_killed_at_every_step_and_repeated(self, subject: Subject, bank: Bank, steps: Iterator[int]) -> None:
        """Everything is as after an undisturbed run, and no operation was started twice."""
        expected = self._started(Driver(subject, bank), subject) if subject.started else None
        short: set[tuple[Operation, Phase]] = set()
        for at in steps:
            driver = KillingDriver(subject, bank, at, short)
            with driver.told():
                started = self._started(driver, subject)
                assert started == expected, f"{started} operations were started, without a kill {expected}"
            if not driver.killed:
                break

    def _started(self, driver: Driver, subject: Subject) -> int | None:
        """How many operations a round trip has started."""
        before = subject.started() if subject.started else 0
        driver.round_trip()
        return subject.started() - before if subject.started else None

    def test_a_killed_protection_leaves_nothing(self, subject: Subject, bank: Bank, steps: Iterator[int]) -> None:
        """It was not repeated: when its closers have run, and its checkpoint was deleted."""

        def check(driver: KillingDriver, phase: Phase) -> None:
            checkpoint = driver.begin()
            driver.abandon(Operation.PROTECT, phase, checkpoint)
            checkpoint.move(Status.ERROR, reason="killed")
            subject.compare()
            Driver(subject, bank).erase(checkpoint)

        self.for_each(Operation.PROTECT, subject, bank, steps, check)

    def test_a_killed_verification_leaves_nothing(self, subject: Subject, bank: Bank, steps: Iterator[int]) -> None:
        """It was not repeated: when its closers have run, and its checkpoint was deleted."""

        def check(driver: KillingDriver, phase: Phase) -> None:
            plain = Driver(subject, bank)
            checkpoint = plain.protect()
            driver.abandon(Operation.VERIFY, phase, driver.again(checkpoint, "verify"))
            plain.erase(checkpoint)

        self.for_each(Operation.VERIFY, subject, bank, steps, check)

    def test_a_killed_restore_is_made_good_by_the_next(
        self, subject: Subject, bank: Bank, steps: Iterator[int]
    ) -> None:
        """It was not repeated, and another execution restores the same again."""
        plain = Driver(subject, bank)
        checkpoint = plain.protect()

        def check(driver: KillingDriver, phase: Phase) -> None:
            subject.destroy()
            driver.abandon(Operation.RESTORE, phase, driver.again(checkpoint, f"killed {driver.at} {phase}"))
            with suppress(Exception):  # it may be there or not
                subject.destroy()
            plain.run(Operation.RESTORE, driver.again(checkpoint, f"next {driver.at} {phase}"))
            subject.compare()

        self.for_each(Operation.RESTORE, subject, bank, steps, check)

    def for_each(
        self,
        operation: Operation,
        subject: Subject,
        bank: Bank,
        steps: Iterator[int],
        check: Callable[[KillingDriver, Phase], None],
    ) -> None:
        """Call `check` for each step of each phase of an operation, with a driver that kills there."""
        short: set[tuple[Operation, Phase]] = set()
        for at in steps:
            phases = KillingDriver(subject, bank, at, short).left(operation)
            for phase in phases:
                driver = KillingDriver(subject, bank, at, short)
                with driver.told():
                    check(driver, phase)
            if not phases:
                break
