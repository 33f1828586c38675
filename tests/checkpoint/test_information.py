"""What a plugin saves of a resource, with its schema; notes; and when nothing more is taken."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import pytest

from embank.checkpoint.checkpoint import Checkpoint
from embank.checkpoint.checkpoints import Checkpoints
from embank.checkpoint.errors import CheckpointError, Damaged, Incomplete, Sealed, Unfit
from embank.checkpoint.records.status import Status
from embank.checkpoint.section.section import Section
from embank.model import Resource
from embank.plugins import BankSection
from embank_plugins.banks.filesystem.bank import FilesystemBank

Begin = Callable[..., Checkpoint]
Keys = Callable[..., list[str]]
SERVER = Resource("Test::Server", "s1", "web")
VOLUME = Resource("Test::Volume", "v1", "disk")
MIB = 1 << 20


def test_it_is_what_plugins_are_promised(section: Section) -> None:
    promised: BankSection = section
    assert promised.names() == []


class TestInformation:
    def test_types_stay_what_they_are(self, section: Section) -> None:
        information = {
            "a": "123",
            "b": 123,
            "c": 1.0,
            "d": False,
            "e": None,
            "f": ["x", {"": "\ud800\x00ü"}],
            "n": 2**80,
        }
        section.save(information)
        assert section.load() == information
        assert [type(value) for value in section.load().values()] == [type(value) for value in information.values()]

    def test_mappings_and_tuples_are_welcome(self, section: Section) -> None:
        section.save(MappingProxyType({"rows": ((1, 2), MappingProxyType({}))}))
        assert section.load() == {"rows": [[1, 2], {}]}

    @pytest.mark.parametrize(
        "value",
        [
            {1: "a"},
            {"a": b"bytes"},
            {"a": {None: 1}},
            {"a": math.nan},
            {"a": [math.inf]},
            {"a": {1, 2}},
            {"a": object()},
        ],
    )
    def test_what_json_would_change_is_refused(self, section: Section, value: Any) -> None:
        with pytest.raises(Unfit):
            section.save(value)
        with pytest.raises(Incomplete):
            section.load()

    def test_bottomless_nesting_is_refused(self, section: Section) -> None:
        value: dict[str, Any] = {}
        value["self"] = value
        with pytest.raises(Unfit, match="nested"):
            section.save(value)

    def test_saving_again_replaces(self, section: Section) -> None:
        section.save({"a": 1})
        section.save({"b": 2})
        assert section.load() == {"b": 2}

    def test_nothing_saved(self, section: Section) -> None:
        with pytest.raises(Incomplete, match="no information of Test::Server#s1"):
            section.load()

    @pytest.mark.parametrize(("value", "complaint"), [({}, "size"), ({"size": "3"}, "type: 'integer'")])
    def test_what_does_not_fit_the_schema_is_not_written(
        self, begin: Begin, bank: FilesystemBank, value: Mapping[str, Any], complaint: str, keys: Keys
    ) -> None:
        with pytest.raises(Unfit, match=complaint):
            begin().section(VOLUME).save(value)
        assert keys(bank, "information") == []

    def test_what_was_written_by_another_schema_is_not_read(self, begin: Begin, bank: FilesystemBank) -> None:
        begin()
        Checkpoints(bank).open("cp-1").section(VOLUME).save({"size": "big"})
        with pytest.raises(Damaged, match="/size"):
            begin().section(VOLUME).load()

    def test_a_complaint_does_not_repeat_the_value(self, begin: Begin) -> None:
        with pytest.raises(Unfit) as caught:
            begin().section(VOLUME).save({"size": 1, "password": "hunter2"})
        assert "/password" in str(caught.value)
        assert "hunter2" not in str(caught.value)

    @pytest.mark.parametrize(
        "data",
        [
            b"",
            b"nonsense",
            b"\xff\xfe",
            b"[1]",
            b'"x"',
            b'{"a": 1, "a": 2}',
            b'{"a": NaN}',
            b"[" * 200_000,
            b'{"a": ' * 200_000,
        ],
    )
    def test_damaged_information(self, section: Section, bank: FilesystemBank, data: bytes, keys: Keys) -> None:
        section.save({})
        bank.put(keys(bank, "information")[0], [data])
        with pytest.raises(Damaged, match="information"):
            section.load()

    def test_a_hundred_megabytes_of_nonsense(self, section: Section, bank: FilesystemBank, keys: Keys) -> None:
        section.save({})
        bank.put(keys(bank, "information")[0], (b" " * MIB for _ in range(100)))
        with pytest.raises(Damaged, match="more than 64 MiB"):
            section.load()


class TestNotes:
    def test_the_latest_counts_and_survives(self, section: Section, begin: Begin, bank: FilesystemBank) -> None:
        assert section.noted("copy") is None
        for value in ("123", 123, None, {"id": "x"}):
            section.note("copy", value)
            assert begin().section(SERVER).noted("copy") == value
        assert section.noted("other") is None
        assert begin().section(VOLUME).noted("copy") is None

    def test_they_belong_to_the_execution(self, section: Section, checkpoints: Checkpoints) -> None:
        section.note("copy", "of the first")
        again = checkpoints.open("cp-1", "run-2").section(SERVER)
        assert again.noted("copy") is None
        again.note("copy", "of the second")
        assert section.noted("copy") == "of the first"

    def test_they_can_be_taken_when_the_checkpoint_is_sealed(self, begin: Begin) -> None:
        """A restore notes what it started, too."""
        checkpoint = begin()
        checkpoint.seal()
        checkpoint.section(SERVER).note("copy", 1)
        assert list(checkpoint.verify()) == []


class TestSealed:
    def test_takes_nothing_more_and_gives_nothing_away(self, begin: Begin, bank: FilesystemBank, keys: Keys) -> None:
        checkpoint = begin()
        section = checkpoint.section(SERVER)
        section.save({"a": 1})
        checkpoint.seal()
        before = keys(bank)
        for attempt in (
            lambda: section.save({"a": 2}),
            lambda: section.write("disk", [b"x"]),
            section.clear,
            lambda: checkpoint.save_graph_chunk(1, 1, {}),
        ):
            with pytest.raises(Sealed, match="cp-1"):
                attempt()
        assert section.load() == {"a": 1}
        assert keys(bank) == before

    def test_deleting_may_clear(self, begin: Begin) -> None:
        checkpoint = begin()
        section = checkpoint.section(SERVER)
        section.save({"a": 1})
        section.write("disk", [b"x"])
        checkpoint.seal()
        checkpoint.move(Status.DELETING, execution="run-2")
        section.clear()
        section.clear()
        assert section.names() == []
        with pytest.raises(Incomplete):
            section.load()

    def test_failed_takes_nothing_more(self, begin: Begin) -> None:
        checkpoint = begin()
        checkpoint.move(Status.ERROR)
        with pytest.raises(Sealed, match="is error"):
            checkpoint.section(SERVER).save({})

    def test_deleted_takes_nothing_more(self, begin: Begin, bank: FilesystemBank, keys: Keys) -> None:
        checkpoint = begin()
        checkpoint.move(Status.DELETING)
        checkpoint.erase()
        section = checkpoint.section(SERVER)
        for attempt in (
            lambda: section.save({}),
            lambda: section.note("a", 1),
            lambda: section.write("disk", [b"x"]),
        ):
            with pytest.raises(CheckpointError, match="deleted"):
                attempt()
        assert keys(bank) == []
