"""Local::Directory: whole trees there and back, what happens while they change, and where restores may go."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import socket
import subprocess
import sys
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from embank.conformance.driver import Driver, KitContext
from embank.plugins import Operation, Resource
from embank_plugins.local import LocalError
from embank_plugins.local.directory.pack import Tally, pack
from embank_plugins.local.directory.plugin import DirectoryPlugin
from embank_plugins.local.directory.unpack import unpack
from embank_plugins.local.place import scratch_name
from embank_plugins.local.tree import remove
from kit.examples import examples

RESOURCE = Resource("Local::Directory", "files", "Files")


@pytest.fixture
def files(tmp_path: Path) -> Path:
    path = tmp_path / "shop" / "files"
    path.mkdir(parents=True)
    (path / "one").write_text("1")
    (path / "two").mkdir()
    (path / "two" / "three").write_text("3" * 5000)
    return path


@pytest.fixture
def plugin(files: Path, configure: Any) -> DirectoryPlugin:
    text = "[local_directory]\ndirectory = files $here/shop/files\nrestore_root = $here/restored"
    return configure(DirectoryPlugin, text)


def open_directory(path: Path) -> int:
    return os.open(path, os.O_RDONLY | os.O_DIRECTORY)


def packed(path: Path, tally: Tally | None = None) -> bytes:
    descriptor = open_directory(path)
    try:
        return b"".join(pack(descriptor, tally or Tally()))
    finally:
        os.close(descriptor)


def unpacked(data: bytes, path: Path) -> Any:
    path.mkdir(mode=0o700)
    descriptor = open_directory(path)
    try:
        return unpack([data], descriptor)
    finally:
        os.close(descriptor)


# trees

name = st.binary(min_size=1, max_size=30).filter(lambda n: n not in (b".", b"..") and not {0, 47} & set(n))
entry = st.fixed_dictionaries(
    {
        "kind": st.sampled_from(["file", "directory", "sparse", "symlink", "fifo", "link"]),
        "name": name,
        "mode": st.integers(0, 0o7777),
        "owner": st.tuples(st.integers(0, 1 << 31), st.integers(0, 1 << 31)),
        "time": st.integers(-2 * 10**18, 4 * 10**18),
        "xattrs": st.dictionaries(
            st.from_regex(r"[a-z=% é]{1,9}", fullmatch=True), st.binary(max_size=50), max_size=2
        ),
        "content": st.binary(max_size=3000),
        "where": st.integers(0, 100),
    }
)


def make(tree: Path, entries: list[dict[str, Any]]) -> None:
    """Build a tree; what the file system refuses (a name twice) is left out. Only root gives files away."""
    tree.mkdir()
    directories, linkable, made = [tree], [], []
    for each in entries:
        path = directories[each["where"] % len(directories)] / os.fsdecode(each["name"])
        if os.path.lexists(path):
            continue
        if each["kind"] == "directory":
            path.mkdir()
            directories.append(path)
        elif each["kind"] == "symlink":
            path.symlink_to(os.fsdecode(each["content"].replace(b"\0", b"/")[:200]) or ".")
        elif each["kind"] == "fifo":
            os.mkfifo(path)
        elif each["kind"] == "link" and linkable:
            os.link(linkable[each["where"] % len(linkable)], path, follow_symlinks=False)
            continue
        else:
            path.write_bytes(each["content"])
            if each["kind"] == "sparse":
                os.truncate(path, len(each["content"]) + each["where"] * 10_000)
        if each["kind"] != "directory":
            linkable.append(path)
        made.append((path, each))
    for path, each in reversed(made):
        dress(path, each)


def dress(path: Path, each: dict[str, Any]) -> None:
    root = not os.geteuid()
    if root:
        os.chown(path, *each["owner"], follow_symlinks=False)
    if not path.is_symlink():
        for key, value in each["xattrs"].items() if each["kind"] != "fifo" else ():
            os.setxattr(path, f"user.{key}", value)
        path.chmod(each["mode"] | (0 if root else 0o700))
    os.utime(path, ns=(each["time"], each["time"]), follow_symlinks=False)


@given(entries=st.lists(entry, max_size=12))
@examples(100, suppress_health_check=[HealthCheck.too_slow])
def test_any_tree_comes_back(
    tmp_path_factory: pytest.TempPathFactory, describe_tree: Any, entries: list[dict[str, Any]]
) -> None:
    top = tmp_path_factory.mktemp("trees")
    make(top / "tree", entries)
    tally = Tally()
    data = packed(top / "tree", tally)
    result = unpacked(data, top / "copy")
    assert describe_tree(top / "copy") == describe_tree(top / "tree")
    assert packed(top / "copy") == data, "the archive of the copy is the same to the byte"
    assert result.tally.counts == tally.counts
    shutil.rmtree(top)


def as_nobody(directory: Path, work: Callable[[], None]) -> None:
    """Run `work` in a process of a user who owns the directory and nothing else."""
    if os.geteuid():
        work()
        return
    os.chown(directory, 65534, 65534)
    for above in directory.parents[:3]:
        above.chmod(above.stat().st_mode | 0o011)

    def drop() -> None:
        os.setgroups([])
        os.setgid(65534)
        os.setuid(65534)
        work()

    process = multiprocessing.get_context("fork").Process(target=drop)
    process.start()
    process.join()
    assert process.exitcode == 0


def test_users_who_are_not_root_get_back_what_is_theirs(tmp_path: Path, describe_tree: Any) -> None:
    def work() -> None:
        tree = tmp_path / "tree"
        (tree / "read-only").mkdir(parents=True)
        (tree / "read-only" / "file").write_bytes(b"x" * 100)
        os.setxattr(tree / "read-only" / "file", "user.note", b"mine")
        (tree / "read-only" / "file").chmod(0o400)
        (tree / "read-only").chmod(0o500)
        before = describe_tree(tree)
        result = unpacked(packed(tree), tmp_path / "copy")
        assert describe_tree(tmp_path / "copy") == before
        assert (result.without_owner, result.without_xattr) == (0, 0)
        top = open_directory(tmp_path)
        remove(b"copy", top)
        assert not (tmp_path / "copy").exists()

    as_nobody(tmp_path, work)


@pytest.mark.skipif(os.geteuid() != 0, reason="makes a file that belongs to root")
def test_a_set_id_bit_is_not_given_to_another_owner(tmp_path: Path) -> None:
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree" / "tool").write_text("#!/bin/sh")
    (tmp_path / "tree" / "tool").chmod(0o6755)
    data = packed(tmp_path / "tree")

    def work() -> None:
        result = unpacked(data, tmp_path / "copy")
        assert result.without_owner == 2
        assert (tmp_path / "copy" / "tool").stat().st_mode & 0o7777 == 0o755

    as_nobody(tmp_path, work)


def test_trees_deeper_than_any_path(tmp_path: Path) -> None:
    """1,100 levels: longer than a path may be, with more levels than a process may have files open."""
    top = open_directory(tmp_path)
    os.mkdir("tree", dir_fd=top)
    here = os.open("tree", os.O_RDONLY, dir_fd=top)
    for _ in range(1100):
        os.mkdir("dddd", dir_fd=here)
        below = os.open("dddd", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
    os.close(os.open("leaf", os.O_CREAT | os.O_WRONLY, dir_fd=here))
    os.close(here)
    data = packed(tmp_path / "tree")
    unpacked(data, tmp_path / "copy")
    assert packed(tmp_path / "copy") == data
    for each in (b"tree", b"copy"):
        remove(each, top)
    os.close(top)
    assert not list(tmp_path.iterdir())


def test_sockets_and_devices_are_named_and_left_out(files: Path, plugin: DirectoryPlugin, drive: Any) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(files / "so\x1bck"))
        driver: Driver = drive(plugin, RESOURCE)
        checkpoint = driver.begin()
        context = driver.run(Operation.PROTECT, checkpoint)
    assert checkpoint.section(RESOURCE).load()["skipped"] == {"count": 1, "paths": ["so\\x1bck"]}
    assert context.messages == [
        "Local::Directory#files: 1 are sockets or devices, and were not copied: so\\x1bck",
    ]


# while they change

Change = Callable[[Path], None]


def pack_while(path: Path, change: Change, at: bytes) -> tuple[bytes, Tally]:
    """Pack a tree, and change it as soon as a chunk with these bytes was read."""
    tally = Tally()
    descriptor = open_directory(path)
    chunks: list[bytes] = []
    changed = False
    try:
        for chunk in pack(descriptor, tally):
            chunks.append(chunk)
            if at in chunk and not changed:
                change(path)
                changed = True
    finally:
        os.close(descriptor)
    assert changed
    return b"".join(chunks), tally


def shrink(path: Path) -> None:
    os.truncate(path / "big", 1 << 20)


def grow(path: Path) -> None:
    with (path / "big").open("ab") as file:
        file.write(b"more")


def rewrite(path: Path) -> None:
    with (path / "big").open("r+b") as file:
        file.write(b"other")


@pytest.mark.parametrize("change", [shrink, grow, rewrite])
def test_a_file_that_changes_while_it_is_read_is_named(tmp_path: Path, change: Change) -> None:
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree" / "big").write_bytes(b"x" * (3 << 20))
    (tmp_path / "tree" / "zebra").write_bytes(b"z")
    data, tally = pack_while(tmp_path / "tree", change, at=b"xxx")
    assert tally.changed == ["big"]
    unpacked(data, tmp_path / "copy")
    assert (tmp_path / "copy" / "big").stat().st_size == 3 << 20
    assert (tmp_path / "copy" / "zebra").read_bytes() == b"z"


def unlink(path: Path) -> None:
    (path / "b").unlink()


def unlink_directory(path: Path) -> None:
    shutil.rmtree(path / "c")


def make_link(path: Path) -> None:
    shutil.rmtree(path / "c")
    (path / "c").symlink_to("/etc")


@pytest.mark.parametrize(
    ("change", "at", "vanished"),
    [
        (unlink, b"./a", ["b"]),
        (unlink_directory, b"./a", ["c"]),
        (unlink_directory, b"./c/", ["c"]),
        (make_link, b"./c/", ["c"]),
        (make_link, b"./a", []),
    ],
)
def test_what_vanishes_before_it_is_read_is_named(
    tmp_path: Path, change: Change, at: bytes, vanished: list[str]
) -> None:
    tree = tmp_path / "tree"
    (tree / "c").mkdir(parents=True)
    for path in ("a", "b", "c/d"):
        (tree / path).write_text(path)
    data, tally = pack_while(tree, change, at)
    assert tally.vanished == vanished
    unpacked(data, tmp_path / "copy")
    assert b"passwd" not in data, "a link is never followed"


def test_a_directory_that_is_moved_while_it_is_read_stops_the_copy(tmp_path: Path) -> None:
    """The way up would lead out of the tree."""
    (tmp_path / "tree" / "a" / "b").mkdir(parents=True)
    (tmp_path / "tree" / "a" / "b" / "c").write_text("c")
    (tmp_path / "tree" / "z").write_text("z")
    with pytest.raises(LocalError, match="was moved while it was being read"):
        pack_while(tmp_path / "tree", lambda path: (path / "a" / "b").rename(tmp_path / "b"), at=b"./a/b/c")


@pytest.mark.parametrize("parameters", [{"on_change": "fail"}, {}])
def test_what_to_do_about_changes_is_the_plans_to_say(
    files: Path, plugin: DirectoryPlugin, drive: Any, parameters: dict[str, str]
) -> None:
    """A writer that never stops, as real ones."""
    code = "import os, sys\nf = os.open(sys.argv[1], os.O_WRONLY)\nprint(flush=True)\nwhile 1: os.pwrite(f, b'x', 0)"
    (files / "log").write_bytes(b"y" * (8 << 20))
    with subprocess.Popen([sys.executable, "-c", code, files / "log"], stdout=subprocess.PIPE) as writer:
        try:
            assert writer.stdout is not None
            writer.stdout.readline()
            driver = drive(plugin, RESOURCE, protect=parameters)
            checkpoint = driver.begin()
            if parameters:
                with pytest.raises(LocalError, match="changed while it was read: log"):
                    driver.run(Operation.PROTECT, checkpoint)
            else:
                context = driver.run(Operation.PROTECT, checkpoint)
                assert "1 changed while they were read" in context.messages[0]
                assert checkpoint.section(RESOURCE).load()["changed"] == {"count": 1, "paths": ["log"]}
        finally:
            writer.kill()


def test_the_copy_is_taken_when_it_was_asked_for(plugin: DirectoryPlugin, drive: Any) -> None:
    for within_freeze in (True, False):
        driver = drive(plugin, RESOURCE, protect={"within_freeze": within_freeze})
        checkpoint = driver.begin(f"kit-{within_freeze}")
        driver.call(Operation.PROTECT, "ready", checkpoint, KitContext(checkpoint, Operation.PROTECT))
        assert (list(checkpoint.section(RESOURCE).names()) == ["tree"]) == within_freeze


# where restores go


@pytest.fixture
def protected(files: Path, plugin: DirectoryPlugin, drive: Any) -> Iterator[Callable[..., Any]]:
    """`protected(target=…, existing=…)` restores `files`, which was protected, and says where."""
    checkpoint = drive(plugin, RESOURCE).protect()
    numbers = iter(range(100))

    def restore(**parameters: str) -> str:
        driver = drive(plugin, RESOURCE, restore=parameters)
        context = driver.run(Operation.RESTORE, driver.again(checkpoint, f"restore-{next(numbers)}"))
        return str(context.restored(RESOURCE)["path"])

    yield restore
    assert not list(files.parents[1].rglob(".embank-*")), "scratch directories are removed"


def test_restoring_elsewhere(files: Path, protected: Any, tmp_path: Path, describe_tree: Any) -> None:
    """The way there is made."""
    target = tmp_path / "restored" / "by" / "date" / "files"
    assert protected(target=str(target)) == str(target)
    assert describe_tree(target) == describe_tree(files)


@pytest.mark.parametrize(
    "target",
    ["/etc/embank", "{top}/restored", "{top}/restored/", "{top}/restored/../x", "{top}/restored/a/../../x",
     "{top}/restored/./x", "{top}/restored//x", "{top}/restoredx/y", "{top}/shop/other", "{top}/restored/x\0y/z",
     "restored/x"],
)  # fmt: skip
def test_other_places_cannot_be_reached(protected: Any, tmp_path: Path, target: str) -> None:
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(LocalError, match=r"not allowed|null byte"):
        protected(target=target.format(top=tmp_path), existing="replace")
    assert set(tmp_path.rglob("*")) - set(before) <= {tmp_path / "restored"}


def test_links_under_a_restore_root_are_not_followed(protected: Any, tmp_path: Path) -> None:
    (tmp_path / "restored").mkdir()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "restored" / "link").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(LocalError, match="Not a directory"):
        protected(target=str(tmp_path / "restored" / "link" / "files"))
    with pytest.raises(LocalError, match="something else"):
        protected(target=str(tmp_path / "restored" / "link"), existing="replace")
    assert not list((tmp_path / "elsewhere").iterdir())


def test_what_is_there_is_not_replaced_unasked(files: Path, protected: Any, describe_tree: Any) -> None:
    (files / "new").write_text("precious")
    before = describe_tree(files)
    with pytest.raises(LocalError, match="exists: restore with `existing: replace`"):
        protected()
    assert describe_tree(files) == before
    protected(existing="replace")
    assert sorted(path.name for path in files.iterdir()) == ["one", "two"]


def test_an_empty_directory_is_nothing(files: Path, protected: Any, describe_tree: Any) -> None:
    before = describe_tree(files)
    shutil.rmtree(files)
    files.mkdir()
    protected()
    assert describe_tree(files) == before


def test_a_lost_parent_is_made_again(files: Path, protected: Any, describe_tree: Any) -> None:
    before = describe_tree(files)
    shutil.rmtree(files.parent)
    protected()
    assert describe_tree(files) == before


def test_a_configured_path_may_be_a_link(files: Path, protected: Any, tmp_path: Path) -> None:
    """The operator's links are followed: the directory changes where it really is."""
    files.rename(tmp_path / "real")
    files.symlink_to(tmp_path / "real")
    (tmp_path / "real" / "one").unlink()
    assert protected(existing="replace") == str(tmp_path / "real")
    assert files.is_symlink()
    assert (tmp_path / "real" / "one").read_text() == "1"


def test_what_a_killed_restore_left_is_no_obstacle(files: Path, plugin: DirectoryPlugin, drive: Any) -> None:
    driver = drive(plugin, RESOURCE, restore={"existing": "replace"})
    checkpoint = driver.protect()
    left = files.parent / scratch_name(checkpoint, RESOURCE)
    (left / "half" / "of").mkdir(parents=True)
    driver.run(Operation.RESTORE, driver.again(checkpoint, "restore"))
    assert not left.exists()


# On a file system that cannot exchange two names (NFS) the old one is aside for a moment: what a kill then leaves.


def test_an_original_that_a_killed_restore_put_aside_is_put_back(
    files: Path, plugin: DirectoryPlugin, drive: Any, describe_tree: Any
) -> None:
    """Before anything else: the restore fails, and the original is not lost."""
    driver = drive(plugin, RESOURCE, restore={"existing": "replace"})
    checkpoint = driver.protect()
    (files / "new").write_text("precious")
    before, aside = describe_tree(files), files.parent / f"{scratch_name(checkpoint, RESOURCE)}.old"
    files.rename(aside)
    assert driver.damage(checkpoint)
    with pytest.raises(LocalError, match="damaged"):
        driver.run(Operation.RESTORE, driver.again(checkpoint, "restore"))
    assert describe_tree(files) == before
    assert list(files.parent.iterdir()) == [files]


def test_what_a_killed_restore_put_aside_does_not_stay(
    files: Path, plugin: DirectoryPlugin, drive: Any, describe_tree: Any
) -> None:
    """The restored one was in its place already."""
    driver = drive(plugin, RESOURCE, restore={"existing": "replace"})
    checkpoint = driver.protect()
    before, aside = describe_tree(files), files.parent / f"{scratch_name(checkpoint, RESOURCE)}.old"
    for _ in range(2):
        (aside / "the" / "old").mkdir(parents=True)
        driver.run(Operation.RESTORE, driver.again(checkpoint, "restore"))
        assert describe_tree(files) == before
        assert list(files.parent.iterdir()) == [files]


def test_a_deletion_puts_back_what_a_killed_restore_put_aside(
    files: Path, plugin: DirectoryPlugin, drive: Any, describe_tree: Any
) -> None:
    driver = drive(plugin, RESOURCE)
    checkpoint = driver.protect()
    before = describe_tree(files)
    files.rename(files.parent / f"{scratch_name(checkpoint, RESOURCE)}.old")
    driver.delete(checkpoint)
    assert describe_tree(files) == before
    assert list(files.parent.iterdir()) == [files]


@pytest.mark.parametrize("lost", ["the directory", "all above it", "its configuration"])
def test_a_deletion_does_not_need_the_original(
    files: Path, plugin: DirectoryPlugin, configure: Any, drive: Any, lost: str
) -> None:
    checkpoint = drive(plugin, RESOURCE).protect()
    if lost != "its configuration":
        shutil.rmtree(files if lost == "the directory" else files.parent)
    text = (
        "[local_directory]"
        if lost == "its configuration"
        else "[local_directory]\ndirectory = files $here/shop/files"
    )
    assert drive(configure(DirectoryPlugin, text), RESOURCE).delete(checkpoint) == []
    assert files.parent.exists() == (lost != "all above it")


def test_a_directory_that_is_not_there(files: Path, plugin: DirectoryPlugin, drive: Any) -> None:
    shutil.rmtree(files)
    driver = drive(plugin, RESOURCE)
    with pytest.raises(LocalError, match="cannot be read: No such file or directory"):
        driver.run(Operation.PROTECT, driver.begin())


def test_an_id_that_is_not_configured(plugin: DirectoryPlugin, drive: Any) -> None:
    driver = drive(plugin, Resource("Local::Directory", "/etc", "A tenant's idea"))
    with pytest.raises(LocalError, match=r"'/etc' is not in section \[local_directory\]"):
        driver.run(Operation.PROTECT, driver.begin())


@pytest.mark.nightly
def test_memory_does_not_grow_with_the_tree(tmp_path: Path) -> None:
    (tmp_path / "tree").mkdir()
    with (tmp_path / "tree" / "big").open("wb") as file:
        for _ in range(256):
            file.write(os.urandom(1 << 20))
    descriptor = open_directory(tmp_path / "tree")
    (tmp_path / "copy").mkdir()
    tracemalloc.start()
    unpack(pack(descriptor, Tally()), open_directory(tmp_path / "copy"))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 16 << 20
    assert (tmp_path / "copy" / "big").stat().st_size == 256 << 20
