"""`context.once`: what an activity starts elsewhere is started once, whoever is killed, late, or does the same."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from embank.actions.context import ActivityContext
from embank.actions.secrets import Scrubber
from embank.checkpoint.checkpoints import Checkpoints
from embank.checkpoint.errors import CheckpointError, CheckpointMissing, Damaged, Unfit
from embank.checkpoint.facts import Facts
from embank.checkpoint.records.status import Status
from embank.model import Operation, Resource
from embank.plugins import Started
from kit.banks import open_bank

VOLUME = Resource("Test::Volume", "../v 1", "one")
OTHER = Resource("Test::Volume", "v2", "two")
NewRun = Callable[..., ActivityContext]


@pytest.fixture
def checkpoints(tmp_path: Path) -> Checkpoints:
    checkpoints = Checkpoints(open_bank(tmp_path / "bank"))
    checkpoints.create("c1", Facts(plan="p", provider="p", execution="e1"))
    return checkpoints


@pytest.fixture
def new_run(checkpoints: Checkpoints) -> NewRun:
    """`new_run()`: the context of one more run of an activity, on some worker, in the execution e1 (or another)."""

    def make(execution: str = "e1") -> ActivityContext:
        checkpoint = checkpoints.open("c1", execution)
        return ActivityContext(execution, Operation.PROTECT, checkpoint, Control(), Scrubber())

    return make


class Control:
    """Nobody cancels it."""

    cancelled = False

    def tell(self, text: str) -> None:
        pass


class Service:
    """Somebody else's: an operation is a file, named by its token, which it takes only once."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.mkdir()

    def create(self, token: str) -> dict[str, Any]:
        (self.path / token).touch()
        return {"id": token, "size": [1, 2]}

    @property
    def operations(self) -> list[str]:
        return sorted(each.name for each in self.path.iterdir())


@pytest.fixture
def service(tmp_path: Path) -> Service:
    return Service(tmp_path / "service")


def never(token: str) -> None:
    pytest.fail(f"started again, with {token}")


def killed(work: Callable[[], object]) -> None:
    """Do it in a process of its own, which has to be killed by it."""
    child = os.fork()
    if not child:
        try:
            work()
        finally:
            os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL


def die(*_: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def test_what_an_earlier_run_started_is_picked_up(new_run: NewRun, service: Service) -> None:
    first = new_run().once(VOLUME, "backup", service.create)
    assert service.operations == [first["id"]]
    assert new_run().once(VOLUME, "backup", never) == first
    assert new_run().started(VOLUME, "backup") == Started(first["id"], first)


def test_a_token_is_a_name_that_any_service_takes(new_run: NewRun) -> None:
    """A DNS label: containers, buckets, databases, volumes."""
    token = new_run().once(VOLUME, "backup", lambda token: token)
    assert token.islower()
    assert len(token) <= 63
    assert token.replace("-", "").isalnum()
    assert token.startswith("embank-")


@pytest.mark.parametrize("when", ["before it was started", "after it was started"])
def test_killed_before_it_was_kept_it_is_started_with_the_same_token(
    new_run: NewRun, service: Service, when: str
) -> None:
    def start(token: str) -> None:
        if when == "after it was started":
            service.create(token)
        die()

    killed(lambda: new_run().once(VOLUME, "backup", start))
    known = new_run().started(VOLUME, "backup")
    assert known is not None
    assert known.value is None
    new_run().once(VOLUME, "backup", service.create)
    assert service.operations == [known.token]


def test_a_start_that_fails_may_have_started_it(new_run: NewRun, service: Service) -> None:
    """The answer was lost, say."""

    def start(token: str) -> None:
        service.create(token)
        raise TimeoutError

    with pytest.raises(TimeoutError):
        new_run().once(VOLUME, "backup", start)
    new_run().once(VOLUME, "backup", service.create)
    assert len(service.operations) == 1


def test_what_came_to_nothing_is_forgotten(new_run: NewRun, service: Service) -> None:
    run = new_run()
    first = run.once(VOLUME, "backup", service.create)
    run.forget(VOLUME, "backup")
    assert run.started(VOLUME, "backup") is None
    run.forget(VOLUME, "backup")  # as does the repetition of a run that was killed here
    second = new_run().once(VOLUME, "backup", service.create)
    assert first["id"] != second["id"]
    assert new_run().once(VOLUME, "backup", never) == second


def test_nothing_is_forgotten_that_was_never_started(new_run: NewRun) -> None:
    assert new_run().started(VOLUME, "backup") is None
    new_run().forget(VOLUME, "backup")
    assert new_run().started(VOLUME, "backup") is None


def test_names_resources_and_executions_have_their_own(new_run: NewRun, service: Service) -> None:
    starts = [
        new_run().once(VOLUME, "backup", service.create),
        new_run().once(VOLUME, "snapshot", service.create),
        new_run().once(VOLUME, "", service.create),
        new_run().once(OTHER, "backup", service.create),
        new_run("e2").once(VOLUME, "backup", service.create),
        new_run().once((VOLUME, OTHER), "backup", service.create),
    ]
    assert len({each["id"] for each in starts}) == len(starts) == len(service.operations)


def test_an_aggregated_activity_starts_one_thing_for_all(new_run: NewRun, service: Service) -> None:
    first = new_run().once((VOLUME, OTHER), "group", service.create)
    assert new_run().once([OTHER, VOLUME], "group", never) == first
    new_run().forget((OTHER, VOLUME), "group")
    assert new_run().once((VOLUME, OTHER), "group", service.create) != first


def test_a_group_of_one_is_that_one(new_run: NewRun, service: Service) -> None:
    """So that a closer that is not aggregated finds what it has to close."""
    first = new_run().once((VOLUME,), "group", service.create)
    assert new_run().once(VOLUME, "group", never) == first


def test_a_rename_is_not_a_new_resource(new_run: NewRun, service: Service) -> None:
    first = new_run().once(VOLUME, "backup", service.create)
    assert new_run().once(Resource(VOLUME.type, VOLUME.id, "renamed"), "backup", never) == first


def test_what_is_returned_is_what_is_found_later(new_run: NewRun) -> None:
    """A tuple is a list the first time already."""
    run = new_run()
    first = run.once(VOLUME, "backup", lambda token: {"ids": (1, 2.5), "ok": True, "none": None})
    assert first == {"ids": [1, 2.5], "ok": True, "none": None}
    assert run.once(VOLUME, "backup", never) == first
    assert [run.once(VOLUME, str(value), lambda token, value=value: value) for value in (0, "", False, [])] == [
        0, "", False, [],
    ]  # fmt: skip


def test_a_deletion_asks_for_what_the_protection_started(new_run: NewRun, service: Service) -> None:
    """Of its own it has started nothing; also what was started, and not kept, is known by its token."""
    first = new_run().once(VOLUME, "backup", service.create)
    assert new_run("delete").started(VOLUME, "backup") is None
    assert new_run("delete").started(VOLUME, "backup", protecting=True) == Started(first["id"], first)
    assert new_run("delete").started(VOLUME, "snapshot", protecting=True) is None
    assert new_run().started((VOLUME,), "backup", protecting=True) == Started(first["id"], first)


# runs at the same time


def test_of_many_at_once_all_get_the_same_token(new_run: NewRun, service: Service, tmp_path: Path) -> None:
    """An activity that was abandoned, and its repetition, on two workers."""
    for turn in range(10):
        children = []
        for _ in range(4):
            child = os.fork()
            if not child:
                try:
                    found = new_run().once(VOLUME, f"turn {turn}", service.create)
                    (tmp_path / f"{turn}-{found['id']}").touch()
                    os._exit(0)
                finally:
                    os._exit(1)
            children.append(child)
        assert [os.waitpid(child, 0)[1] for child in children] == [0] * 4
        assert len(service.operations) == turn + 1
        assert len(list(tmp_path.glob(f"{turn}-*"))) == 1


def test_one_that_is_late_gets_what_is_kept(new_run: NewRun) -> None:
    """A service that made two of it, each with an id of its own: at least everybody polls the same."""

    def start(token: str) -> str:
        assert new_run().once(VOLUME, "backup", lambda same: f"{same} first") == f"{token} first"
        return f"{token} second"

    assert new_run().once(VOLUME, "backup", start).endswith(" first")


def test_one_that_is_late_neither_keeps_nor_forgets_what_came_after(new_run: NewRun) -> None:
    def start(token: str) -> str:
        other = new_run()
        other.once(VOLUME, "backup", lambda same: same)
        other.forget(VOLUME, "backup")
        other.once(VOLUME, "backup", lambda token: token)
        return token

    late = new_run()
    with pytest.raises(
        CheckpointError, match="'backup' was started, but another run of this activity has given it up"
    ):
        late.once(VOLUME, "backup", start)
    kept = new_run().started(VOLUME, "backup")
    late.forget(VOLUME, "backup")
    assert kept is not None
    assert new_run().started(VOLUME, "backup") == kept


# misuse


@pytest.mark.parametrize(
    ("value", "error", "message"),
    [
        (None, TypeError, "returned None: it should return what finds the operation again, such as its id"),
        ({1, 2}, Unfit, r"what the start of 'backup' returned cannot be kept: the value at / is of type set"),
        ({"at": object()}, Unfit, "the value at /at is of type object, which JSON cannot say"),
        ({1: "x"}, Unfit, "has a key that is not a string but int"),
        (float("nan"), Unfit, "which JSON cannot say"),
        ((each for each in "ab"), Unfit, "of type generator"),
    ],
)
def test_what_cannot_be_kept(new_run: NewRun, value: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        new_run().once(VOLUME, "backup", lambda token: value)
    known = new_run().started(VOLUME, "backup")
    assert known is not None
    assert known.value is None, "it was started, after all"


def test_the_start_must_be_a_function(new_run: NewRun) -> None:
    """Whoever calls it themselves starts it each time; said also when there is nothing left to start."""
    with pytest.raises(TypeError, match="the start of 'backup' is no function but a str"):
        new_run().once(VOLUME, "backup", "an id")
    new_run().once(VOLUME, "backup", lambda token: token)
    with pytest.raises(TypeError, match="no function"):
        new_run().once(VOLUME, "backup", "an id")


@pytest.mark.parametrize("resource", ["v1", None, (), ("v1",), 3])
def test_it_belongs_to_resources(new_run: NewRun, resource: Any) -> None:
    with pytest.raises(TypeError, match="belongs to a Resource, or to some of them, not to"):
        new_run().once(resource, "backup", never)


def test_nothing_is_kept_of_a_checkpoint_that_is_deleted(new_run: NewRun, checkpoints: Checkpoints) -> None:
    run = new_run()
    checkpoint = checkpoints.open("c1", "e1")
    checkpoint.move(Status.DELETING)
    checkpoint.erase()
    with pytest.raises(CheckpointMissing):
        run.once(VOLUME, "backup", never)
    assert checkpoints.bank.list() == []


@pytest.mark.parametrize(
    "record", [b"{}", b'{"event": "begun", "token": "x"}', b'{"event": "started", "token": "x"}']
)
def test_damage_in_the_bank_is_said(new_run: NewRun, checkpoints: Checkpoints, record: bytes) -> None:
    new_run().once(VOLUME, "backup", lambda token: token)
    (key,) = [info.key for info in checkpoints.bank.list() if "/started/" in info.key and info.key.endswith("2")]
    checkpoints.bank.put(key, [record])
    with pytest.raises(Damaged, match="is damaged"):
        new_run().once(VOLUME, "backup", never)
