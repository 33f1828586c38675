"""The kit kills plugins anywhere: those that bear it pass, and every way not to bear it is noticed."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from oslo_config import cfg

from embank.conformance.driver import Subject, filesystem_bank
from embank.conformance.restarts import RestartConformance
from embank.plugins import Bank, Poll, ProtectionPlugin, Resource, closes

RESOURCE = Resource("Test::Volume", "../v 1", "one")
KIT = RestartConformance()
World = dict[str, str]


class Files:
    """A world that outlives a process: every entry is a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __contains__(self, name: str) -> bool:
        return (self.path / name).exists()

    def __setitem__(self, name: str, value: str) -> None:
        (self.path / name).write_text(value)

    def __getitem__(self, name: str) -> str:
        return (self.path / name).read_text()

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(each.name for each in self.path.iterdir()))

    def pop(self, name: str, default: None = None) -> None:
        (self.path / name).unlink(missing_ok=True)


class Service:
    """Makes backups of the entry `volume`: an entry `started <id>` says what one is called. To make one is a single
    step, as it is with a service: it is killed before or after.
    """

    def __init__(self, world: Any) -> None:
        self.world = world

    def create(self, name: str) -> str:
        id = secrets.token_hex(8)
        self.world[f"started {id}"] = name
        return id

    def find(self, name: str) -> str | None:
        return next((id for id in self.backups if self.world[f"started {id}"] == name), None)

    def delete(self, id: str) -> None:
        self.world[f"deleted {id}"] = ""

    @property
    def backups(self) -> list[str]:
        made = [name.split()[1] for name in self.world if name.startswith("started ")]
        return [id for id in made if f"deleted {id}" not in self.world]

    @property
    def started(self) -> int:
        return sum(name.startswith("started ") for name in self.world)


class Good(ProtectionPlugin):
    """Has the service make a backup, and keeps a lock meanwhile. `conf.world` is where everything is."""

    resource_types = (RESOURCE.type,)

    def __init__(self, conf: cfg.ConfigOpts) -> None:
        super().__init__(conf)
        self.world, self.service = conf.world, Service(conf.world)

    def activity_protect_pre(self, checkpoint: Any, context: Any, resource: Any, parameters: Any) -> None:
        """Lock."""
        checkpoint.section(resource).note("locking", True)
        self.world["lock"] = ""

    def activity_protect_parallel(
        self, checkpoint: Any, context: Any, resource: Any, parameters: Any
    ) -> Iterator[Poll]:
        """Back up."""
        backup = context.once(resource, "backup", self.find_or_create)
        for _ in range(3):
            yield Poll(after=0)
        assert backup in self.service.backups
        checkpoint.section(resource).save({"backup": backup})

    @closes("pre")
    def activity_protect_post(self, checkpoint: Any, context: Any, resource: Any, parameters: Any) -> None:
        """Unlock."""
        self.world.pop("lock", None)

    def activity_restore_parallel(self, checkpoint: Any, context: Any, resource: Any, parameters: Any) -> None:
        """Restore."""
        assert checkpoint.section(resource).load()["backup"] in self.service.backups
        self.world["volume"] = "content"

    def activity_delete_parallel(self, checkpoint: Any, context: Any, resource: Any, parameters: Any) -> None:
        """Delete the backup."""
        started = context.started(resource, "backup", protecting=True)
        backup = started and self.service.find(started.token)
        if backup:
            self.service.delete(backup)
        checkpoint.section(resource).clear()

    def find_or_create(self, token: str) -> str:
        return self.service.find(token) or self.service.create(token)


class DeletesAll(Good):
    """Whatever it has started."""

    def activity_delete_parallel(self, checkpoint: Any, context: Any, resource: Any, parameters: Any) -> None:
        for backup in self.service.backups:
            self.service.delete(backup)
        checkpoint.section(resource).clear()


class StartsAnew(DeletesAll):
    def activity_protect_parallel(
        self, checkpoint: Any, context: Any, resource: Any, parameters: Any
    ) -> Iterator[Poll]:
        section = checkpoint.section(resource)
        backup = self.service.create("mine")
        yield Poll(after=0)
        section.save({"backup": backup})


class NotesTooLate(DeletesAll):
    def activity_protect_parallel(
        self, checkpoint: Any, context: Any, resource: Any, parameters: Any
    ) -> Iterator[Poll]:
        section = checkpoint.section(resource)
        backup = section.noted("backup") or self.service.create("mine")
        yield Poll(after=0)
        section.note("backup", backup)
        section.save({"backup": backup})


class DoesNotLook(DeletesAll):
    def find_or_create(self, token: str) -> str:
        return self.service.create(token)


class KnowsOnlyWhatWasSaved(Good):
    def activity_delete_parallel(self, checkpoint: Any, context: Any, resource: Any, parameters: Any) -> None:
        section = checkpoint.section(resource)
        started = context.started(resource, "backup", protecting=True)
        if started and started.value:
            self.service.delete(started.value)
        section.clear()


class KnowsOnlyItsOwn(Good):
    """Its delete asks for what itself has started."""

    def activity_delete_parallel(self, checkpoint: Any, context: Any, resource: Any, parameters: Any) -> None:
        if started := context.started(resource, "backup"):
            self.service.delete(self.service.find(started.token) or "")
        checkpoint.section(resource).clear()


class LeavesScratch(Good):
    def activity_restore_parallel(self, checkpoint: Any, context: Any, resource: Any, parameters: Any) -> None:
        scratch = f"scratch {secrets.token_hex(8)}"
        self.world[scratch] = "content"
        try:
            super().activity_restore_parallel(checkpoint, context, resource, parameters)
        finally:
            self.world.pop(scratch)


class RefusesItsOwn(Good):
    """Takes for somebody else's what a killed run of its own has put there."""

    def activity_restore_parallel(self, checkpoint: Any, context: Any, resource: Any, parameters: Any) -> None:
        if "volume" in self.world:
            raise RuntimeError("there is a volume already")
        super().activity_restore_parallel(checkpoint, context, resource, parameters)
        context.record_restored(resource, {"volume": "volume"})


class IsUnlockedByNobody(Good):
    """The closer believes what was noted after the locking."""

    def activity_protect_pre(self, checkpoint: Any, context: Any, resource: Any, parameters: Any) -> None:
        self.world["lock"] = ""
        checkpoint.section(resource).note("locked", True)

    @closes("pre")
    def activity_protect_post(self, checkpoint: Any, context: Any, resource: Any, parameters: Any) -> None:
        if checkpoint.section(resource).noted("locked"):
            self.world.pop("lock", None)


NewSubject = Callable[[type[Good]], Subject]


@pytest.fixture(params=["files", "memory"])
def new_subject(request: pytest.FixtureRequest, tmp_path: Path) -> NewSubject:
    """`new_subject(Plugin)`: in a world of files, where processes are killed, and in one in memory."""

    def make(kind: type[Good]) -> Subject:
        (tmp_path / "world").mkdir()
        world: Any = Files(tmp_path / "world") if request.param == "files" else {}
        world["volume"] = "content"
        plugin = kind(type("Conf", (), {"world": world}))

        def compare() -> None:
            assert world["volume"] == "content"
            others = {name for name in world if name.split()[0] not in ("started", "deleted")}
            assert others == {"volume"}

        def assert_deleted() -> None:
            assert plugin.service.backups == []

        return Subject(
            plugin, RESOURCE, lambda: world.pop("volume"), compare, started=lambda: plugin.service.started,
            assert_deleted=assert_deleted, in_memory=request.param == "memory",
        )  # fmt: skip

    return make


@pytest.fixture
def bank(tmp_path: Path) -> Bank:
    return filesystem_bank(tmp_path / "bank")


class TestGood(RestartConformance):
    """As inherited, with its steps shared among two variants."""

    @pytest.fixture(params=["one", "two"])
    def subject(self, request: pytest.FixtureRequest, new_subject: NewSubject) -> Subject:
        return new_subject(Good)

    def test_variants_share_the_steps(self, subject: Subject, steps: Iterator[int]) -> None:
        first, second = next(steps), next(steps)
        assert 1 <= first <= second - first


@pytest.mark.parametrize(
    ("kind", "test", "message"),
    [
        (StartsAnew, KIT.test_killed_at_every_step_and_repeated, "2 operations were started, without a kill 1"),
        (NotesTooLate, KIT.test_killed_at_every_step_and_repeated, "2 operations were started, without a kill 1"),
        (DoesNotLook, KIT.test_killed_at_every_step_and_repeated, "2 operations were started, without a kill 1"),
        (LeavesScratch, KIT.test_killed_at_every_step_and_repeated, "scratch"),
        (RefusesItsOwn, KIT.test_killed_at_every_step_and_repeated, "there is a volume already"),
        (IsUnlockedByNobody, KIT.test_a_killed_protection_leaves_nothing, "lock"),
        (KnowsOnlyWhatWasSaved, KIT.test_a_killed_protection_leaves_nothing, "assert"),
        (KnowsOnlyItsOwn, KIT.test_a_killed_protection_leaves_nothing, "assert"),
        (LeavesScratch, KIT.test_a_killed_restore_is_made_good_by_the_next, "scratch"),
    ],
)
def test_what_does_not_bear_it_is_noticed(
    new_subject: NewSubject, bank: Bank, kind: type[Good], test: Callable[..., None], message: str
) -> None:
    with pytest.raises((AssertionError, RuntimeError), match=message) as failure:
        test(new_subject(kind), bank, count(1))
    notes = failure.value.__notes__
    assert any(note.startswith("killed, step ") and "activity_" in note for note in notes), notes


def test_what_was_killed_is_told(new_subject: NewSubject, bank: Bank) -> None:
    with pytest.raises(AssertionError) as failure:
        KIT.test_killed_at_every_step_and_repeated(new_subject(NotesTooLate), bank, count(1))
    told = r"killed, step \d+: activity_protect_parallel (at a yield|before open\(.*\))"
    assert any(re.fullmatch(told, note) for note in failure.value.__notes__)


def test_an_activity_that_fails_before_it_is_killed_says_why(new_subject: NewSubject, bank: Bank) -> None:
    class Fails(Good):
        def activity_protect_pre(self, checkpoint: Any, context: Any, resource: Any, parameters: Any) -> None:
            raise RuntimeError("no lock for you")

    with pytest.raises((AssertionError, RuntimeError), match="no lock for you"):
        KIT.test_a_killed_protection_leaves_nothing(new_subject(Fails), bank, count(1))
