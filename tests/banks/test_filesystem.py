"""What the filesystem bank puts on the disk, and what it makes of what others put there."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from embank.conformance.bank.objects import content, keys
from embank.plugins import BankError, ObjectMissing
from embank_plugins.banks.filesystem.bank import FilesystemBank
from kit.banks import open_bank


def files_below(path: Path) -> list[str]:
    return sorted(str(file.relative_to(path)) for file in path.rglob("*") if not file.is_dir())


def test_looking_creates_nothing(bank: FilesystemBank) -> None:
    bank.check()
    assert bank.stat("a") is None
    assert list(bank.list()) == []
    with pytest.raises(ObjectMissing, match="nothing was ever stored"):
        next(bank.get("a"))
    with pytest.raises(ObjectMissing):
        bank.delete("a")
    assert not bank.path.exists()


def test_only_the_owner_can_look_inside(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        open_bank(tmp_path / "new" / "bank").put("a/b", [b"x"])
    finally:
        os.umask(before)
    for path in (tmp_path / "new").rglob("*"):
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o700


def test_a_person_finds_an_object_by_its_key(bank: FilesystemBank) -> None:
    for key in ("checkpoints/4f1c/facts", "a", "a/b", "a.object/..", ".x", "1+1", f"{'l' * 450}/end"):
        bank.put(key, [key.encode()])
    assert files_below(bank.path) == [
        "+2Ex.object",
        "1+2B1.object",
        "a+2Eobject/+2E..object",
        "a.object",
        "a/b.object",
        "checkpoints/4f1c/facts.object",
        f"{'l' * 200}+/{'l' * 200}+/{'l' * 50}/end.object",
    ]
    assert (bank.path / "checkpoints/4f1c/facts.object").read_bytes() == b"checkpoints/4f1c/facts"


def test_upper_and_lower_case_are_different_keys_where_the_disk_says_so(bank: FilesystemBank) -> None:
    bank.put("Key", [b"1"])
    if (bank.path / "kEY.object").exists():
        pytest.skip("this file system knows no difference; docs/bank-format.md warns of it")
    bank.put("key", [b"2"])
    assert content(bank, "Key") == b"1"


def test_deletes_leave_no_directories(bank: FilesystemBank) -> None:
    for key in ("a/b/c/d", "a/b/e", "x"):
        bank.put(key, [b""])
    bank.delete("a/b/c/d")
    assert not (bank.path / "a/b/c").exists()
    bank.delete("a/b/e")
    bank.delete("x")
    assert [path.name for path in bank.path.iterdir()] == [".incoming"]


def test_what_others_left_there_is_no_object(bank: FilesystemBank, tmp_path: Path) -> None:
    bank.put("a/b", [b"x"])
    (bank.path / "lost+found").mkdir()
    (bank.path / "lost+found/x.object").touch()
    (bank.path / "notes.txt").touch()
    (bank.path / ".DS_Store.object").touch()
    (bank.path / "a+b.object").touch()
    (bank.path / "a/.object").touch()
    (bank.path / "a/empty").mkdir()
    (bank.path / "a/+").mkdir()
    os.mkfifo(bank.path / "pipe.object")
    with open(os.fsencode(bank.path) + b"/\xff.object", "wb"):  # noqa: PTH123 (not a name that Path can say)
        pass
    assert keys(bank) == ["a/b"]


def test_a_pipe_in_the_place_of_an_object_does_not_hang_the_reader(bank: FilesystemBank) -> None:
    bank.put("a", [b"x"])
    os.mkfifo(bank.path / "pipe.object")
    assert bank.stat("pipe") is None
    with pytest.raises(BankError, match="not a regular file"):
        next(bank.get("pipe"))


class TestSymbolicLinks:
    """Somebody who can write into the bank plants one; nothing outside is read or written through it."""

    @pytest.fixture
    def outside(self, tmp_path: Path) -> Path:
        directory = tmp_path / "outside"
        directory.mkdir()
        (directory / "secret.object").write_bytes(b"secret")
        return directory

    def test_in_the_place_of_a_directory(self, bank: FilesystemBank, outside: Path) -> None:
        bank.put("a", [b"x"])
        (bank.path / "link").symlink_to(outside)
        for attempt in (
            lambda: bank.put("link/new", [b"x"]),
            lambda: bank.put("link/below/new", [b"x"], if_absent=True),
            lambda: b"".join(bank.get("link/secret")),
            lambda: bank.delete("link/secret"),
            lambda: bank.stat("link/secret"),
        ):
            with pytest.raises(BankError, match="link"):
                attempt()
        assert keys(bank) == ["a"]
        assert files_below(outside) == ["secret.object"]

    def test_in_the_place_of_an_object(self, bank: FilesystemBank, outside: Path) -> None:
        bank.put("a", [b"x"])
        (bank.path / "link.object").symlink_to(outside / "secret.object")
        assert bank.stat("link") is None
        with pytest.raises(BankError, match="link"):
            next(bank.get("link"))
        bank.put("link", [b"mine"])
        assert content(bank, "link") == b"mine"
        assert (outside / "secret.object").read_bytes() == b"secret"

    def test_in_the_place_of_the_directory_of_temporary_files(self, bank: FilesystemBank, outside: Path) -> None:
        bank.path.mkdir()
        (bank.path / ".incoming").symlink_to(outside)
        with pytest.raises(BankError):
            bank.put("a", [b"x"])
        assert files_below(outside) == ["secret.object"]
