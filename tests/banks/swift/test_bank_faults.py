"""Answers that are late, lost, torn or refused; a service that is down; writers that race or are killed."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from embank.conformance.bank.objects import content
from embank.plugins import Bank, BankError, ObjectExists, ObjectMissing

pytestmark = pytest.mark.service
Open = Callable[..., Any]
MIB = 1 << 20


@pytest.fixture(params=["swift", "s3"])
def door(request: pytest.FixtureRequest) -> str:
    """Through which the bank goes."""
    return str(request.param)


@pytest.fixture
def open_bank(door: str, request: pytest.FixtureRequest) -> Open:
    return request.getfixturevalue(f"open_{door}")  # type: ignore[no-any-return]


@pytest.fixture
def behind(door: str, open_bank: Open, proxy: Any) -> Open:
    """A bank behind the proxy."""
    address = {"swift": {"auth_url": f"{proxy.url}/auth/v1.0"}, "s3": {"endpoint": proxy.url}}[door]
    return lambda **options: open_bank(**address, **options)


class TestOneFault:
    @pytest.mark.parametrize("what", ["cut", "swallow", 429])
    @pytest.mark.parametrize("if_absent", [False, True])
    def test_a_put_is_repeated(
        self, behind: Open, proxy: Any, trouble: Any, what: str | int, if_absent: bool
    ) -> None:
        """Also one that was done though the answer was lost: the object found then is our own."""
        bank: Bank = behind()
        proxy.troubles.append(trouble("PUT", "/the-key", what, times=1 if what == "swallow" else 2))
        bank.put("the-key", [b"data"], if_absent=if_absent)
        assert proxy.troubles[0].times == 0
        assert content(bank, "the-key") == b"data"
        with pytest.raises(ObjectExists):
            bank.put("the-key", [b"other"], if_absent=True)

    def test_after_a_lost_answer_somebody_elses_object_is_not_taken_for_ours(
        self, behind: Open, open_bank: Open, proxy: Any, trouble: Any
    ) -> None:
        open_bank().put("the-key", [b"theirs"])
        proxy.troubles.append(trouble("PUT", "/the-key", "swallow"))
        with pytest.raises(ObjectExists):
            behind(stale=1).put("the-key", [b"ours"], if_absent=True)
        assert proxy.troubles[0].times == 0
        assert content(open_bank(), "the-key") == b"theirs"

    @pytest.mark.parametrize("what", ["swallow", 503])
    @pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE"])
    def test_so_is_everything_else(
        self, behind: Open, proxy: Any, trouble: Any, what: str | int, method: str
    ) -> None:
        bank: Bank = behind()
        bank.put("the-key", [b"data"])
        proxy.troubles.append(trouble(method, "", what))
        found = bank.stat("the-key")
        assert found is not None
        assert content(bank, "the-key") == b"data"
        assert list(bank.list()) == [found]
        bank.delete("the-key")
        assert proxy.troubles[0].times == 0
        assert bank.stat("the-key") is None
        with pytest.raises(ObjectMissing):
            bank.delete("the-key")

    def test_a_torn_answer_is_continued(self, behind: Open, proxy: Any, trouble: Any) -> None:
        """From where it was torn, with what was not yet read."""
        bank: Bank = behind()
        data = bytes(range(251)) * (4 * MIB // 251)
        bank.put("the-key", [data])
        proxy.troubles.append(trouble("GET", "/the-key", "half", times=3))
        assert content(bank, "the-key") == data
        assert b"".join(bank.get("the-key", start=5, end=3 * MIB)) == data[5 : 3 * MIB]
        assert proxy.count("GET", "/the-key") == 5

    def test_but_not_into_another_object(self, behind: Open, open_bank: Open, proxy: Any, trouble: Any) -> None:
        bank: Bank = behind()
        bank.put("the-key", [b"a" * 4 * MIB])
        proxy.troubles.append(trouble("GET", "/the-key", "half"))
        read = bank.get("the-key")
        next(read)
        open_bank().put("the-key", [b"b" * 4 * MIB])
        with pytest.raises(BankError, match="was replaced or deleted while it was read"):
            list(read)

    def test_retry_after_is_heeded(self, behind: Open, proxy: Any, trouble: Any) -> None:
        bank: Bank = behind()
        proxy.troubles.append(trouble("PUT", "/the-key", 503, headers={"Retry-After": "2"}))
        start = time.monotonic()
        bank.put("the-key", [b"data"])
        assert time.monotonic() - start >= 2

    def test_a_retry_after_that_is_too_long_is_an_error_at_once(self, behind: Open, proxy: Any, trouble: Any) -> None:
        bank: Bank = behind()
        proxy.troubles.append(trouble("PUT", "/the-key", 503, headers={"Retry-After": "3600"}))
        with pytest.raises(BankError, match=r"cannot store 'the-key' in .* answers 503 .*tried for \d s"):
            bank.put("the-key", [b"data"])

    def test_segments_are_sent_again(self, behind: Open, proxy: Any, trouble: Any) -> None:
        """From a source that can be read once."""
        bank: Bank = behind(segment_size=5)
        data = bytes(range(251)) * (12 * MIB // 251)
        proxy.troubles += [trouble("PUT", "the-key", "cut"), trouble("PUT", "the-key", "swallow")]
        bank.put("the-key", (data[start : start + MIB] for start in range(0, len(data), MIB)))
        assert [each.times for each in proxy.troubles] == [0, 0]
        assert content(bank, "the-key") == data


def test_a_token_that_is_not_accepted_any_more_is_renewed(open_swift: Open, proxy: Any, trouble: Any) -> None:
    """Also in the middle of a large put."""
    bank: Bank = open_swift(auth_url=f"{proxy.url}/auth/v1.0", segment_size=1)
    bank.put("before", [b"x"])
    proxy.troubles.append(trouble("PUT", "/the-key", 401))
    bank.put("the-key", [b"x" * MIB] * 3)
    assert proxy.count("GET", "/auth/v1.0") == 2
    proxy.troubles.append(trouble("GET", "/the-key", 401, times=2))
    with pytest.raises(BankError, match="is logged in, and Swift does not accept that"):
        content(bank, "the-key")
    assert content(bank, "the-key") == b"x" * 3 * MIB


class TestDown:
    def test_for_a_while(self, own_swift: Any, door: str, open_bank: Open) -> None:
        address = {"auth_url": own_swift.auth_url} if door == "swift" else {"endpoint": own_swift.url}
        bank: Bank = open_bank(**address)
        bank.put("before", [b"x"])
        own_swift.stop()
        with ThreadPoolExecutor(3) as pool:
            put = pool.submit(bank.put, "during", [b"y"], if_absent=True)
            read = pool.submit(content, bank, "before")
            listed = pool.submit(bank.list)
            time.sleep(1)
            own_swift.start()
            put.result()
            assert read.result() == b"x"
            assert "before" in [info.key for info in listed.result()]
        assert content(bank, "during") == b"y"

    def test_for_good(self, own_swift: Any, door: str, open_bank: Open) -> None:
        """Every method says so, in the time that it was given."""
        address = {"auth_url": own_swift.auth_url} if door == "swift" else {"endpoint": own_swift.url}
        open_bank(**address).put("a", [b"x"])
        bank: Bank = open_bank(in_all=0.5, **address)
        bank.check()
        own_swift.stop()
        attempts: list[Callable[[], object]] = [
            lambda: bank.put("a", [b"x"]),
            lambda: bank.put("a", [b"x"], if_absent=True),
            lambda: bank.stat("a"),
            lambda: list(bank.get("a")),
            lambda: bank.delete("a"),
            bank.list,
            bank.check,
        ]
        for attempt in attempts:
            said = r"^cannot [^:]* the S(wift|3) bank .*: nobody answers: Connection refused \(tried for \d s\)$"
            with pytest.raises(BankError, match=said) as caught:
                attempt()
            assert "testing" not in str(caught.value)


class TestWriteOnce:
    def test_a_writer_waits_for_who_was_announced_before(self, open_bank: Open) -> None:
        """Whose put may still be under way, and replace ours."""
        bank = open_bank()
        bank.put("other", [b"x"], if_absent=True)
        objects, name = announce(bank, "the-key")
        with ThreadPoolExecutor(1) as pool:
            ours = pool.submit(bank.put, "the-key", [b"ours"], if_absent=True)
            while bank.stat("the-key") is None:
                time.sleep(0.01)
            objects.put("the-key", upload_like(bank, b"theirs"), "test")
            assert not ours.done()
            objects.delete(name, "test")
            with pytest.raises(ObjectExists):
                ours.result()
        assert content(bank, "the-key") == b"theirs"

    def test_the_announcement_of_a_killed_writer_holds_up_nobody_for_ever(self, open_bank: Open) -> None:
        bank = open_bank(stale=1.5)
        bank.put("other", [b"x"], if_absent=True)  # what is left of others is swept now
        announce(bank, "the-key")
        bank.put("the-key", [b"ours"], if_absent=True)
        time.sleep(1)
        again = open_bank(stale=0.5)
        again.put("another", [b"x"], if_absent=True)
        objects = again._container if hasattr(again, "_container") else again._bucket
        assert [row.name for row in objects.list("", "", 100, "test")] == ["another", "other", "the-key"]

    def test_of_many_racing_writers_one_writes_once_again_and_again(self, open_bank: Open) -> None:
        bank = open_bank()
        barrier = threading.Barrier(6)

        def write(number: int) -> list[int]:
            won = []
            for turn in range(5):
                barrier.wait()
                try:
                    bank.put(f"turn/{turn}", [b"%d" % number], if_absent=True)
                    won.append(turn)
                except ObjectExists:
                    assert content(bank, f"turn/{turn}") != b"%d" % number  # it stays what it is from now on
            return won

        with ThreadPoolExecutor(6) as pool:
            won = list(pool.map(write, range(6)))
        assert sorted(turn for turns in won for turn in turns) == [0, 1, 2, 3, 4]
        for number, turns in enumerate(won):
            assert {content(bank, f"turn/{turn}") for turn in turns} <= {b"%d" % number}


def announce(bank: Any, key: str) -> tuple[Any, str]:
    """As a writer does that is about to put."""
    import hashlib

    objects = bank._container if hasattr(bank, "_container") else bank._bucket
    name = f"embank.announced/{hashlib.sha256(key.encode()).hexdigest()[:32]}/somebody/"
    objects.put_empty(name, "somebody", "test")
    return objects, name


def upload_like(bank: Any, data: bytes) -> Any:
    """What somebody else publishes."""
    import base64
    import hashlib

    from embank_plugins.banks.s3 import bucket
    from embank_plugins.banks.swift import container

    md5 = hashlib.md5(data)
    if hasattr(bank, "_container"):
        return container.Upload("somebody", data, md5.hexdigest())
    return bucket.Upload("somebody", data, base64.b64encode(md5.digest()).decode())
