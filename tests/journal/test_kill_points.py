"""kill -9 at records of the journal of a run, at night at every one: the resume finishes what was begun, once.

Real processes, real SIGKILL, the plugins for files, databases and applications, and one of a third party.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

import pytest

MakeShop = Callable[..., Any]
SOME_OR_ALL = pytest.mark.parametrize("every", [5, pytest.param(1, marks=pytest.mark.nightly)])
WHOLE = ["shop/files", "shop/files/1.txt", "shop/orders.sqlite"]


def check(killed: Any, codes: Sequence[int]) -> None:
    """What holds for every kill: the resume comes to an end, nothing stays open, and everybody says the same."""
    with killed.told():
        _check(killed, codes)


def _check(killed: Any, codes: Sequence[int]) -> None:
    assert killed.dying[0] == -9
    dead, ended, (code, out, err) = killed.dead, killed.ended, killed.resume
    assert not dead["frozen"] or says_open("Local::Application#shop", dead["show"]), dead["show"]
    assert not dead["held"] or says_open("Remote::Volume#v1", dead["show"]), dead["show"]
    if not killed.had["events"]:
        check_that_nothing_was_done(killed)
        return
    if code == 64:
        assert "has ended" in err
        assert killed.had["events"][-1] == "finished"
        code = dead["exit_code"]
    else:
        assert dead["state"] == ("ERROR" if killed.had["events"][-1] == "finished" else "left off")
        assert dead["exit_code"] in (None, 5)
        assert (ended["data"]["succeeded"], ended["data"]["failed"]) == counted(out), (ended["show"], out)
    assert code in codes
    check_the_end(killed, code)


def says_open(resource: str, shown: str) -> bool:
    """The summary of an execution that has ended adds the name."""
    return re.search(rf"{resource}( \(\w+\))?: pre was started", shown) is not None


def check_the_end(killed: Any, code: int) -> None:
    ended = killed.ended
    assert (ended["frozen"], ended["stopped"], ended["held"]) == (False, False, [])
    assert ended["state"] == ("ERROR" if code else "SUCCESS")
    assert ended["exit_code"] == ended["data"]["exit_code"] == code
    assert "OPEN" not in ended["show"]
    assert killed.events[0] == "execution"
    assert killed.events.count("finished") == 1 + killed.events.count("closers")
    assert killed.events[-1] == "finished"
    assert killed.files == WHOLE, "something was left behind, or lost"
    assert all(not each["leased"] and not each["open"] for each in killed.checkpoints)
    assert len(killed.started) <= 1, "the service was asked twice for one copy"


def check_that_nothing_was_done(killed: Any) -> None:
    assert killed.resume[0] == 64
    assert "nothing was done" in killed.resume[2]
    assert killed.ended["state"] == "not begun"
    assert killed.ran == killed.started == []


def counted(out: str) -> tuple[int, int]:
    """How many tasks succeeded and failed, as the resume has said."""
    (line,) = [line for line in out.splitlines() if line.startswith("  tasks: ")]
    words = line.split()
    return int(words[1]), int(words[3])


def check_available(killed: Any) -> None:
    """A protect that succeeded."""
    check(killed, [0])
    if killed.had["events"]:
        (checkpoint,) = killed.checkpoints
        assert (checkpoint["status"], checkpoint["findings"]) == ("available", [])
        assert len(killed.started) == 1
        assert killed.operations == killed.started
        assert {"hold", "let go", "copy"} == set(killed.ran)


@SOME_OR_ALL
def test_protect(shop: MakeShop, every: int) -> None:
    for killed in shop().sweep(every=every):
        check_available(killed)


@pytest.mark.nightly
def test_protect_with_retries(shop: MakeShop) -> None:
    made = shop(retries=2)
    made.service("failures", "2")
    for killed in made.sweep(every=2):
        check_available(killed)


@pytest.mark.nightly
def test_protect_that_fails(shop: MakeShop) -> None:
    made = shop()
    made.service("failures", "1000")
    for killed in made.sweep():
        check(killed, [4])
        if killed.had["events"]:
            (checkpoint,) = killed.checkpoints
            assert checkpoint["status"] == "error"
            assert "the service does not answer" in killed.ended["show"]


@pytest.mark.nightly
def test_protect_that_is_interrupted(shop: MakeShop) -> None:
    made = shop()
    made.service("interrupt", "")
    for killed in made.sweep():
        interrupted = "cancelled" in killed.had["events"]
        # whose Ctrl-C did not get into the journal is not remembered by anybody
        check(killed, [130] if interrupted else [0, 130])
        if killed.had["events"]:
            (checkpoint,) = killed.checkpoints
            assert checkpoint["status"] == ("available" if killed.ended["state"] == "SUCCESS" else "error")


@pytest.mark.nightly
def test_restore(shop: MakeShop) -> None:
    made = shop()
    made.compile("restore", made.protect())
    made.lose_everything()
    for killed in made.sweep():
        check(killed, [0])
        (checkpoint,) = killed.checkpoints
        assert (checkpoint["status"], checkpoint["findings"]) == ("available", [])
        if killed.had["events"]:
            assert checkpoint["operation"] == "restored"
            assert len(killed.started) == 1


@pytest.mark.nightly
def test_verify(shop: MakeShop) -> None:
    made = shop()
    made.compile("verify", made.protect())
    for killed in made.sweep():
        check(killed, [0])
        (checkpoint,) = killed.checkpoints
        assert (checkpoint["status"], checkpoint["findings"]) == ("available", [])
        assert checkpoint["operation"] == ("verified" if killed.had["events"] else "")


@pytest.mark.nightly
def test_delete(shop: MakeShop) -> None:
    made = shop()
    made.compile("delete", made.protect())
    for killed in made.sweep():
        check(killed, [0])
        assert not killed.had["events"] or killed.checkpoints == killed.operations == []


@pytest.mark.nightly
@pytest.mark.parametrize("first", [3, 12, 24])
def test_a_resume_that_is_killed_too(shop: MakeShop, first: int) -> None:
    for killed in shop().sweep("resume", first):
        check_available(killed)


@SOME_OR_ALL
def test_closers_that_run_again_and_are_killed(shop: MakeShop, every: int) -> None:
    made = shop()
    made.service("stuck", "")
    for killed in made.sweep("closers", every=every):
        check(killed, [4])
        assert "the volume does not let itself be let go" in killed.ended["show"], "why it failed first"
        assert (killed.ended["data"]["succeeded"], killed.ended["data"]["failed"]) == (11, 2)


@pytest.mark.nightly
def test_closers_that_run_again_are_killed_and_cancelled(shop: MakeShop) -> None:
    """Nothing but closers is left: to cancel them is to run them."""
    made = shop()
    made.service("stuck", "")
    for killed in made.sweep("closers-cancel", every=2):
        with killed.told():
            assert killed.resume[0] == 0
            assert (killed.ended["frozen"], killed.ended["held"]) == (False, [])
            assert (killed.ended["state"], killed.ended["exit_code"]) == ("ERROR", 4)
            assert "OPEN" not in killed.ended["show"]


@SOME_OR_ALL
def test_a_disk_that_is_full_from_any_record_on(shop: MakeShop, every: int) -> None:
    """The journal cannot be written any more. When there is room again, the execution is resumed."""
    for full in shop().sweep("full", every=every):
        with full.told():
            check_full(full)


def check_full(full: Any) -> None:
    code, out, err = full.dying
    if not full.had["events"]:
        assert "No space left on device" in err
        check_that_nothing_was_done(full)
        return
    (had,), (checkpoint,) = full.had["checkpoints"] or [None], full.checkpoints or [None]
    assert (full.dead["frozen"], full.dead["held"]) == (False, []), "closers run without a journal"
    assert "No space left on device" in out
    assert "`embank resume e0000000" in out
    if code == 0:
        assert had["status"] == "available"
    else:
        assert code == 4
        assert had is None or had["status"] == "error"
    if full.had["events"] == ["execution"]:
        assert (code, had, full.resume[0], checkpoint["status"]) == (4, None, 0, "available"), "nothing had begun"
        check_the_end(full, 0)
        return
    assert full.resume[0] == code
    assert (checkpoint and checkpoint["status"]) == (had and had["status"])
    assert full.operations == full.had["operations"], "nothing is begun again that has failed"
    check_the_end(full, code)


@pytest.mark.nightly
@pytest.mark.parametrize("first", [13, 18])
def test_damage_is_refused_and_closed(shop: MakeShop, first: int) -> None:
    """Every line but the last, changed, lost, doubled: nothing is done but to close what is open."""
    for found in shop().sweep("damage", first):
        number = int(found.at.split()[1]) + found.at.endswith("doubled")
        for code, out, err in (found.refused, found.show):
            assert (code, out) == (1, ""), found.at
            assert f"journal:{number}: this line is not as it was written" in err
            assert "embank cancel e0000000" in err
        assert found.untouched, f"{found.at}: something was done"
        code, out, err = found.cancel
        assert code == 0, out + err
        assert f"journal:{number}: " in err
        assert found.beside, "the damaged journal is kept"
        assert (found.ended["frozen"], found.ended["held"]) == (False, []), found.at
        assert found.ended["state"] == "ERROR"
        (checkpoint,) = found.checkpoints
        assert (checkpoint["status"], checkpoint["open"], checkpoint["leased"]) == ("error", [], False)
        assert found.files == WHOLE
