"""Whatever a tenant calls a resource, its section is its own."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from embank.checkpoint.keys import (
    bracket_prefix,
    check_id,
    execution_prefix,
    notes_prefix,
    resource_prefix,
    restored_key,
    segment,
)
from embank.errors import UsageError
from embank.model import ResourceKey
from embank.plugins import check_key

names = st.one_of(
    st.text(st.characters(exclude_categories=())),
    st.text(st.sampled_from("./%~a"), max_size=5),
    st.text(min_size=100, max_size=300),
    st.sampled_from(["", ".", "..", "../B", "a/b", "%", "%2E", "%~", "\ud800", "\x00", "x" * 120, "x" * 121]),
)


@given(names)
def test_any_text_makes_one_harmless_segment(text: str) -> None:
    made = segment(text)
    check_key(made)
    assert "/" not in made
    assert not made.startswith(".")
    assert made.isascii()
    assert len(made) <= 120


@given(names, names)
@example("", "%")
@example(".a", "%2Ea")
@example("x" * 200, segment("x" * 200))
@example("ü" * 50, "ü" * 51)
def test_different_texts_make_different_segments(one: str, other: str) -> None:
    assert (segment(one) == segment(other)) == (one == other)


@given(names, names, names, names)
@example("../B", "..", "%" * 500, "/" * 500)
def test_the_longest_keys_are_short_enough(type_: str, id_: str, execution: str, name: str) -> None:
    resource = ResourceKey(type_, id_)
    checkpoint = "c" * 64
    check_key(f"{resource_prefix(checkpoint, resource)}data/{segment(name)}/00000001/00000001")
    check_key(f"{notes_prefix(checkpoint, execution, resource, name)}00000001")
    check_key(f"{bracket_prefix(checkpoint, execution, resource, 'parallel')}00000001")
    check_key(restored_key(checkpoint, execution, resource))


@given(st.tuples(names, names), st.tuples(names, names))
@example(("a", "b/c"), ("a/b", "c"))
@example(("A", "../B"), ("A", "B"))
def test_no_section_holds_another(one: tuple[str, str], other: tuple[str, str]) -> None:
    mine, others = resource_prefix("c", ResourceKey(*one)), resource_prefix("c", ResourceKey(*other))
    assert mine.startswith(others) == (one == other)


def test_ordinary_names_stay_readable() -> None:
    assert segment("Local::Directory") == "Local::Directory"
    assert segment("2e0c8826-81d6-44f5-bbe5-8f46a98c5845") == "2e0c8826-81d6-44f5-bbe5-8f46a98c5845"
    assert segment("shop db") == "shop%20db"
    assert segment("shop/" * 100).startswith("shop%2Fshop%2F")


@pytest.mark.parametrize("id", ["a", "2e0c8826-81d6-44f5-bbe5-8f46a98c5845", "A.b_c-1", "x" * 64])
def test_ids_of_checkpoints(id: str) -> None:
    assert check_id(id) == id


@pytest.mark.parametrize("id", ["", ".", "..", ".a", "a/b", "x" * 65, "a b", "ü", "a\n", "a\x1b[0m", "²"])
def test_what_is_no_id_is_refused_without_printing_controls(id: str) -> None:
    with pytest.raises(UsageError) as caught:
        check_id(id)
    assert str(caught.value).isprintable()
    with pytest.raises(UsageError):
        execution_prefix(id, "run")
