"""The test kit for banks. It needs pytest; inherit it in a test module and say how to open the bank:

    class TestMyBank(BankConformance):
        @pytest.fixture
        def make_bank(self, tmp_path):
            return lambda: MyBank(conf_for(tmp_path))

Every call of `make_bank` opens the same, at first empty, bank again: as another process or host would. Some
tests do so in forked processes and kill them.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import tracemalloc
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from embank.plugins import Bank, BankError, ObjectExists, ObjectMissing

MakeBank = Callable[[], Bank]
MIB = 1 << 20

# in the order of their code points: "-" and "." come before "/", which comes before the letters
KEYS = (
    "%2E%2E/x",
    "+",
    ".hidden/.x",
    "..",
    "../b",
    "A",
    "a",
    "a b",
    "a-b",
    "a.object",
    "a.object/b",
    "a.object.object",
    "a/.",
    "a/b",
    "a/b+",
    "a/b.object/c",
    "a/b/c",
    "a0",
    "lost+found/x",
    "~",
    "ä/ß",
    "日本/語",
    "\U0001f9ca/emoji",
)


def content(bank: Bank, key: str) -> bytes:
    """All of an object."""
    return b"".join(bank.get(key))


def keys(bank: Bank, prefix: str = "") -> list[str]:
    """Every key that starts with `prefix`, page by page."""
    found: list[str] = []
    marker = ""
    while page := bank.list(prefix, marker=marker, limit=7):
        assert len(page) <= 7
        found += [info.key for info in page]
        marker = page[-1].key
    return found


class BankConformance:
    """What Embank relies on. A bank that passes can hold checkpoints."""

    @pytest.fixture
    def make_bank(self) -> MakeBank:
        """Override: a function that opens the same, at first empty, bank every time it is called."""
        raise NotImplementedError("a test class that inherits BankConformance has a fixture make_bank")

    @pytest.fixture
    def bank(self, make_bank: MakeBank) -> Bank:
        """One handle on the bank."""
        return make_bank()

    def test_check_accepts_a_bank_that_can_be_used(self, bank: Bank) -> None:
        """And changes nothing."""
        bank.check()
        assert keys(bank) == []

    def test_an_object_comes_back(self, bank: Bank, make_bank: MakeBank) -> None:
        """Also to somebody else, at once."""
        info = bank.put("a/b", [b"one ", b"", b"two"])
        assert (info.key, info.size) == ("a/b", 7)
        other = make_bank()
        assert content(other, "a/b") == b"one two"
        assert other.stat("a/b") == info
        assert list(other.list()) == [info]

    @pytest.mark.parametrize("data", [b"", b"123", bytes(range(256)) * 41, b"\xff\xfe\r\n\x00"])
    def test_bytes_stay_as_they_are(self, bank: Bank, data: bytes) -> None:
        """Nothing decodes, translates or guesses."""
        bank.put("data", [data])
        assert content(bank, "data") == data
        found = bank.stat("data")
        assert found is not None
        assert found.size == len(data)

    def test_no_chunks_make_an_empty_object(self, bank: Bank) -> None:
        """Which is an object all the same."""
        bank.put("empty", [])
        assert content(bank, "empty") == b""
        assert keys(bank) == ["empty"]

    def test_what_is_not_there(self, bank: Bank) -> None:
        """Is missing, and asking for it is no other error; not even when there is something below or above."""
        bank.put("a/b/c", [b"x"])
        for key in ("x", "a", "a/b", "a/b/c/d"):
            assert bank.stat(key) is None
            with pytest.raises(ObjectMissing):
                b"".join(bank.get(key))
            with pytest.raises(ObjectMissing):
                bank.delete(key)
        assert keys(bank) == ["a/b/c"]

    def test_delete(self, bank: Bank, make_bank: MakeBank) -> None:
        """Deletes one object and no other."""
        for key in ("a", "a/b", "a/c"):
            bank.put(key, [key.encode()])
        bank.delete("a/b")
        assert make_bank().stat("a/b") is None
        assert keys(bank) == ["a", "a/c"]
        with pytest.raises(ObjectMissing):
            bank.delete("a/b")

    def test_put_replaces(self, bank: Bank) -> None:
        """Also something longer."""
        bank.put("a", [b"x" * 1000])
        bank.put("a", [b"new"])
        assert content(bank, "a") == b"new"

    def test_if_absent(self, bank: Bank, make_bank: MakeBank) -> None:
        """Writes once, and again after a delete."""
        bank.put("a", [b"first"], if_absent=True)
        for other in (bank, make_bank()):
            with pytest.raises(ObjectExists):
                other.put("a", [b"second"], if_absent=True)
        assert content(bank, "a") == b"first"
        bank.delete("a")
        bank.put("a", [b"third"], if_absent=True)
        assert content(bank, "a") == b"third"

    @pytest.mark.parametrize(
        ("start", "end"),
        [(0, None), (0, 0), (0, 1), (3, 7), (9, 10), (9, None), (10, None), (5, 99), (50, 99), (4, 4)],
    )
    def test_ranges(self, bank: Bank, start: int, end: int | None) -> None:
        """Are those of Python's slices."""
        data = b"0123456789"
        bank.put("digits", [data])
        assert b"".join(bank.get("digits", start=start, end=end)) == data[start:end]

    @pytest.mark.parametrize("offset", [-1, 0, 1])
    def test_ranges_of_a_large_object(self, bank: Bank, offset: int) -> None:
        """Around the sizes that implementations like."""
        data = bytes(range(251)) * (3 * MIB // 251)
        bank.put("large", [data])
        start, end = MIB + offset, 2 * MIB + offset
        assert b"".join(bank.get("large", start=start, end=end)) == data[start:end]

    def test_keys_of_all_kinds(self, bank: Bank, make_bank: MakeBank) -> None:
        """Are kept apart, come back as they were, and are listed by code point."""
        for key in reversed(KEYS):
            bank.put(key, [key.encode()], if_absent=True)
        assert keys(make_bank()) == sorted(KEYS)
        for key in KEYS:
            assert content(bank, key) == key.encode()
        for key in KEYS:
            bank.delete(key)
        assert keys(bank) == []

    def test_long_keys(self, bank: Bank) -> None:
        """Up to 900 bytes, in one segment or in hundreds, and those that differ at the end only."""
        long = [
            "x" * 900,
            "x" * 899 + "y",
            "x" * 200,
            "x" * 200 + "/z",
            "x" * 201,
            "x" * 200 + "-",
            "/".join("s" * 450),
            "." * 300,
            "ü" * 450,
            "+" * 400 + "/x",
        ]
        for key in long:
            bank.put(key, [key.encode()], if_absent=True)
        assert keys(bank) == sorted(long)
        assert all(content(bank, key) == key.encode() for key in long)

    @pytest.mark.parametrize(
        "key", ["", "/a", "a/", "a//b", "a\nb", "a\x00b", "\x1b[31m", "\u202e", "x" * 901, "ü" * 451]
    )
    def test_what_is_no_key_is_refused(self, bank: Bank, key: str) -> None:
        """By every method that takes one (`embank.plugins.check_key` does it)."""
        with pytest.raises(BankError):
            bank.put(key, [b"x"])
        with pytest.raises(BankError):
            bank.stat(key)
        with pytest.raises(BankError):
            b"".join(bank.get(key))
        with pytest.raises(BankError):
            bank.delete(key)
        assert keys(bank) == []

    def test_list_pages(self, bank: Bank) -> None:
        """Prefix, marker and limit, whether or not there are objects of just these names."""
        names = sorted(f"{a}/{b}" for a in ("a", "ab", "b", "b-") for b in ("1", "10", "2", "x/1", "x/2"))
        for name in names:
            bank.put(name, [b"1"])
        for prefix in ("", "a", "a/", "ab", "b", "b/x", "b/x/", "b/x/1", "b/x/11", "c", "a/1"):
            expected = [name for name in names if name.startswith(prefix)]
            assert keys(bank, prefix) == expected
            for marker in ("0", "a", "a/", "a/10", "a/1/", "a/x0", "b/x", "b/x/1", "b0", "zzz"):
                for limit in (1, 2, 100):
                    found = [info.key for info in bank.list(prefix, marker=marker, limit=limit)]
                    assert found == [name for name in expected if name > marker][:limit]

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

    def test_a_source_that_fails_leaves_nothing(self, bank: Bank) -> None:
        """And what was there before stays. Its error comes through as it is, also an OSError."""

        def failing() -> Iterator[bytes]:
            yield b"x" * MIB
            yield b"x" * MIB
            raise FileNotFoundError("the source has gone")

        bank.put("old", [b"old"])
        for key, if_absent in (("old", False), ("new", False), ("newer", True)):
            with pytest.raises(FileNotFoundError, match="the source has gone"):
                bank.put(key, failing(), if_absent=if_absent)
        assert keys(bank) == ["old"]
        assert content(bank, "old") == b"old"

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

    def test_large_objects_are_streamed(self, bank: Bank) -> None:
        """In and out, without ever holding more than a part."""
        block = bytes(range(256)) * (MIB // 256)
        tracemalloc.start()
        try:
            bank.put("large", (bytes(block) for _ in range(64)))
            read = sum(len(chunk) for chunk in bank.get("large"))
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        assert read == 64 * MIB
        assert peak < 24 * MIB


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
