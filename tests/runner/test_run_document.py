"""From compiled workflow files to outcomes: the passes, the writer, the reader, the runner and a real bank."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar

import pytest

from embank.checkpoint.checkpoints import Checkpoints
from embank.checkpoint.errors import CheckpointMissing
from embank.checkpoint.records.status import Status
from embank.errors import ExitCode
from embank.inputs.provider.find import Provider
from embank.inputs.workflow import parse_workflow
from embank.model import Operation, Policy, Request, Resource, ResourceGraph, TypeSpec
from embank.outputs.workflow import write_workflow
from embank.passes import compile_workflow
from embank.plugins import Bank, BankError, ObjectInfo, Poll, ProtectionPlugin, closes
from embank.plugins.checks import activities
from embank.plugins.registry import LoadedBank, LoadedPlugin
from embank.resource_graph import canonical
from embank.runner.local import Outcome, run_document
from embank.runner.options import Options
from embank_plugins.banks.filesystem.bank import FilesystemBank
from kit.banks import open_bank

SHOP, DISK, IMAGE = (
    Resource("T::App", "shop", "Shop"),
    Resource("T::Disk", "d1", "d1"),
    Resource("T::Disk", "d2", "d2"),
)
GRAPH = canonical([SHOP, DISK, IMAGE], [(SHOP.key, DISK.key), (SHOP.key, IMAGE.key)])


class AppPlugin(ProtectionPlugin):
    """An application that must be frozen while its disks are looked at."""

    resource_types: ClassVar[tuple[str, ...]] = ("T::App",)
    frozen = False
    thaw_fails = False

    def activity_protect_pre(self, checkpoint: Any, context: Any, resource: Any, parameters: Any) -> None:
        """Freeze the application."""
        self.frozen = True

    @closes("pre")
    def activity_protect_ready(self, checkpoint: Any, context: Any, resource: Any, parameters: Any) -> None:
        """Thaw the application."""
        if self.thaw_fails:
            raise RuntimeError("it does not answer")
        self.frozen = False

    def activity_delete_post(self, checkpoint: Any, context: Any, resource: Any, parameters: Any) -> None:
        """Forget the application."""
        checkpoint.section(resource).clear()


class DiskPlugin(ProtectionPlugin):
    """A disk, with a snapshot that is copied."""

    resource_types: ClassVar[tuple[str, ...]] = ("T::Disk",)
    fail = ""
    app: AppPlugin

    def activity_protect_ready(self, checkpoint: Any, context: Any, resource: Any, parameters: Any) -> None:
        """Take a snapshot."""
        assert self.app.frozen
        if self.fail == resource.id:
            raise RuntimeError("no snapshot")

    def activity_protect_parallel(
        self, checkpoint: Any, context: Any, resource: Any, parameters: Any
    ) -> Iterator[Poll]:
        """Copy the snapshot."""
        for number in range(3):
            yield Poll(0.01, number / 3)
        assert [parent.id for parent in checkpoint.parents(resource)] == ["shop"]
        checkpoint.section(resource).write("data", [resource.id.encode() * 1000])
        checkpoint.section(resource).save({"name": resource.name})

    def activity_restore_parallel(self, checkpoint: Any, context: Any, resource: Any, parameters: Any) -> None:
        """Make a new disk."""
        assert b"".join(checkpoint.section(resource).read("data")) == resource.id.encode() * 1000
        context.record_restored(resource, {"id": f"new-{resource.id}"})

    def activity_delete_parallel(self, checkpoint: Any, context: Any, resource: Any, parameters: Any) -> None:
        """Delete the copy."""
        checkpoint.section(resource).clear()


class FullBank(Bank):
    """A bank that is full after so many objects."""

    def __init__(self, bank: Bank, room: int) -> None:
        self.bank = bank
        self.room = room

    def put(self, key: str, chunks: Iterable[bytes], *, if_absent: bool = False) -> ObjectInfo:
        if self.room <= 0:
            raise BankError("[Errno 28] No space left on device")
        self.room -= 1
        return self.bank.put(key, chunks, if_absent=if_absent)

    def get(self, key: str, *, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        return self.bank.get(key, start=start, end=end)

    def list(self, prefix: str = "", *, marker: str = "", limit: int = 1000) -> Sequence[ObjectInfo]:
        return self.bank.list(prefix, marker=marker, limit=limit)

    def delete(self, key: str) -> None:
        self.bank.delete(key)

    def stat(self, key: str) -> ObjectInfo | None:
        return self.bank.stat(key)

    def check(self) -> None:
        self.bank.check()


class Site:
    """A provider, and what is compiled and run with it."""

    def __init__(self, path: Path) -> None:
        self.bank: Bank = open_bank(path / "bank")
        self.path = path / "bank"
        self.app, self.disk = AppPlugin(None), DiskPlugin(None)
        self.disk.app = self.app
        self.plugins = {
            each.resource_types[0]: LoadedPlugin(
                "t", "karbor.protections.t", "1", each, activities(type(each)), "0" * 64
            )
            for each in (self.app, self.disk)
        }

    def run(self, operation: Operation, execution: str, *, bank: Bank | None = None, **how: Any) -> Outcome:
        types = {name: TypeSpec("t", loaded.activities[operation]) for name, loaded in self.plugins.items()}
        request = Request(
            operation,
            "shop",
            "p-id",
            "P",
            "fs",
            how.pop("graph", GRAPH),
            types,
            policies={"T::App": Policy(retry_count=0, poll_interval=1)},
            checkpoint="" if operation is Operation.PROTECT else "e1",
            max_tasks=how.pop("max_tasks", 50),
        )
        compiled = compile_workflow(request)
        assert compiled.ok, compiled.diagnostics
        read = parse_workflow("".join(write_workflow(compiled.value)).encode(), "f.yaml")
        assert read.ok, read.diagnostics
        provider = Provider(
            "p-id", "P", "", True, "p.conf", "0" * 64, LoadedBank("fs", "fs", "1", FilesystemBank), self.plugins, (),
            lambda: bank or self.bank, (),
        )  # fmt: skip
        return run_document(read.value, [provider], execution=execution, options=Options(**how))

    @property
    def status(self) -> Status:
        return Checkpoints(self.bank).open("e1").status().status


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


def test_protect_restore_verify_delete(site: Site) -> None:
    outcome = site.run(Operation.PROTECT, "e1")
    assert (outcome.exit_code, site.status, site.app.frozen) == (ExitCode.OK, Status.AVAILABLE, False)
    assert [(window.resource, window.name) for window in outcome.summary.windows] == [("T::App#shop", "Shop")]
    assert outcome.summary.critical_path[0].task == "begin"

    assert site.run(Operation.RESTORE, "e2").exit_code is ExitCode.OK
    checkpoint = Checkpoints(site.bank).open("e1")
    assert checkpoint.restored("e2", DISK) == {"id": "new-d1"}
    assert list(checkpoint.verify()) == []

    assert site.run(Operation.DELETE, "e3").exit_code is ExitCode.OK
    with pytest.raises(CheckpointMissing):
        Checkpoints(site.bank).open("e1")
    assert [path for path in site.path.rglob("*") if path.is_file()] == []


@pytest.mark.parametrize("max_tasks", [2, 50])
def test_a_failure_thaws_the_application(site: Site, max_tasks: int) -> None:
    site.disk.fail = "d2"
    outcome = site.run(Operation.PROTECT, "e1", max_tasks=max_tasks)
    assert (outcome.exit_code, site.status, site.app.frozen) == (ExitCode.FAILED, Status.ERROR, False)
    (failure,) = outcome.summary.failures
    assert failure.reason == "RuntimeError: no snapshot"
    (window,) = outcome.summary.windows
    assert window.end is not None


def test_an_application_that_cannot_be_thawed_is_exit_code_5(site: Site) -> None:
    site.app.thaw_fails = True
    outcome = site.run(Operation.PROTECT, "e1")
    assert (outcome.exit_code, site.status, site.app.frozen) == (ExitCode.FAILED_OPEN, Status.ERROR, True)
    assert [window.resource for window in outcome.summary.open] == ["T::App#shop"]
    assert [failure.closer for failure in outcome.summary.failures] == [False, True]


def test_a_second_execution_on_a_leased_checkpoint_is_exit_code_7(site: Site) -> None:
    site.run(Operation.PROTECT, "e1")
    checkpoint = Checkpoints(site.bank).open("e1", "somebody")
    checkpoint.leases.acquire("somebody", timedelta(hours=1))
    outcome = site.run(Operation.DELETE, "e2")
    assert (outcome.exit_code, site.status) == (ExitCode.LOCKED, Status.AVAILABLE)


def test_a_bank_that_is_full_at_any_moment_never_says_available(tmp_path: Path) -> None:
    seen: list[tuple[ExitCode, Status | None]] = []
    for room in range(200):
        site = Site(tmp_path / str(room))
        outcome = site.run(Operation.PROTECT, "e1", bank=FullBank(site.bank, room))
        assert not site.app.frozen
        if outcome.exit_code is ExitCode.OK:
            assert site.status is Status.AVAILABLE
            break
        assert outcome.exit_code is ExitCode.FAILED
        ids: Callable[[], Iterator[str]] = Checkpoints(site.bank).ids
        seen.append((outcome.exit_code, site.status if list(ids()) else None))
    else:
        raise AssertionError("it never had room enough")
    assert len(seen) > 10
    assert all(status is not Status.AVAILABLE for _, status in seen)


def test_many_resources_in_parts(site: Site) -> None:
    disks = [Resource("T::Disk", f"d{n}", f"d{n}") for n in range(40)]
    graph: ResourceGraph = canonical([SHOP, *disks], [(SHOP.key, disk.key) for disk in disks])
    outcome = site.run(Operation.PROTECT, "e1", graph=graph, max_tasks=10, parallel=8)
    assert (outcome.exit_code, site.status) == (ExitCode.OK, Status.AVAILABLE)
    assert outcome.summary.succeeded == 2 + 2 + 2 * 40
