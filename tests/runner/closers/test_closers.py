"""Closers that fail, that hang, that meet a bank in trouble; and faults before and after the activities."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import pytest

from embank.checkpoint.records.status import Status
from embank.errors import ExitCode
from embank.plugins import Bank, BankError, ObjectInfo
from embank.reporting.events import Event, TaskStarted
from embank.reporting.summary_text import summary_text
from kit import documents as make
from kit.stage import play


class Troubled(Bank):
    """A bank that fails, or hangs, while `trouble` says so of a call ("put", …) and a key."""

    def __init__(self, bank: Bank, trouble: Callable[[str, str], bool], hangs: threading.Event | None = None) -> None:
        self.bank = bank
        self.trouble = trouble
        self.hangs = hangs

    def _meet(self, call: str, key: str) -> None:
        if self.trouble(call, key):
            if self.hangs:
                self.hangs.wait(60)
            raise BankError(f"the bank is in trouble: {call} {key}")

    def put(self, key: str, chunks: Iterable[bytes], *, if_absent: bool = False) -> ObjectInfo:
        self._meet("put", key)
        return self.bank.put(key, chunks, if_absent=if_absent)

    def get(self, key: str, *, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        self._meet("get", key)
        return self.bank.get(key, start=start, end=end)

    def list(self, prefix: str = "", *, marker: str = "", limit: int = 1000) -> Sequence[ObjectInfo]:
        self._meet("list", prefix)
        return self.bank.list(prefix, marker=marker, limit=limit)

    def delete(self, key: str) -> None:
        self._meet("delete", key)
        self.bank.delete(key)

    def stat(self, key: str) -> ObjectInfo | None:
        self._meet("stat", key)
        return self.bank.stat(key)

    def check(self) -> None:
        pass


def text(ran: Any) -> str:
    return "\n".join(summary_text(ran.outcome.summary))


def test_closers_that_fail_are_all_named_and_stop_no_other(stage: Any) -> None:
    """The disk's and the database's fail for good; the web server and the site are closed all the same."""
    forever = ["fails"] * 99
    ran = stage.run({("disk", "parallel"): "fails", ("disk", "post"): forever, ("db", "ready"): forever}, timeout=5)
    assert ran.outcome.exit_code is ExitCode.FAILED_OPEN
    assert ran.world.open == {"disk", "db"}
    assert sorted(ran.world.closed) == ["site", "web"]
    assert sorted(key.id for key in ran.still_open) == ["db", "disk"]
    shown = text(ran)
    first = [failure.task for failure in ran.outcome.summary.failures if not failure.closer]
    assert "activities/app_db_ready" in first, "the first error is not hidden by what failed later"
    for name in ("app_db_ready", "disk_disk_post"):
        assert f"closer failed: cleanup/{name} (tried 4 times)" in shown
        assert f"cleanup/{name}: RuntimeError: told to fail" in ran.said
    still = shown.split("STILL OPEN")[1].split("held open")[0]
    assert ("T::App#db" in still, "T::Disk#disk" in still, "site" in still) == (True, True, False)
    assert ran.checkpoint.status().status is Status.ERROR


def test_no_number_of_failures_hides_a_closer() -> None:
    from datetime import UTC, datetime

    from embank.reporting.summary import Times, summarise

    body = [make.activity("freeze", "pre", "T#a")] + [make.task(f"t{n}") for n in range(30)]
    doc = make.bracketed(body, [make.closer("thaw", "ready", "pre", "T#a")])
    played = play(doc, fails=[f"activities/t{n}" for n in range(30)] + ["cleanup/thaw"])
    execution = played.conductor.execution
    times = Times(0.0, 1.0, dict.fromkeys(range(2), 0.0), {}, {})
    summary = summarise(
        execution, times, state="ERROR", started=datetime.now(UTC), codes={}, interrupted=False, warnings=()
    )
    lines = list(summary_text(summary))
    assert any(line.startswith("  failed: activities/t0 ") for line in lines)
    assert any("and 20 more failed tasks" in line for line in lines)
    assert any(line.startswith("  closer failed: cleanup/thaw") for line in lines)


def test_a_closer_that_hangs_keeps_its_parents_waiting_only_for_its_timeout(stage: Any) -> None:
    ran = stage.run({("disk", "parallel"): "fails", ("disk", "post"): ["hangs"] * 9}, timeout=1)
    assert ran.outcome.exit_code is ExitCode.FAILED_OPEN
    assert ran.world.open == {"disk"}
    (failure,) = (failure for failure in ran.outcome.summary.failures if failure.closer)
    assert (failure.reason, failure.attempts) == ("timed out after 1 s", 4)


def test_a_closer_that_works_at_the_third_try(stage: Any) -> None:
    ran = stage.run({("disk", "parallel"): "fails", ("site", "post"): ["fails", "fails half-way"]})
    assert ran.outcome.exit_code is ExitCode.FAILED
    assert ran.world.open == set()
    assert ran.still_open == []


@pytest.mark.parametrize("key", ["graph/", "facts", "leases/", "status/"])
def test_a_begin_that_fails_half_way(stage: Any, key: str) -> None:
    ran = stage.run({}, wrap=lambda bank: Troubled(bank, lambda call, at: call == "put" and key in at))
    assert ran.outcome.exit_code is ExitCode.FAILED
    assert ran.world.calls == []
    assert ran.outcome.summary.failures[0].task == "begin"
    assert ran.checkpoint is None or ran.checkpoint.status().status is not Status.AVAILABLE


@pytest.mark.parametrize("key", ["manifest/", "status/00000002"])
def test_a_complete_that_fails(stage: Any, key: str) -> None:
    """Everything was closed already: the cleanup finds nothing to do."""
    ran = stage.run({}, wrap=lambda bank: Troubled(bank, lambda call, at: call == "put" and key in at))
    assert ran.outcome.exit_code is ExitCode.FAILED
    assert (ran.world.open, ran.still_open, len(ran.world.calls)) == (set(), [], 9)
    assert ran.checkpoint.status().status is not Status.AVAILABLE


def test_what_the_bank_could_not_record_is_recorded_when_it_is_back(stage: Any) -> None:
    """It is away while the closers run, and back when the execution is abandoned."""
    away = threading.Event()

    def meet(call: tuple[str, str]) -> None:
        if call == ("disk", "parallel"):
            away.set()
        if call == ("site", "post"):
            away.clear()

    ran = stage.run(
        {("disk", "parallel"): "fails"},
        meet=meet,
        wrap=lambda bank: Troubled(bank, lambda call, at: away.is_set()),
    )
    assert ran.outcome.exit_code is ExitCode.FAILED
    assert ran.world.open == set()
    assert sum("closed, but the bank does not record it" in text for text in ran.said) >= 1
    assert sum("nobody can say whether this is open, so it is closed" in text for text in ran.said) >= 1
    assert ran.still_open == []
    assert ran.checkpoint.status().status is Status.ERROR


def test_a_bank_that_hangs_keeps_nothing_frozen(stage: Any) -> None:
    """From the begin of the cleanup on, until everything is closed: then it answers, so that this can end."""
    stuck, release = threading.Event(), threading.Event()

    def listen(event: Event) -> None:
        if isinstance(event, TaskStarted) and event.task == "cleanup":
            stuck.set()

    def meet(call: tuple[str, str]) -> None:
        if stuck.is_set() and call == ("site", "post"):
            release.set()

    ran = stage.run(
        {("disk", "parallel"): "fails"},
        meet=meet,
        listen=listen,
        wrap=lambda bank: Troubled(bank, lambda call, at: stuck.is_set() and not release.is_set(), release),
    )
    assert ran.world.open == set()
    assert ran.outcome.exit_code is ExitCode.FAILED
    assert any("the bank has not answered for 5 s" in text for text in ran.said)
    assert any("the bank has not answered for 0.5 s" in text for text in ran.said), "nor is it trusted a second time"
    assert ran.still_open == []
