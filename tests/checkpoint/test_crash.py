"""Executions that die (SIGKILL) at every single write and delete, and disks that fill up.

Whatever happened: nothing that is incomplete looks complete, and the same execution can do it again.
"""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest

from embank.checkpoint.checkpoint import Checkpoint
from embank.checkpoint.checkpoints import Checkpoints
from embank.checkpoint.errors import CheckpointError
from embank.checkpoint.facts import Facts
from embank.checkpoint.records.status import Status
from embank.model import Phase, Resource
from embank.plugins import BankError, ObjectInfo
from embank.resource_graph import canonical, to_chunks
from embank_plugins.banks.filesystem.bank import FilesystemBank
from kit.banks import open_bank

SERVER = Resource("Test::Server", "s1", "web")
VOLUME = Resource("Test::Volume", "v1", "disk")
WRITES = 21  # and deletes, of `protect`; a test keeps it true


class DyingBank(FilesystemBank):
    """Kills its process at a write or delete: before it, after it, or half-way through the data."""

    left = -1
    moment = "before"

    def put(self, key: str, chunks: Iterable[bytes], *, if_absent: bool = False) -> ObjectInfo:
        dying = self._is_last()
        if dying and self.moment == "during":
            chunks = self._dying(chunks)
        info = super().put(key, chunks, if_absent=if_absent)
        if dying:
            os.kill(os.getpid(), signal.SIGKILL)
        return info

    def delete(self, key: str) -> None:
        dying = self._is_last()
        super().delete(key)
        if dying:
            os.kill(os.getpid(), signal.SIGKILL)

    def _is_last(self) -> bool:
        self.left -= 1
        if self.left == -1 and self.moment == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        return self.left == -1

    def _dying(self, chunks: Iterable[bytes]) -> Iterator[bytes]:
        for chunk in chunks:
            yield chunk[: len(chunk) // 2]
            os.kill(os.getpid(), signal.SIGKILL)


def protect(bank: FilesystemBank) -> Checkpoint:
    """A whole protect execution; it can be done again after a crash, as `embank resume` does."""
    checkpoint = Checkpoints(bank).create("cp-1", Facts("nightly", "provider-1", "run-1"))
    if checkpoint.status().status is Status.AVAILABLE:
        return checkpoint
    (chunk,) = to_chunks(canonical([SERVER, VOLUME], [(SERVER.key, VOLUME.key)]), 10_000)
    checkpoint.save_graph_chunk(1, 1, chunk)
    if not checkpoint.manifest.is_complete():
        checkpoint.mark_started("run-1", SERVER.key, Phase.PRE)
        section = checkpoint.section(VOLUME)
        section.note("copy", "id-of-the-copy")
        section.write("disk", [b"first"])
        section.write("disk", [b"disk " * 1000])
        section.save({"size": 5000})
        checkpoint.mark_closed("run-1", SERVER.key, Phase.PRE)
    checkpoint.seal()
    checkpoint.move(Status.AVAILABLE)
    return checkpoint


def in_a_process_that_dies(work: Callable[[], object]) -> bool:
    """Whether it was killed; False when it got through."""
    child = os.fork()
    if not child:
        try:
            work()
            os._exit(0)
        finally:
            os._exit(1)
    status = os.waitpid(child, 0)[1]
    assert os.WIFSIGNALED(status) or os.waitstatus_to_exitcode(status) == 0
    return os.WIFSIGNALED(status)


def dying_bank(bank: FilesystemBank, left: int, moment: str) -> DyingBank:
    dying = DyingBank(bank.conf)
    dying.left, dying.moment = left, moment
    return dying


@pytest.mark.parametrize("moment", ["before", "during", "after"])
@pytest.mark.parametrize("left", range(WRITES))
def test_a_protect_that_dies(bank: FilesystemBank, left: int, moment: str) -> None:
    killed = in_a_process_that_dies(lambda: protect(dying_bank(bank, left, moment)))
    for info in Checkpoints(bank).infos():
        checkpoint = Checkpoints(bank).open(info.id)
        if info.status.status is Status.AVAILABLE:
            assert list(checkpoint.verify()) == []
            assert b"".join(checkpoint.section(VOLUME).read("disk")) == b"disk " * 1000
        else:
            assert info.status.status is Status.PROTECTING
    resumed = protect(open_bank(bank.path))
    assert resumed.status().status is Status.AVAILABLE
    assert list(resumed.verify()) == []
    assert resumed.open_brackets("run-1") == ()
    assert b"".join(resumed.section(VOLUME).read("disk")) == b"disk " * 1000
    assert resumed.section(VOLUME).noted("copy") == "id-of-the-copy"
    assert list((bank.path / ".incoming").iterdir()) == []
    assert killed or moment == "during"  # which a delete does not know


def test_the_protect_above_is_interrupted_everywhere(bank: FilesystemBank) -> None:
    protect(counting := dying_bank(bank, 10_000, "before"))
    assert 10_000 - counting.left == WRITES


@pytest.mark.parametrize("left", range(12))
def test_an_erase_that_dies(bank: FilesystemBank, left: int) -> None:
    """In between it says that it is being deleted, to the very last object."""
    protect(bank).move(Status.DELETING, execution="run-2")
    killed = in_a_process_that_dies(
        lambda: Checkpoints(dying_bank(bank, left, "after")).open("cp-1", "run-2").erase()
    )
    if killed and (infos := Checkpoints(bank).infos()):
        assert [info.status.status for info in infos] == [Status.DELETING]
        again = Checkpoints(open_bank(bank.path)).open("cp-1", "run-3")
        again.move(Status.DELETING)
        again.erase()
    assert list(bank.list()) == []


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own with room for a mebibyte."""
    place = tmp_path / "small"
    place.mkdir()
    if os.geteuid() != 0:
        pytest.skip("mounting a small file system takes root; tests/banks has a stand-in")
    command = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(place)]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("mounting is not permitted here")
    try:
        yield place
    finally:
        subprocess.run(["umount", str(place)], check=True)


def test_a_disk_that_fills_up_at_any_moment(small_disk: Path) -> None:
    """With room for nothing, and for one page more each time, until it fits."""
    page = 4096
    outcomes = []
    for room in range(60):
        bank = open_bank(small_disk / "bank")
        free = os.statvfs(small_disk).f_bavail * page
        (small_disk / "filler").write_bytes(b"x" * (free - room * page))
        try:
            protect(bank)
            outcomes.append("fits")
        except BankError as error:
            outcomes.append("full" if "No space left on device" in str(error) else str(error))
        for info in Checkpoints(bank).infos():
            available = info.status.status is Status.AVAILABLE
            assert available == (outcomes[-1] == "fits")
            if available:
                assert list(Checkpoints(bank).open("cp-1").verify()) == []
        (small_disk / "filler").unlink()
        for info in Checkpoints(bank).infos():  # and with room again, what is there can be deleted
            doomed = Checkpoints(bank).open(info.id)
            doomed.move(Status.DELETING)
            doomed.erase()
        assert list(bank.list()) == []
        if outcomes[-1] == "fits":
            break
    assert outcomes[-1] == "fits"
    assert set(outcomes[:-1]) == {"full"}


def test_a_bank_that_vanishes_in_the_middle(bank: FilesystemBank) -> None:
    checkpoint = Checkpoints(bank).create("cp-1", Facts("nightly", "provider-1", "run-1"))

    def chunks() -> Iterator[bytes]:
        yield b"x" * (40 << 20)
        bank.path.rename(bank.path.with_name("unmounted"))
        yield b"x"

    with pytest.raises(BankError, match="vanished"):
        checkpoint.section(VOLUME).write("disk", chunks())
    for attempt in (
        checkpoint.seal,
        lambda: checkpoint.move(Status.AVAILABLE),
        lambda: checkpoint.move(Status.ERROR),
    ):
        with pytest.raises((BankError, CheckpointError)):
            attempt()
    assert not bank.path.exists()
    returned = Checkpoints(open_bank(bank.path.with_name("unmounted"))).open("cp-1")
    assert returned.status().status is Status.PROTECTING
    assert returned.section(VOLUME).names() == []
