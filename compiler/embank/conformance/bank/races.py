"""The test kit for banks, part three: several writers, and writers that are killed."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from embank.conformance.bank.objects import MIB, MakeBank, content, keys
from embank.plugins import Bank, ObjectExists


class RaceConformance:
    """Threads and processes at the same bank."""

    def test_of_racing_threads_one_writes_once(self, bank: Bank) -> None:
        """The others learn that they came too late; the object is the winner's."""
        barrier = threading.Barrier(8)

        def write(number: int) -> bool:
            barrier.wait()
            try:
                bank.put("a/b/once", [bytes([number]) * 1000] * 3, if_absent=True)
            except ObjectExists:
                return False
            return True

        with ThreadPoolExecutor(8) as pool:
            won = list(pool.map(write, range(8)))
        assert won.count(True) == 1
        assert content(bank, "a/b/once") == bytes([won.index(True)]) * 3000

    def test_of_racing_processes_one_writes_once(self, bank: Bank, make_bank: MakeBank) -> None:
        """Twenty times, each process with a handle of its own."""

        def write(number: int) -> int:
            mine = make_bank()
            won = 0
            for turn in range(20):
                try:
                    mine.put(f"turn/{turn}", [bytes([number]) * 1000], if_absent=True)
                    won += 1
                except ObjectExists:
                    pass
            return won

        assert sum(in_processes(write, 4)) == 20
        for turn in range(20):
            data = content(bank, f"turn/{turn}")
            assert data == data[:1] * 1000

    def test_readers_never_see_a_mix(self, bank: Bank, make_bank: MakeBank) -> None:
        """While an object is replaced again and again."""
        bank.put("a", [b"0" * MIB])
        stop = threading.Event()

        def replace() -> None:
            number = 0
            while not stop.is_set():
                number = (number + 1) % 10
                bank.put("a", [str(number).encode() * (MIB // 4)] * 4)

        writer = threading.Thread(target=replace)
        writer.start()
        try:
            other = make_bank()
            seen = [content(other, "a") for _ in range(30)]
        finally:
            stop.set()
            writer.join()
        assert all(data == data[:1] * MIB for data in seen)

    def test_puts_and_deletes_side_by_side(self, bank: Bank, make_bank: MakeBank) -> None:
        """Of neighbouring keys do not get into each other's way."""

        def come_and_go(number: int) -> int:
            mine = make_bank()
            for _ in range(50):
                mine.put(f"x/y/{number}", [b"data"])
                mine.delete(f"x/y/{number}")
            mine.put(f"x/z/{number}", [b"data"])
            return 1

        assert sum(in_processes(come_and_go, 4)) == 4
        assert keys(bank) == [f"x/z/{number}" for number in range(4)]

    @pytest.mark.parametrize("if_absent", [True, False])
    def test_a_killed_writer_leaves_nothing(self, bank: Bank, make_bank: MakeBank, if_absent: bool) -> None:
        """That anybody could see; the next writer is not in its way."""
        bank.put("old", [b"old"])
        key = "new" if if_absent else "old"
        killed_while_writing(make_bank, key, if_absent)
        assert keys(bank) == ["old"]
        assert content(bank, "old") == b"old"
        make_bank().put(key, [b"next"], if_absent=if_absent)
        assert content(bank, key) == b"next"


def in_processes(work: Callable[[int], int], count: int) -> list[int]:
    """What `work(number)` returns in each of `count` forked processes that run at the same time."""
    fork = multiprocessing.get_context("fork")
    barrier = fork.Barrier(count)
    results = fork.Array("i", [-1] * count)

    def run(number: int) -> None:
        barrier.wait()
        results[number] = work(number)

    processes = [fork.Process(target=run, args=(number,)) for number in range(count)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0] * count
    return [results[number] for number in range(count)]


def killed_while_writing(make_bank: MakeBank, key: str, if_absent: bool) -> None:
    """Begin a put in another process, and kill that with SIGKILL when it has handed over some of the data."""
    fork = multiprocessing.get_context("fork")
    reading, writing = os.pipe()

    def chunks() -> Iterator[bytes]:
        for _ in range(4):
            yield b"x" * MIB
        os.write(writing, b".")
        threading.Event().wait()

    process = fork.Process(target=lambda: make_bank().put(key, chunks(), if_absent=if_absent))
    process.start()
    os.close(writing)
    assert os.read(reading, 1) == b".", "the writer ended before it could be killed"
    os.close(reading)
    assert process.pid
    os.kill(process.pid, signal.SIGKILL)
    process.join()
