"""Reading an object over a network: from where the answer broke off, when it did."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from embank.plugins import ObjectMissing
from embank_plugins.banks.retries import Failure, Service


class BrokenOff(Exception):
    """The rest of an answer did not come."""


@dataclass(frozen=True, slots=True)
class Opened:
    """An object whose bytes are still to come. Taking them raises BrokenOff."""

    etag: str
    chunks: Iterator[bytes]


Open = Callable[[int, str], Opened | Failure | None]


def read(service: Service, open_at: Open, key: str, start: int, action: str) -> Iterator[bytes]:
    """The bytes from `start` on. Raises BankError, ObjectMissing.

    `open_at(start, etag)` gives None when there is no such object, or not this one any more.
    """
    etag = ""
    retries = service.retries()
    while True:
        got = open_at(start, etag)
        if got is None:
            if etag:
                raise service.cannot(action, "it was replaced or deleted while it was read")
            raise ObjectMissing(str(service.cannot(action, f"there is no object {key!r}")))
        if isinstance(got, Opened):
            etag = got.etag
            try:
                for chunk in got.chunks:
                    yield chunk
                    start += len(chunk)
                    retries = service.retries()
                return
            except BrokenOff as error:
                got = Failure(f"the answer breaks off: {error}")
        service.wait(retries, got, action)
