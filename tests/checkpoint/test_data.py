"""Data of any size in a bank section: whole, or not at all."""

from __future__ import annotations

import hashlib
import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from embank.checkpoint.checkpoint import Checkpoint
from embank.checkpoint.errors import CheckpointError, Damaged, Incomplete
from embank.checkpoint.section.section import Section
from embank.checkpoint.section.segments import Data
from embank.conformance.faults_memory import MemoryBank
from embank.model import Resource
from embank.plugins import DataInfo
from embank_plugins.banks.filesystem.bank import FilesystemBank

Begin = Callable[..., Checkpoint]
Keys = Callable[..., list[str]]
SERVER = Resource("Test::Server", "s1", "web")
VOLUME = Resource("Test::Volume", "v1", "disk")
IMAGE = Resource("Test::Volume", "../s1", "disk with an evil id")
MIB = 1 << 20


class TestData:
    @pytest.mark.parametrize(
        "chunks", [[], [b""], [b"123"], [bytes(range(256))] * 99, [b"", b"a", b"", memoryview(b"bc")]]
    )
    def test_bytes_come_back(self, section: Section, chunks: list[bytes]) -> None:
        data = b"".join(chunks)
        info = section.write("disk", iter(chunks))
        assert (info.size, info.sha256) == (len(data), hashlib.sha256(data).hexdigest())
        assert info.segments == (1 if data else 0)
        assert b"".join(section.read("disk")) == data
        assert section.info("disk") == info

    def test_large_data_lie_in_segments(self, section: Section, bank: FilesystemBank) -> None:
        info = section.write("disk", (b"x" * MIB for _ in range(70)))
        sizes = [found.size for found in bank.list(limit=100) if found.key[-8:].isdigit() and "/data/" in found.key]
        assert sizes == [32 * MIB, 32 * MIB, 6 * MIB]
        assert info.segments == 3

    def test_text_is_refused(self, section: Section, bank: FilesystemBank, keys: Keys) -> None:
        with pytest.raises(TypeError):
            section.write("disk", ["text"])  # type: ignore[list-item]
        assert keys(bank, "/data/") == []

    @given(st.lists(st.binary(max_size=40)), st.integers(1, 50))
    def test_a_stream_is_cut_without_a_loss(self, chunks: list[bytes], size: int) -> None:
        whole, bank = b"".join(chunks), MemoryBank()
        info = Data(bank, "", "disk").write(chunks, segment_size=size)
        segments = [b"".join(bank.get(found.key)) for found in bank.list() if found.key[-8:].isdigit()]
        assert b"".join(segments) == whole
        assert all(len(segment) == size for segment in segments[:-1])
        assert not segments or 0 < len(segments[-1]) <= size
        assert info == DataInfo(len(whole), hashlib.sha256(whole).hexdigest(), len(segments))

    def test_names(self, section: Section) -> None:
        names = sorted(["disk", "", "a/b", "..", "ü" * 300, "disk 2", "\n"])
        for name in names:
            section.write(name, [name.encode()])
        assert section.names() == names
        assert [b"".join(section.read(name)) for name in names] == [name.encode() for name in names]

    def test_sections_do_not_see_each_other(self, begin: Begin) -> None:
        checkpoint = begin()
        for resource in (SERVER, VOLUME, IMAGE):
            checkpoint.section(resource).write("disk", [str(resource).encode()])
        checkpoint.section(IMAGE).clear()
        assert checkpoint.section(IMAGE).names() == []
        assert b"".join(checkpoint.section(SERVER).read("disk")) == b"Test::Server#s1"
        assert b"".join(checkpoint.section(VOLUME).read("disk")) == b"Test::Volume#v1"

    def test_writing_again_replaces_all_of_it(self, section: Section, bank: FilesystemBank, keys: Keys) -> None:
        Data(bank, section.prefix, "disk").write([b"x" * 100], segment_size=10)
        section.write("disk", [b"short"])
        assert b"".join(section.read("disk")) == b"short"
        assert len(keys(bank, "/data/")) == 2  # a segment and the index

    def test_what_was_never_written(self, section: Section) -> None:
        with pytest.raises(Incomplete, match="no data 'disk'"):
            next(section.read("disk"))

    def test_a_source_that_fails_leaves_the_earlier_data(
        self, section: Section, bank: FilesystemBank, keys: Keys
    ) -> None:
        def failing() -> Iterator[bytes]:
            yield b"x" * 40 * MIB
            raise RuntimeError("the source broke")

        section.write("disk", [b"old"])
        before = keys(bank)
        for name in ("disk", "other"):
            with pytest.raises(RuntimeError, match="the source broke"):
                section.write(name, failing())
        assert keys(bank) == before
        assert section.names() == ["disk"]
        assert b"".join(section.read("disk")) == b"old"

    def test_a_killed_write_is_never_read_and_the_next_one_removes_it(
        self, section: Section, bank: FilesystemBank, keys: Keys
    ) -> None:
        section.write("disk", [b"old"])
        reading, writing = os.pipe()
        child = os.fork()
        if not child:

            def chunks() -> Iterator[bytes]:
                yield b"x" * 40 * MIB
                os.write(writing, b".")
                threading.Event().wait()

            try:
                section.write("disk", chunks())
            finally:
                os._exit(1)
        assert os.read(reading, 1)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        assert b"".join(section.read("disk")) == b"old"
        assert len(keys(bank, "/data/")) == 4  # the old segment and index; a claim and a segment that were left
        section.write("disk", [b"new"])
        assert b"".join(section.read("disk")) == b"new"
        assert len(keys(bank, "/data/")) == 2

    def test_a_stuck_writer_that_wakes_up_late_does_no_harm(
        self, section: Section, bank: FilesystemBank, keys: Keys
    ) -> None:
        """A timeout abandons a worker; its repetition finishes first."""

        def slow() -> Iterator[bytes]:
            yield b"s" * 40 * MIB
            section.write("disk", [b"repetition"])
            yield b"s"

        with pytest.raises(CheckpointError, match="the later write stands"):
            section.write("disk", slow())
        assert b"".join(section.read("disk")) == b"repetition"
        assert len(keys(bank, "/data/")) == 2

    def test_of_concurrent_writers_one_stands_whole(self, section: Section, bank: FilesystemBank) -> None:
        barrier = threading.Barrier(4)

        def write(byte: bytes) -> None:
            barrier.wait()
            with suppress(CheckpointError):  # "the later write stands"
                Data(bank, section.prefix, "disk").write([byte * 10] * 10, segment_size=7)

        with ThreadPoolExecutor(4) as pool:
            list(pool.map(write, (bytes([number]) for number in range(4))))
        data = b"".join(section.read("disk"))
        assert data == data[:1] * 100


class TestDamagedData:
    @pytest.fixture
    def segments(self, section: Section, bank: FilesystemBank, keys: Keys) -> list[str]:
        Data(bank, section.prefix, "disk").write([b"0123456789"], segment_size=4)
        return [key for key in keys(bank, "/data/") if key[-8:].isdigit()]

    def test_a_missing_segment(self, section: Section, bank: FilesystemBank, segments: list[str]) -> None:
        bank.delete(segments[1])
        with pytest.raises(Damaged, match="missing"):
            b"".join(section.read("disk"))

    @pytest.mark.parametrize("data", [b"4567x", b"456", b"456x", b""])
    def test_a_changed_segment(
        self, section: Section, bank: FilesystemBank, segments: list[str], data: bytes
    ) -> None:
        bank.put(segments[1], [data])
        with pytest.raises(Damaged, match="00000002"):
            b"".join(section.read("disk"))

    def test_swapped_segments(self, section: Section, bank: FilesystemBank, segments: list[str]) -> None:
        bank.put(segments[0], [b"4567"])
        bank.put(segments[1], [b"0123"])
        with pytest.raises(Damaged, match="00000001"):
            b"".join(section.read("disk"))

    @pytest.mark.parametrize(
        "index",
        [b"{}", b'{"version": 2}', b"[]", b'{"version":1,"name":"disk","size":1,"sha256":"","segments":[[1]]}'],
    )
    def test_a_damaged_index(
        self, section: Section, bank: FilesystemBank, segments: list[str], index: bytes, keys: Keys
    ) -> None:
        bank.put(keys(bank, "/index")[0], [index])
        with pytest.raises(Damaged):
            next(section.read("disk"))
        with pytest.raises(Damaged):
            section.names()


@pytest.mark.nightly
def test_300_megabytes_pass_through_little_memory(tmp_path: Path) -> None:
    """In a process of its own, by its resident set."""
    import subprocess
    import sys

    program = """
import resource, sys
from embank.checkpoint.facts import Facts
from embank.checkpoint.checkpoints import Checkpoints
from embank.model import Resource
from embank.plugins import DataInfo
from kit.banks import open_bank
bank = open_bank(sys.argv[1])
section = Checkpoints(bank).create("cp", Facts("plan", "provider", "run")).section(Resource("T", "i", "n"))
section.write("small", [b"x"]); list(section.read("small"))
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
block = bytes(range(256)) * 4096
info = section.write("large", (bytes(block) for _ in range(300)))
read = sum(map(len, section.read("large")))
print(info.size, read, info.segments, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "bank")],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])},
    )
    written, read, segments, grown = map(int, done.stdout.split())
    assert (written, read, segments) == (300 * MIB, 300 * MIB, 10)
    assert grown < 32 * 1024  # KiB: a segment's worth; in fact a few chunks
