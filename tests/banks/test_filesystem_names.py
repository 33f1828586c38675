"""Keys and paths: reversible, harmless, and listed in order without looking everywhere."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from embank_plugins.banks.filesystem.bank import FilesystemBank
from embank_plugins.banks.filesystem.names import Kind, decode, path_of
from kit.banks import open_bank
from kit.examples import examples

# segments of few different characters collide more often, in whichever way they could
segments = st.one_of(
    st.text(st.sampled_from("ab+.-2EB%~é"), min_size=1, max_size=8),
    st.sampled_from(
        ["a", "a.object", ".object", "+2E", "+", ".", "..", ".incoming", "x" * 200, "x" * 201, "x" * 199 + "+"]
    ),
    st.integers(190, 220).map(lambda length: "y" * length),
)
keys = st.lists(segments, min_size=1, max_size=4).map("/".join).filter(lambda key: len(key.encode()) <= 900)
any_key = st.lists(
    st.text(st.characters(exclude_categories=("C", "Z"), exclude_characters="/"), min_size=1), min_size=1
).map("/".join)


def key_of(directories: list[bytes], name: bytes) -> str:
    """The key, from what is seen in the directories."""
    key = ""
    for directory in directories:
        decoded = decode(directory, True)
        assert decoded is not None
        kind, text = decoded
        key += text + ("/" if kind is Kind.SEGMENT else "")
    decoded = decode(name, False)
    assert decoded is not None
    return key + decoded[1]


@given(st.one_of(keys, any_key))
@example("/".join(["+." * 100] * 2))
def test_a_path_says_its_key(key: str) -> None:
    directories, name = path_of(key)
    assert key_of(directories, name) == key
    for part in (*directories, name):
        assert len(part) <= 255
        assert not part.startswith(b".")
        assert b"/" not in part
    assert name.endswith(b".object")
    assert not any(directory.endswith(b".object") for directory in directories)


@given(st.binary(min_size=1, max_size=12).filter(lambda name: b"/" not in name), st.booleans())
@example(b"+2e", True)
@example(b"+2Eobject", True)
@example(b"+2E.object", False)
def test_what_decodes_is_what_would_be_written(name: bytes, is_directory: bool) -> None:
    decoded = decode(name, is_directory)
    if decoded is None:
        return
    kind, text = decoded
    if kind is Kind.OBJECT:
        assert path_of(text) == ([], name)
    elif kind is Kind.SEGMENT:
        assert path_of(f"{text}/x")[0] == [name]


@examples(60)
@given(
    stored=st.sets(keys, max_size=12),
    texts=st.lists(st.one_of(keys, st.text(st.sampled_from("ab+/.-"), max_size=4)), max_size=6),
)
def test_listing_is_sorting_and_filtering(stored: set[str], texts: list[str]) -> None:
    with tempfile.TemporaryDirectory() as name:
        bank = open_bank(Path(name) / "bank")
        for key in stored:
            bank.put(key, [b"x"])
        cuts = [key[:length] for key in sorted(stored)[:4] for length in (1, len(key) // 2, len(key))]
        for prefix in ("", *texts, *cuts):
            for marker in ("", *texts, *cuts):
                expected = [key for key in sorted(stored) if key.startswith(prefix) and key > marker]
                assert [info.key for info in bank.list(prefix, marker=marker, limit=100)] == expected
                assert [info.key for info in bank.list(prefix, marker=marker, limit=2)] == expected[:2]


@pytest.fixture(scope="module")
def directories_read() -> Callable[[Callable[[], object]], int]:
    """How many directories a call reads, by the interpreter's own audit events."""
    watching = False
    count = 0

    def watch(event: str, arguments: object) -> None:
        nonlocal count
        count += watching and event == "os.scandir"

    sys.addaudithook(watch)

    def during(call: Callable[[], object]) -> int:
        nonlocal watching, count
        count, watching = 0, True
        call()
        watching = False
        return count

    return during


def test_a_page_reads_only_the_directories_it_needs(
    bank: FilesystemBank, directories_read: Callable[[Callable[[], object]], int]
) -> None:
    for one in range(10):
        for two in range(10):
            for three in range(3):
                bank.put(f"{one}/{two}/{three}", [b"x"])
    assert directories_read(lambda: bank.list()) == 1 + 10 + 100
    # the root, 5, 5/5 and 5/6
    assert directories_read(lambda: bank.list(marker="5/5/0", limit=4)) == 4
    # 5/5 alone: the way there is known
    assert directories_read(lambda: bank.list("5/5/", marker="5/5/0")) == 1
    # a marker behind everything in 5 (as skip-scans use): the root, and the first of 6
    assert directories_read(lambda: bank.list(marker="50", limit=1)) == 3
    assert directories_read(lambda: bank.list("7/", limit=1)) == 2
    assert directories_read(lambda: bank.list("nothing/here/")) <= 1
