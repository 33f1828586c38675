"""The archive format: what we write others read, what others made up we refuse."""

from __future__ import annotations

import io
import os
import subprocess
import tarfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from embank_plugins.local.directory.pack import Tally, pack
from embank_plugins.local.directory.pax import END, Kind, Member, head, padding
from embank_plugins.local.directory.pax_reader import Damaged, members
from embank_plugins.local.directory.unpack import Unpacked, unpack
from embank_plugins.local.tree import walk
from kit.examples import examples

ROOT = Member(Kind.DIRECTORY, b"", mode=0o755)


def archive(*parts: Member | tuple[Member, bytes], root: bool = True) -> bytes:
    whole = head(ROOT) if root else b""
    for part in parts:
        member, data = part if isinstance(part, tuple) else (part, b"")
        whole += head(member) + data + padding(len(data))
    return whole + END


def file(path: bytes, data: bytes = b"evil") -> tuple[Member, bytes]:
    return Member(Kind.FILE, path, size=len(data)), data


def extract(data: bytes, directory: Path) -> Unpacked:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        return unpack(iter([data]), descriptor)
    finally:
        os.close(descriptor)


@pytest.fixture
def inside(tmp_path: Path) -> Iterator[Path]:
    """An empty directory to extract into. In the end everything around it is as it was."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret").write_text("untouched")
    (outside / "secret").chmod(0o600)
    root = tmp_path / "root"
    root.mkdir()
    before = os.lstat(outside), os.lstat(outside / "secret"), os.lstat(tmp_path)
    yield root
    assert sorted(path.name for path in tmp_path.iterdir()) == ["outside", "root"]
    assert [path.name for path in outside.iterdir()] == ["secret"]
    assert (outside / "secret").read_text() == "untouched"
    after = os.lstat(outside), os.lstat(outside / "secret"), os.lstat(tmp_path)
    for old, new in zip(before, after, strict=True):
        assert (old.st_mode, old.st_uid, old.st_nlink, old.st_mtime_ns) == (
            new.st_mode,
            new.st_uid,
            new.st_nlink,
            new.st_mtime_ns,
        )


def link(path: bytes, to: bytes) -> Member:
    return Member(Kind.SYMLINK, path, link=to)


def hard(path: bytes, to: bytes) -> Member:
    return Member(Kind.HARD_LINK, path, link=to)


def folder(path: bytes) -> Member:
    return Member(Kind.DIRECTORY, path, mode=0o777)


HOSTILE = {
    "above": [file(b"../outside/evil")],
    "above, later": [folder(b"a"), file(b"a/../../outside/evil")],
    "absolute": [file(b"/tmp/evil")],
    "a dot": [file(b"a/./b")],
    "an empty name": [file(b"a//b")],
    "a directory above": [folder(b"..")],
    "a NUL": [file(b"a\0b" + b"x" * 100)],
    "through a link": [link(b"l", b"../outside"), file(b"l/evil")],
    "through a link to /": [link(b"l", b"/"), file(b"l/tmp/evil")],
    "over a link": [link(b"l", b"../outside/secret"), file(b"l")],
    "over a dangling link": [link(b"l", b"../outside/new"), file(b"l")],
    "a directory over a link": [link(b"l", b"../outside"), folder(b"l"), file(b"l/evil")],
    "a link over a directory": [folder(b"d"), link(b"d", b"../outside"), file(b"d/evil")],
    "a fifo over a link": [link(b"l", b"../outside/secret"), Member(Kind.FIFO, b"l", mode=0o777)],
    "hard link above": [hard(b"h", b"../outside/secret")],
    "hard link to an absolute path": [hard(b"h", b"/etc/passwd")],
    "hard link through a link": [link(b"l", b"../outside"), hard(b"h", b"l/secret")],
    "hard link to nothing": [hard(b"h", b"nothing")],
    "hard link to a directory": [folder(b"d"), hard(b"h", b"d")],
    "hard link to the root": [hard(b"h", b"")],
    "twice": [file(b"a"), file(b"a")],
    "a file in a file": [file(b"a"), file(b"a/b")],
    "no parent": [file(b"a/b")],
    "a second root": [file(b"a"), ROOT],
    "the root as a link": [link(b"", b"../outside")],
}


@pytest.mark.parametrize("parts", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_archives_reach_nothing_outside(parts: list[Any], inside: Path) -> None:
    with pytest.raises(Damaged):
        extract(archive(*parts), inside)


def test_links_that_lead_outside_are_kept_and_not_followed(inside: Path) -> None:
    """A link is data. What comes after must not go through it: directories get their modes and times last."""
    extract(archive(folder(b"d"), link(b"d/l", b"../../outside"), hard(b"h", b"d/l")), inside)
    assert (inside / "d" / "l").readlink() == Path("../../outside")
    assert (inside / "h").readlink() == Path("../../outside")


def count(data: bytes) -> int:
    return sum(1 for _ in members([data]))


def test_archives_that_are_no_archives() -> None:
    good = archive(file(b"a", b"x" * 1000))
    assert count(good) == 2
    wrong = [b"", b"\0" * 512, b"nonsense" * 1000, good + b"x"]
    for data in [*wrong, *(good[:size] for size in range(0, len(good), 512))]:
        with pytest.raises(Damaged):
            count(data)


@pytest.mark.parametrize("data", [END, archive(file(b"a"), root=False), archive(file(b""), root=False)])
def test_archives_without_a_root_are_refused(data: bytes, inside: Path) -> None:
    with pytest.raises(Damaged):
        extract(data, inside)


@pytest.mark.parametrize("style", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
@pytest.mark.parametrize("kind", [tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.CONTTYPE, b"Z"])
def test_kinds_that_we_never_write_are_refused(style: int, kind: bytes, inside: Path) -> None:
    whole = io.BytesIO()
    with tarfile.open(fileobj=whole, mode="w", format=style) as other:
        root = tarfile.TarInfo("./")
        root.type = tarfile.DIRTYPE
        other.addfile(root)
        info = tarfile.TarInfo("./device")
        info.type = kind
        info.devmajor, info.devminor = 1, 3
        other.addfile(info)
    with pytest.raises(Damaged):
        extract(whole.getvalue(), inside)


def sparse(size: int, *extents: tuple[int, int]) -> bytes:
    member = Member(Kind.FILE, b"s", size=size, extents=extents)
    return archive((member, b"x" * member.stored))


@pytest.mark.parametrize(
    "data",
    [
        sparse(100, (0, 60), (50, 20)),
        sparse(100, (50, 60)),
        sparse(100, (60, 10), (20, 10)),
        sparse(100, (0, 10)).replace(b"2\n0\n10\n", b"9\n0\n10\n"),
        sparse(100, (0, 10)).replace(b"2\n0\n10\n", b"2\n0\n11\n"),
        sparse(100, (0, 10)).replace(b"2\n0\n10\n", b"-\n0\n10\n"),
        sparse(100, (0, 10)).replace(b"2\n0\n10\n", b"999999999999999999\n"),
    ],
)
def test_sparse_maps_that_cannot_be(data: bytes, inside: Path) -> None:
    with pytest.raises(Damaged):
        extract(data, inside)


def test_a_header_that_promises_too_much_is_not_believed(inside: Path) -> None:
    """The pax records of a member are held in memory: a length of terabytes must not be tried."""
    with pytest.raises(Damaged, match="does not write"):
        extract(archive(Member(Kind.FILE, b"a", xattrs={b"user.x": b"y" * (17 << 20)})), inside)


@given(st.data())
@examples(300)
def test_no_damage_is_worse_than_an_error(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    """Flip bytes, with the header's checksum put right again, so that the damage gets further."""
    top = tmp_path_factory.mktemp("fuzz")
    (top / "root").mkdir()
    island = Member(Kind.FILE, b"d/s", size=5000, extents=((1000, 5),), mtime_ns=-5, xattrs={b"user.a": b"b"})
    whole = bytearray(archive(folder(b"d"), file(b"d/f"), link(b"l", b"d"), hard(b"h", b"d/f"), (island, b"12345")))
    for _ in range(data.draw(st.integers(1, 3))):
        position = data.draw(st.integers(0, len(whole) - 1))
        whole[position] = data.draw(st.sampled_from([0, 10, 32, 46, 47, 48, 49, 55, 57, 61, 120, 255]))
        block = position // 512 * 512
        if whole[block + 257 : block + 262] == b"ustar":
            header = whole[block : block + 148] + b" " * 8 + whole[block + 156 : block + 512]
            whole[block + 148 : block + 156] = b"%06o\0 " % sum(header)
    with suppress(Damaged, OSError):
        extract(bytes(whole), top / "root")
    assert [path.name for path in top.iterdir()] == ["root"]


numbers = st.integers(0, (1 << 32) - 2)
names = st.binary(min_size=1, max_size=300).filter(lambda name: b"\0" not in name and name.strip(b"./") != b"")


@given(
    path=st.lists(names.map(lambda name: name.replace(b"/", b"_")), min_size=1, max_size=4).map(b"/".join),
    mode=st.integers(0, 0o7777),
    uid=numbers,
    gid=numbers,
    mtime=st.integers(-(10**20), 10**20),
    xattrs=st.dictionaries(
        st.binary(min_size=1, max_size=9).filter(lambda n: b"\n" not in n), st.binary(max_size=99)
    ),
    data=st.binary(max_size=2000),
)
def test_every_member_comes_back(
    path: bytes, mode: int, uid: int, gid: int, mtime: int, xattrs: dict[bytes, bytes], data: bytes
) -> None:
    member = Member(Kind.FILE, path, mode, uid, gid, mtime, len(data), xattrs=xattrs)
    found = [(each, b"".join(chunks)) for each, chunks in members([archive((member, data), root=False)])]
    assert found == [(member, data)]


@pytest.mark.parametrize("size", [(8 << 30) - 1, 8 << 30, 1 << 50])
def test_huge_files_have_heads_that_are_understood(size: int) -> None:
    """More than the eleven octal digits of a tar header say; nobody has to write the data for this."""
    chunks = iter([head(Member(Kind.FILE, b"huge", size=size)), b"x"])
    member, _ = next(iter(members(chunks)))
    assert member.size == size


def test_gnu_tar_extracts_what_we_write(tmp_path: Path, describe_tree: Any) -> None:
    """Names that are not UTF-8, long ones, holes, nanoseconds, attributes, links: the format is no island."""
    tree, copy = tmp_path / "tree", tmp_path / "copy"
    build(tree)
    copy.mkdir()
    descriptor = os.open(tree, os.O_RDONLY)
    data = b"".join(pack(descriptor, Tally()))
    os.close(descriptor)
    options = ["--xattrs", "--xattrs-include=*", "-xpf", "-"]
    done = subprocess.run(["tar", *options, "-C", copy], input=data, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    assert describe_tree(copy) == describe_tree(tree)
    assert holes(copy) == holes(tree)


def build(tree: Path) -> None:
    (tree / "deep" / ("x" * 200) / ("é" * 100)).mkdir(parents=True)
    (tree / "deep" / ("x" * 200) / "f").write_bytes(b"1" * 100_000)
    (tree / "deep" / ("x" * 200) / "f").chmod(0o4751)
    os.link(tree / "deep" / ("x" * 200) / "f", tree / "hard")
    (tree / "soft").symlink_to("deep/" + "y" * 150)
    os.link(tree / "soft", tree / "soft too", follow_symlinks=False)
    os.mkfifo(tree / "fifo", 0o620)
    Path(os.fsdecode(bytes(tree) + b"/\xff\xfe\n \\ odd")).write_bytes(b"odd")
    os.setxattr(tree / "hard", "user.with=%equals", b"\x00\xff\n12 path=evil\n")
    for name, extents in {
        "hole": [],
        "island": [(5 << 20, 6)],
        "tail": [(0, 9)],
        "end": [((8 << 20) - 5, 5)],
    }.items():
        with (tree / name).open("wb") as sparse_file:
            sparse_file.truncate(8 << 20)
            for offset, length in extents:
                sparse_file.seek(offset)
                sparse_file.write(b"i" * length)
    os.utime(tree / "hard", ns=(1, 1_234_567_890_123_456_789))
    os.utime(tree / "deep", ns=(1, 7))
    if not os.geteuid():
        os.chown(tree / "island", 12345, 3_000_000_000)
        os.chown(tree / "soft", 7, 8, follow_symlinks=False)


def holes(tree: Path) -> dict[str, list[int]]:
    """Where the data of the sparse files begins and ends."""
    found = {}
    for name in ("hole", "island", "tail", "end"):
        with (tree / name).open("rb") as sparse_file:
            try:
                start = os.lseek(sparse_file.fileno(), 0, os.SEEK_DATA)
                found[name] = [start, os.lseek(sparse_file.fileno(), start, os.SEEK_HOLE)]
            except OSError:  # nothing but a hole
                found[name] = []
    return found


def test_our_own_extraction_keeps_everything(tmp_path: Path, describe_tree: Any) -> None:
    tree, copy = tmp_path / "tree", tmp_path / "copy"
    build(tree)
    copy.mkdir()
    descriptor = os.open(tree, os.O_RDONLY)
    result = extract(b"".join(pack(descriptor, Tally())), copy)
    os.close(descriptor)
    assert describe_tree(copy) == describe_tree(tree)
    assert holes(copy) == holes(tree)
    assert (result.without_owner, result.without_xattr) == (0, 0)


def test_the_walk_visits_everything_once_in_order(tmp_path: Path) -> None:
    for name in ("b/2", "b/1/x", "a", "c/y"):
        (tmp_path / name).mkdir(parents=True)
    descriptor = os.open(tmp_path, os.O_RDONLY)
    seen = [(visit.path, visit.leaving) for visit in walk(descriptor)]
    os.close(descriptor)
    assert [path for path, leaving in seen if not leaving] == [
        b"", b"a", b"b", b"b/1", b"b/1/x", b"b/2", b"c", b"c/y",
    ]  # fmt: skip
    assert [path for path, leaving in seen if leaving] == [b"a", b"b/1/x", b"b/1", b"b/2", b"b", b"c/y", b"c"]
