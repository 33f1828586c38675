"""What the filesystem bank does beyond what every bank does: the disk, and what others put on it."""

from __future__ import annotations

import os
import stat
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from oslo_config import cfg

from embank.conformance.bank import content, keys, killed_while_writing
from embank.inputs.provider import find_provider, load_providers
from embank.plugins import BankError, ObjectMissing
from embank_plugins.banks.filesystem import FilesystemBank

OpenBank = Callable[[Path], FilesystemBank]
MIB = 1 << 20


def files_below(path: Path) -> list[str]:
    return sorted(str(file.relative_to(path)) for file in path.rglob("*") if not file.is_dir())


def test_its_option_is_the_path_in_the_section_of_its_name(tmp_path: Path) -> None:
    (tmp_path / "provider.conf").write_text(f"[filesystem_bank]\npath = {tmp_path}/bank\n")
    conf = cfg.ConfigOpts()
    for section, options in FilesystemBank.options().items():
        conf.register_opts(list(options), group=section)
    conf(["--config-file", str(tmp_path / "provider.conf")])
    assert FilesystemBank(conf).path == tmp_path / "bank"


@pytest.mark.parametrize(("path", "advice"), [("", "$here/bank"), ("a/b", "$here/a/b"), ("/a\tb", "$here/bank")])
def test_a_path_that_is_not_absolute_is_refused_with_advice(path: str, advice: str) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011 (what it says is checked)
        FilesystemBank(SimpleNamespace(filesystem_bank=SimpleNamespace(path=path)))
    assert advice in str(caught.value)


@pytest.mark.parametrize("line", ["path = bank", "path =", "", "pfad = /x"])
def test_a_provider_file_without_a_good_path_is_refused(tmp_path: Path, line: str) -> None:
    (tmp_path / "local.conf").write_text(
        "[provider]\nname = n\nid = i\nbank = karbor.protections.embank-filesystem-bank-plugin\n"
        f"plugin = karbor.protections.embank-sqlite-protection-plugin\n[filesystem_bank]\n{line}\n"
    )
    loaded = find_provider(load_providers(str(tmp_path)).value or (), "i")
    assert not loaded.ok
    assert any("path" in problem.message for problem in loaded.diagnostics)


def test_a_provider_file_may_put_it_beside_itself(tmp_path: Path) -> None:
    (tmp_path / "local.conf").write_text(
        "[provider]\nname = n\nid = i\nbank = karbor.protections.embank-filesystem-bank-plugin\n"
        "plugin = karbor.protections.embank-sqlite-protection-plugin\n[filesystem_bank]\npath = $here/bank\n"
    )
    provider = find_provider(load_providers(str(tmp_path)).value or (), "i").value
    assert provider is not None
    bank = provider.open_bank()
    assert isinstance(bank, FilesystemBank)
    assert bank.path == tmp_path / "bank"


def test_looking_creates_nothing(bank: FilesystemBank) -> None:
    bank.check()
    assert bank.stat("a") is None
    assert list(bank.list()) == []
    with pytest.raises(ObjectMissing, match="nothing was ever stored"):
        next(bank.get("a"))
    with pytest.raises(ObjectMissing):
        bank.delete("a")
    assert not bank.path.exists()


def test_only_the_owner_can_look_inside(tmp_path: Path, open_bank: OpenBank) -> None:
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


def test_a_bank_that_vanishes_is_not_begun_anew(bank: FilesystemBank) -> None:
    bank.put("a", [b"x"])
    bank.path.rename(bank.path.with_name("unmounted"))
    for attempt in (lambda: bank.put("b", [b"x"]), lambda: bank.stat("a"), lambda: next(bank.get("a")), bank.list):
        with pytest.raises(BankError, match="has vanished"):
            attempt()
    assert not bank.path.exists()


def test_a_bank_that_vanishes_during_a_write(bank: FilesystemBank) -> None:
    bank.put("a", [b"x"])

    def chunks() -> Iterator[bytes]:
        yield b"x"
        bank.path.rename(bank.path.with_name("gone"))
        (bank.path.with_name("gone") / ".incoming").rename(bank.path.with_name("torn out"))
        yield b"x"

    bank.put("b/c", chunks())  # the directory was only moved: what was opened is still the bank
    assert (bank.path.with_name("gone") / "b/c.object").read_bytes() == b"xx"


@pytest.mark.parametrize("path", ["file/bank", "file"])
def test_a_bank_cannot_be_inside_a_file(tmp_path: Path, open_bank: OpenBank, path: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(BankError, match="file"):
        open_bank(tmp_path / path).check()
    with pytest.raises(BankError, match="file"):
        open_bank(tmp_path / path).put("a", [b"x"])


class TestFullDisk:
    def test_nothing_is_left_of_what_does_not_fit(self, small_disk: Path, open_bank: OpenBank) -> None:
        bank = open_bank(small_disk / "bank")
        bank.put("a", [b"old"])
        for key, if_absent in (("a", False), ("b/c", True)):
            with pytest.raises(BankError, match="No space left on device; nothing was stored: make room") as caught:
                bank.put(key, [b"x" * MIB] * 2, if_absent=if_absent)
            assert str(bank.path) in str(caught.value)
        assert keys(bank) == ["a"]
        assert content(bank, "a") == b"old"
        assert files_below(bank.path) == ["a.object"]
        bank.put("d", [b"x" * (MIB // 2)])  # the room is free again

    def test_not_even_room_for_names(self, small_disk: Path, open_bank: OpenBank) -> None:
        bank = open_bank(small_disk / "bank")
        stored: list[str] = []

        def fill() -> None:
            for number in range(10_000):
                bank.put(f"{number}/{number}", [b"x"])
                stored.append(f"{number}/{number}")

        with pytest.raises(BankError, match="No space left"):
            fill()
        assert keys(bank) == sorted(stored)
        for key in stored:
            bank.delete(key)
        bank.put("again", [b"x"])

    def test_a_limit_on_the_size_of_files(self, bank: FilesystemBank) -> None:
        """The same without the right to mount anything: the write fails half-way."""
        import resource

        bank.put("a", [b"old"])
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (3 * MIB, hard))
        try:
            with pytest.raises(BankError, match="File too large"):
                bank.put("a", [b"x" * MIB] * 5)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        assert content(bank, "a") == b"old"
        assert files_below(bank.path) == ["a.object"]


class TestTemporaryFiles:
    def test_of_a_killed_writer_are_swept_by_the_next_one(self, bank: FilesystemBank, open_bank: OpenBank) -> None:
        killed_while_writing(lambda: open_bank(bank.path), "a", False)
        assert len(files_below(bank.path / ".incoming")) == 1
        assert keys(bank) == []
        bank.put("b", [b"x"])
        assert files_below(bank.path / ".incoming") == []

    def test_of_a_living_writer_survive_the_sweep(self, bank: FilesystemBank, open_bank: OpenBank) -> None:
        begun, go_on = threading.Event(), threading.Event()

        def chunks() -> Iterator[bytes]:
            yield b"first "
            begun.set()
            go_on.wait()
            yield b"second"

        writer = threading.Thread(target=bank.put, args=("slow", chunks()))
        writer.start()
        begun.wait()
        open_bank(bank.path).put("fast", [b"x"])
        assert len(files_below(bank.path / ".incoming")) == 1
        go_on.set()
        writer.join()
        assert content(bank, "slow") == b"first second"
        assert files_below(bank.path / ".incoming") == []


@pytest.mark.parametrize("writable", [True, False])
def test_check_knows_what_may_be_written(
    tmp_path_factory: pytest.TempPathFactory, open_bank: OpenBank, writable: bool
) -> None:
    """As a user who is not root, whoever runs the tests."""
    import tempfile

    with tempfile.TemporaryDirectory(dir="/var/tmp") as name:
        place = Path(name)
        place.chmod(0o777 if writable else 0o555)
        reading, writing = os.pipe()
        child = os.fork()
        if not child:
            try:
                if os.geteuid() == 0:
                    os.setuid(65534)
                bank = open_bank(place / "bank")
                outcomes = []
                for attempt in (bank.check, lambda: bank.put("a", [b"x"])):
                    try:
                        attempt()
                        outcomes.append("fine")
                    except BankError as error:
                        outcomes.append(str(error))
                os.write(writing, "\n".join(outcomes).encode())
            finally:
                os._exit(0)
        os.close(writing)
        os.waitpid(child, 0)
        with os.fdopen(reading) as pipe:
            check, put = pipe.read().split("\n")
        if writable:
            assert (check, put) == ("fine", "fine")
        else:
            assert "no permission to read and write in" in check
            assert "Permission denied" in put
