"""The S3 bank passes the kit for banks, on Swift's s3api."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from embank.conformance.bank import BankConformance, MakeBank
from embank.conformance.bank_objects import content
from embank.plugins import BankError, ObjectExists
from embank_plugins.banks.s3 import S3Bank

pytestmark = pytest.mark.openstack
OpenS3 = Callable[..., S3Bank]
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
