"""The S3 bank passes the kit for banks, on Swift's s3api."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from embank.conformance.bank.kit import BankConformance, MakeBank
from embank.conformance.bank.objects import content
from embank.plugins import BankError, ObjectExists
from embank_plugins.banks.s3.bank import S3Bank
from kit.swift_banks import OpenS3

pytestmark = pytest.mark.service
MIB = 1 << 20


class TestS3Bank(BankConformance):
    @pytest.fixture
    def make_bank(self, open_s3: OpenS3) -> MakeBank:
        return open_s3


def uploads(bank: S3Bank) -> list[str]:
    """The keys of multipart uploads that are under way."""
    found = bank._bucket.service.call("list_multipart_uploads", "list", Bucket=bank._bucket.name)
    return [each["Key"] for each in found.data.get("Uploads", ())]


class TestParts:
    """The service takes at most 20 MiB in one piece here."""

    @pytest.mark.parametrize("if_absent", [False, True])
    def test_an_object_of_parts_is_one_object(self, open_s3: OpenS3, if_absent: bool) -> None:
        bank = open_s3(segment_size=5)
        data = bytes(range(251)) * (24 * MIB // 251)
        assert bank.put("large", [data], if_absent=if_absent).size == len(data)
        with pytest.raises(ObjectExists):
            bank.put("large", [data], if_absent=True)
        assert content(open_s3(), "large") == data
        assert [info.size for info in bank.list()] == [len(data)]
        bank.delete("large")
        assert list(bank.list()) == uploads(bank) == []

    def test_the_parts_of_what_fails_go(self, open_s3: OpenS3) -> None:
        bank = open_s3(segment_size=5)

        def failing() -> Iterator[bytes]:
            yield bytes(11 * MIB)
            assert uploads(bank) == ["a"]
            raise RuntimeError("the source has gone")

        with pytest.raises(RuntimeError, match="the source has gone"):
            bank.put("a", failing())
        assert list(bank.list()) == uploads(bank) == []

    def test_what_is_larger_than_the_service_takes_is_refused_in_words(self, open_s3: OpenS3) -> None:
        with pytest.raises(BankError, match="larger than what the service takes: lower bank_s3_segment_size"):
            open_s3(segment_size=30).put("a", [bytes(25 * MIB)])


class TestServicesThatDoNotDo:
    def test_one_that_replaces_what_it_is_told_not_to_is_refused(self, open_s3: OpenS3) -> None:
        """Before anything can be lost, by whoever writes once, and by the check."""
        bank = open_s3(object_bucket=f"careless-{uuid.uuid4().hex[:8]}")
        bank.check()  # nothing is there yet
        bank.put("a", [b"first"])
        for attempt in (lambda: bank.put("b", [b"second"], if_absent=True), bank.check):
            with pytest.raises(BankError, match=r"replaces an object though it is told not to .* another service"):
                attempt()
        assert [info.key for info in bank.list()] == ["a"]
        assert [row.name for row in bank._bucket.list("", "", 1000, "list")] == ["a"]

    def test_one_that_knows_no_conditional_put(self, open_s3: OpenS3, proxy: Any, trouble: Any) -> None:
        bank = open_s3(endpoint=proxy.url)
        bank.put("a", [b"first"])
        proxy.troubles.append(trouble("PUT", "embank.check", 501))
        with pytest.raises(BankError, match=r"cannot store 'b' in .*: the service cannot do what the bank needs"):
            bank.put("b", [b"second"], if_absent=True)

    def test_mistakes_are_said_in_words(self, open_s3: OpenS3, swift: Any) -> None:
        def said(**options: object) -> str:
            with pytest.raises(BankError) as caught:
                open_s3(**options).check()
            assert "testing" not in str(caught.value)
            return str(caught.value)

        assert "the secret key is not that of the access key: see bank_s3_access_key" in said(secret_key="wrong")
        assert "the access key may not" in said(access_key=swift.reader, secret_key=swift.reader_key)
        assert "(tried for" in said(endpoint="http://127.0.0.1:9", in_all=0.1)
        with pytest.raises(ValueError, match="belong together"):
            open_s3(secret_key=None)
