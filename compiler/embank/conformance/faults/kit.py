"""The test kit for faults. It needs pytest; inherit it in a test module, and provide the fixture `subject`:

    class TestMyVolumeUnderFaults(FaultConformance):
        @pytest.fixture
        def subject(self, tmp_path):
            volume = make_volume(tmp_path)
            return Subject(
                plugin=VolumePlugin(conf_for(volume)),
                resource=Resource("Example::Volume", "v1", "A volume"),
                destroy=volume.delete,
                compare=volume.assert_unchanged,
                assert_released=volume.assert_no_snapshot,
                parameters={Operation.RESTORE: {"existing": "replace"}},
            )

For each operation and each kind of fault, the operation runs as often as it calls the bank, each time with a fault
at another call, and after each run the claims of `faults_claims` are checked. Subjects may have dependents. Keep them
small: an operation of 100 calls runs 100 times. Narrow the fixtures `operation` and `kind` for a quick run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial

import pytest

from embank.conformance.driver import Subject
from embank.conformance.faults.claims import Trial, check
from embank.conformance.faults.faulty_bank import STREAMS, Call, Fault, FaultyBank, Kind
from embank.conformance.faults.memory_bank import MemoryBank
from embank.conformance.faults.run import PLAIN, Site, copy_of
from embank.conformance.faults.side_by_side import side_by_side
from embank.errors import ExitCode
from embank.model import Operation, Policy
from embank.plugins import Bank
from embank.reporting.events import Event, Listener, TaskStarted

__all__ = ["FaultAtEveryCall", "FaultConformance", "Lab", "Outages", "Subject"]

NewBank = Callable[[], Bank]
MakeLabs = Callable[[Policy], "Sequence[Lab]"]
CHECKPOINT = "kit"
HANGS = 60.0  # s that a call hangs, if nobody gives it up
RETRIES = 5  # calls that are tried again in a test: each takes a second


class FaultKit:
    """The fixtures."""

    @pytest.fixture
    def subject(self) -> Subject:
        """Override: something to protect, with its dependents if it has any."""
        raise NotImplementedError("a test class that inherits FaultConformance has a fixture subject")

    @pytest.fixture
    def subjects(self, subject: Subject) -> Sequence[Subject]:
        """Override to save time: several that are alike and have nothing in common, to work on side by side."""
        return [subject]

    @pytest.fixture
    def new_bank(self) -> NewBank:
        """Makes a new, empty bank: one in memory, unless overridden."""
        return MemoryBank

    @pytest.fixture(params=list(Operation))
    def operation(self, request: pytest.FixtureRequest) -> Operation:
        """What is done."""
        return Operation(request.param)

    @pytest.fixture(params=[Kind.FAIL, Kind.LOSE, Kind.TEAR, Kind.CUT])
    def kind(self, request: pytest.FixtureRequest) -> Kind:
        """What goes wrong, once."""
        return Kind(request.param)

    @pytest.fixture(params=[Kind.STALL, Kind.LATE])
    def slow_kind(self, request: pytest.FixtureRequest) -> Kind:
        """How a call hangs, once."""
        return Kind(request.param)

    @pytest.fixture
    def make_labs(self, subjects: Sequence[Subject], new_bank: NewBank) -> MakeLabs:
        """Makes what runs operations with faults, on each of the subjects."""
        return lambda policy: [Lab(Site(subject), new_bank, policy) for subject in subjects]


class FaultAtEveryCall(FaultKit):
    """One call goes wrong, once."""

    def test_a_fault_at_every_call(self, make_labs: MakeLabs, operation: Operation, kind: Kind) -> None:
        """Once, and then the bank is well again."""
        labs = make_labs(PLAIN)
        calls = [call for call in labs[0].calls(operation) if may_have(kind, call)]
        share(labs, calls, lambda lab, call: lab.trial(operation, Fault(kind, call.number), call))


class Outages(FaultKit):
    """A bank that goes away, or hangs; and what helps."""

    def test_a_bank_that_goes_away_at_every_call(self, make_labs: MakeLabs, operation: Operation) -> None:
        """And does not come back before the execution has ended."""
        labs = make_labs(PLAIN)
        calls = labs[0].calls(operation)
        share(labs, calls, lambda lab, call: lab.trial(operation, Fault(Kind.FAIL, call.number, times=None), call))

    def test_a_call_that_hangs(self, make_labs: MakeLabs, operation: Operation, slow_kind: Kind) -> None:
        """Each in an activity: the timeout ends that. When all is over, the call goes on, and fails or succeeds."""

        def hang(lab: Lab, call: Call) -> None:
            trial = lab.trial(operation, Fault(slow_kind, call.number, seconds=HANGS), call)
            assert not trial.waited, f"the execution did not end before {call} did, although its task has a timeout"

        labs = make_labs(Policy(timeout=1))
        share(labs, labs[0].calls_of_activities(operation), hang)

    def test_a_retry_makes_up_for_a_fault(self, make_labs: MakeLabs, operation: Operation) -> None:
        """An activity that is tried again succeeds, and with it the operation."""

        def retry(lab: Lab, call: Call) -> None:
            trial = lab.trial(operation, Fault(Kind.FAIL, call.number), call)
            assert trial.ok, f"{trial.outcome.summary.failures} in spite of a retry, for a fault at {call}"

        labs = make_labs(Policy(retry_count=1))
        calls = labs[0].calls_of_activities(operation)
        share(labs, calls[:: max(1, len(calls) // RETRIES)], retry)

    def test_a_restore_that_fails_spares_what_is_there(self, make_labs: MakeLabs) -> None:
        """The original was not lost: whatever the bank gives, it or its restored copy is there afterwards."""
        labs, operation = make_labs(PLAIN), Operation.RESTORE
        calls = [call for call in labs[0].calls(operation) if call.method == "get"]
        share(labs, calls, lambda lab, call: lab.trial(operation, Fault(Kind.CUT, call.number), call, destroy=False))


class FaultConformance(FaultAtEveryCall, Outages):
    """What must hold whenever a bank fails."""


def may_have(kind: Kind, call: Call) -> bool:
    """Whether a kind of fault is anything of its own for a call: only streams can be torn or cut."""
    return kind not in (Kind.TEAR, Kind.CUT) or call.method in STREAMS


def share(labs: Sequence[Lab], calls: Sequence[Call], trial: Callable[[Lab, Call], object]) -> None:
    """A trial for each call; the labs share them and work side by side."""

    def work(lab: Lab, mine: Sequence[Call]) -> None:
        for call in mine:
            trial(lab, call)

    assert calls, "there is nothing to try"
    side_by_side([partial(work, lab, calls[first :: len(labs)]) for first, lab in enumerate(labs)])


class Lab:
    """A site, a checkpoint that was made with a healthy bank, and trials on copies of it, with a policy."""

    def __init__(self, site: Site, new_bank: NewBank, policy: Policy) -> None:
        self.site = site
        self.policy = policy
        self.new_bank = new_bank
        self._prepared = new_bank()
        outcome = site.run(Operation.PROTECT, self._prepared, CHECKPOINT)
        assert outcome.exit_code is ExitCode.OK, f"without any fault: {outcome.summary.failures}"

    def calls(self, operation: Operation) -> Sequence[Call]:
        """What an operation asks of a bank that is well."""
        return self._undisturbed(operation)[0]

    def calls_of_activities(self, operation: Operation) -> Sequence[Call]:
        """The same, but for what belongs to the beginning and the end of the execution."""
        calls, first, last = self._undisturbed(operation)
        return calls[first:last]

    def trial(self, operation: Operation, fault: Fault, call: Call, *, destroy: bool = True) -> Trial:
        """An operation with a fault, and what must hold afterwards."""
        bank = FaultyBank(self._bank(operation), fault)
        with explained(operation, fault, call, bank):
            trial = self._run(operation, bank, self.policy, destroy=destroy)
            # on a machine that is very busy an activity may have timed out before
            assert bank.struck or not trial.ok, "it never struck: are the calls others each time?"
            check(trial)
        return trial

    def _undisturbed(self, operation: Operation) -> tuple[Sequence[Call], int, int]:
        """The calls, and those between which the activities run."""
        bank = FaultyBank(self._bank(operation))
        seen: dict[str, int] = {}

        def listen(event: Event) -> None:
            if isinstance(event, TaskStarted):
                seen.setdefault(event.task, len(bank.calls))

        trial = self._run(operation, bank, PLAIN, listeners=[listen])
        check(trial)
        assert trial.ok, f"without any fault: {trial.outcome.summary.failures}"
        return bank.calls, seen["activities"], seen["complete"]

    def _bank(self, operation: Operation) -> Bank:
        bank = self.new_bank()
        return bank if operation is Operation.PROTECT else copy_of(self._prepared, bank)

    def _run(
        self,
        operation: Operation,
        bank: FaultyBank,
        policy: Policy,
        *,
        destroy: bool = True,
        listeners: Sequence[Listener] = (),
    ) -> Trial:
        given = "" if operation is Operation.PROTECT else CHECKPOINT
        if operation is Operation.RESTORE and destroy:
            self.site.destroy()
        outcome = self.site.run(operation, bank, "trial", given, policy, listeners)
        return Trial(
            self.site,
            operation,
            bank.bank,
            given or "trial",
            outcome,
            lease_lost=any(call.method in STREAMS and "/leases/" in call.key for call in bank.struck),
            waited=bank.waited_in_vain,
            destroyed=destroy,
        )


@contextmanager
def explained(operation: Operation, fault: Fault, call: Call, bank: FaultyBank) -> Iterator[None]:
    """Say, of whatever is wrong, which fault it was."""
    try:
        yield
    except BaseException as error:
        times = "" if fault.times else ", and from then on"
        error.add_note(f"in {operation}, with a fault ({fault.kind}{times}) at {next(iter(bank.struck), call)}")
        raise
