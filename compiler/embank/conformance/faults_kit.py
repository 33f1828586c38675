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
from embank.conformance.faults import STREAMS, Call, Fault, FaultyBank, Kind
from embank.conformance.faults_claims import Trial, check
from embank.conformance.faults_memory import MemoryBank
from embank.conformance.faults_run import Site, copy_of
from embank.conformance.faults_side_by_side import side_by_side
from embank.errors import ExitCode
from embank.model import Operation, Policy
from embank.plugins import Bank
from embank.run.events import Event, Listener, TaskStarted

NewBank = Callable[[], Bank]
CHECKPOINT = "kit"
HANGS = 60.0  # s that a call hangs, if nobody gives it up
RETRIES = 5  # calls that are tried again in a test: each takes a second


class FaultConformance:
    """What must hold whenever a bank fails."""

    @pytest.fixture
    def subject(self) -> Subject:
        """Override: something to protect, with its dependents if it has any."""
        raise NotImplementedError("a test class that inherits FaultConformance has a fixture subject")

    @pytest.fixture
    def subjects(self, subject: Subject) -> Sequence[Subject]:
        """Override to save time: several subjects that have nothing in common, for faults that take a second each."""
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
    def lab(self, subject: Subject, new_bank: NewBank) -> Lab:
        """Runs operations with faults."""
        return Lab(Site(subject), new_bank)

    def test_a_fault_at_every_call(self, lab: Lab, operation: Operation, kind: Kind) -> None:
        """Once, and then the bank is well again."""
        for call in lab.calls(operation):
            if may_have(kind, call):
                lab.trial(operation, Fault(kind, call.number), call)

    def test_a_bank_that_goes_away_at_every_call(self, lab: Lab, operation: Operation) -> None:
        """And does not come back before the execution has ended."""
        for call in lab.calls(operation):
            lab.trial(operation, Fault(Kind.FAIL, call.number, times=None), call)

    def test_a_call_that_hangs(
        self, subjects: Sequence[Subject], new_bank: NewBank, operation: Operation, slow_kind: Kind
    ) -> None:
        """Each in an activity: the timeout ends that. When all is over, the call goes on, and fails or succeeds."""
        labs = [Lab(Site(subject, Policy(timeout=1)), new_bank) for subject in subjects]
        calls = labs[0].calls_of_activities(operation)
        side_by_side(
            [partial(hang_at, lab, operation, slow_kind, calls[n :: len(labs)]) for n, lab in enumerate(labs)]
        )

    def test_retries_make_up_for_a_fault(self, subject: Subject, new_bank: NewBank, operation: Operation) -> None:
        """An activity that is tried again succeeds, and with it the operation."""
        lab = Lab(Site(subject, Policy(retry_count=1)), new_bank)
        calls = lab.calls_of_activities(operation)
        for call in calls[:: max(1, len(calls) // RETRIES)]:
            trial = lab.trial(operation, Fault(Kind.FAIL, call.number), call)
            assert trial.ok, f"{trial.outcome.summary.failures} in spite of a retry, for a fault at {call}"

    def test_a_restore_that_fails_spares_what_is_there(self, lab: Lab) -> None:
        """The original was not lost: whatever the bank does, it or its restored copy is there afterwards."""
        for call in lab.calls(Operation.RESTORE):
            if call.method == "get":
                lab.trial(Operation.RESTORE, Fault(Kind.CUT, call.number), call, destroy=False)


def may_have(kind: Kind, call: Call) -> bool:
    """Whether a kind of fault is anything of its own for a call: only streams can be torn or cut."""
    return kind not in (Kind.TEAR, Kind.CUT) or call.method in STREAMS


def hang_at(lab: Lab, operation: Operation, kind: Kind, calls: Sequence[Call]) -> None:
    """A trial for each of the calls. None may have to be waited for after its task has timed out."""
    for call in calls:
        trial = lab.trial(operation, Fault(kind, call.number, seconds=HANGS), call)
        assert not trial.waited, f"the execution did not end before {call} did, although its task has a timeout"


class Lab:
    """A site, a checkpoint that was made with a healthy bank, and trials on copies of it."""

    def __init__(self, site: Site, new_bank: NewBank) -> None:
        self.site = site
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
            trial = self._run(operation, bank, destroy=destroy)
            assert bank.struck, "the fault never struck: does the operation make other calls each time?"
            check(trial)
        return trial

    def _undisturbed(self, operation: Operation) -> tuple[Sequence[Call], int, int]:
        """The calls, and those between which the activities run."""
        bank = FaultyBank(self._bank(operation))
        seen: dict[str, int] = {}

        def listen(event: Event) -> None:
            if isinstance(event, TaskStarted):
                seen.setdefault(event.task, len(bank.calls))

        trial = self._run(operation, bank, listeners=[listen])
        check(trial)
        assert trial.ok, f"without any fault: {trial.outcome.summary.failures}"
        return bank.calls, seen["activities"], seen["complete"]

    def _bank(self, operation: Operation) -> Bank:
        bank = self.new_bank()
        return bank if operation is Operation.PROTECT else copy_of(self._prepared, bank)

    def _run(
        self, operation: Operation, bank: FaultyBank, *, destroy: bool = True, listeners: Sequence[Listener] = ()
    ) -> Trial:
        given = "" if operation is Operation.PROTECT else CHECKPOINT
        if operation is Operation.RESTORE and destroy:
            self.site.destroy()
        outcome = self.site.run(operation, bank, "trial", given, listeners)
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
