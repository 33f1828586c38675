"""The file of a journal: what a crash leaves behind its end is dropped, what is damaged before that is noticed."""

from __future__ import annotations

import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from embank.journal.file import Contents, Journal, JournalFailed, read_journal

AT = "2026-11-23T08:15:02.120031+00:00"
LINES = 5


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A journal of five lines."""
    path = tmp_path / "journal"
    journal = Journal(path)
    for number in range(LINES):
        journal.append(AT, "message", {"row": number, "text": 'a {"n": 1, } that is text'})
    journal.commit()
    journal.close()
    return path


def lines(path: Path) -> list[bytes]:
    return path.read_bytes().splitlines(keepends=True)


def test_what_is_written_is_read(path: Path) -> None:
    found = read_journal(path)
    assert [entry["n"] for entry in found.entries] == [1, 2, 3, 4, 5]
    assert found.entries[2] == {
        "n": 3,
        "at": AT,
        "event": "message",
        "row": 2,
        "text": 'a {"n": 1, } that is text',
        "sum": found.entries[2]["sum"],
    }
    assert (found.size, found.torn, found.damage) == (path.stat().st_size, 0, "")
    assert path.stat().st_mode & 0o777 == 0o600, "names of resources are nobody else's business"


def test_cut_after_every_byte_it_is_sound_up_to_the_last_whole_line(path: Path) -> None:
    whole = path.read_bytes()
    for size in range(len(whole)):
        path.write_bytes(whole[:size])
        found = read_journal(path)
        assert len(found.entries) == whole[:size].count(b"\n")
        assert (found.size + found.torn, found.damage) == (size, "")


@pytest.mark.parametrize("tail", [b"\0" * 10, b"\0" * 100_000, b"\xff\xfe", b'{"n": 6, "at": "2026\0\0\0\n'])
def test_a_tail_that_a_power_cut_left_is_dropped(path: Path, tail: bytes) -> None:
    with path.open("ab") as file:
        file.write(tail)
    found = read_journal(path)
    assert (len(found.entries), found.torn, found.damage) == (LINES, len(tail), "")
    journal = Journal(path, written=found)
    journal.append(AT, "message", {})
    journal.commit()
    journal.close()
    again = read_journal(path)
    assert (len(again.entries), again.torn) == (LINES + 1, 0)


def test_every_byte_that_flips_is_noticed(path: Path) -> None:
    whole = path.read_bytes()
    ends = [at + 1 for at, byte in enumerate(whole) if byte == ord("\n")]
    for at in range(len(whole)):
        path.write_bytes(whole[:at] + bytes((whole[at] ^ 1,)) + whole[at + 1 :])
        found = read_journal(path)
        number = 1 + sum(at >= end for end in ends)
        assert len(found.entries) == number - 1
        # the last line cannot be told from one that was torn
        assert found.damage.startswith(f"{path}:{number}: ") or (number == LINES and not found.damage)


def lost(found: list[bytes], at: int) -> None:
    del found[at]


def doubled(found: list[bytes], at: int) -> None:
    found.insert(at, found[at])


def swapped(found: list[bytes], at: int) -> None:
    found[at], found[at - 1] = found[at - 1], found[at]


def foreign(found: list[bytes], at: int) -> None:
    found.insert(at, b"hello\n")


@pytest.mark.parametrize("damage", [lost, doubled, swapped, foreign])
def test_lines_that_are_not_where_they_were_are_noticed(
    path: Path, damage: Callable[[list[bytes], int], None]
) -> None:
    whole = lines(path)
    for at in range(1, LINES - 1):
        found = whole[:]
        damage(found, at)
        path.write_bytes(b"".join(found))
        contents = read_journal(path)
        assert contents.damage.startswith(f"{path}:{len(contents.entries) + 1}: "), at
        assert len(contents.entries) <= at + 1


@pytest.mark.parametrize("content", [b"\0" * 400, b"hello\n", b'{"n": 2, "at": "'])
def test_what_does_not_even_begin_like_a_journal_is_damaged(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    assert read_journal(path) == Contents(
        (), 0, len(content), f"{path}:1: there is not one line that is as it was written"
    )


def test_a_journal_is_not_begun_twice(path: Path) -> None:
    with pytest.raises(JournalFailed, match=f"the journal {path} cannot be written: File exists"):
        Journal(path)


@contextmanager
def full(size: int) -> Iterator[None]:
    """No file can grow beyond a size: what a full disk does, without the right to make one."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_disk_that_is_full_for_a_while_loses_nothing(path: Path) -> None:
    journal = Journal(path, written=read_journal(path))
    with full(path.stat().st_size + 100):
        for number in range(3):
            journal.append(AT, "message", {"row": number, "text": "x" * 60})
            with pytest.raises(JournalFailed, match=r"cannot be written: (No space left|File too large)"):
                journal.commit()
            assert (len(read_journal(path).entries), read_journal(path).torn) == (LINES, 0), "half a line was left"
    journal.commit()
    journal.close()
    assert [entry["n"] for entry in read_journal(path).entries] == list(range(1, LINES + 4))
