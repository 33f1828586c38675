"""A stream that is cut anew."""

from __future__ import annotations

from collections.abc import Iterator

from hypothesis import given
from hypothesis import strategies as st

from embank.plugins import Stream

MIB = 1 << 20


@given(st.lists(st.binary(max_size=40)), st.integers(1, 50))
def test_nothing_is_lost_and_all_parts_but_the_last_have_the_size(chunks: list[bytes], size: int) -> None:
    stream = Stream(chunks)
    parts = []
    while stream.more():
        parts.append(b"".join(stream.take(size)))
        assert stream.size == sum(map(len, parts))
    assert b"".join(parts) == b"".join(chunks)
    assert all(len(part) == size for part in parts[:-1])
    assert not parts or 0 < len(parts[-1]) <= size


def test_pieces_have_a_mebibyte_at_most() -> None:
    stream = Stream([bytes(2 * MIB + 1)])
    assert [len(piece) for piece in stream.take(3 * MIB)] == [MIB, MIB, 1]


def test_a_chunk_is_taken_only_when_those_before_it_are_used_up() -> None:
    given: list[int] = []

    def chunks() -> Iterator[bytes]:
        for number in range(3):
            given.append(number)
            yield b"four"

    stream = Stream(chunks())
    assert (b"".join(stream.take(4)), given) == (b"four", [0])
    assert (b"".join(stream.take(1)), given) == (b"f", [0, 1])


def test_other_buffers_than_bytes_are_counted_in_bytes() -> None:
    assert b"".join(Stream([memoryview(b"12345678").cast("I"), bytearray(b"9")]).take(100)) == b"123456789"
