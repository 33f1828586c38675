"""Reading an object from Swift, from where it broke off when it does."""

from __future__ import annotations

from collections.abc import Iterator

from embank.plugins import BankError, ObjectMissing
from embank_plugins.banks.patience import Failure
from embank_plugins.banks.swift_container import Container

CHUNK = 1 << 20


def read(container: Container, key: str, start: int, end: int | None, action: str) -> Iterator[bytes]:
    """The bytes [start, end), or what there is of them. Raises BankError, ObjectMissing."""
    from requests.exceptions import RequestException

    etag = ""
    patience = container.account.patience()
    while True:
        got = container.get(key, _conditions(start, end, etag), action)
        if isinstance(got, Failure):
            container.account.wait(patience, got, action)
            continue
        with got.response:
            if got.status in (404, 412):
                raise _gone(key, etag, action)
            if got.status == 416:  # begins behind the last byte
                return
            etag = got.headers["ETag"]
            try:
                for chunk in got.response.iter_content(CHUNK):
                    yield chunk
                    start += len(chunk)
                    patience = container.account.patience()
                return
            except RequestException as error:
                failure = Failure(f"the answer breaks off: {error}")
        container.account.wait(patience, failure, action)


def _conditions(start: int, end: int | None, etag: str) -> dict[str, str]:
    conditions = {"If-Match": etag} if etag else {}
    if start or end is not None:
        conditions["Range"] = f"bytes={start}-{'' if end is None else end - 1}"
    return conditions


def _gone(key: str, etag: str, action: str) -> BankError:
    if etag:
        return BankError(f"cannot {action}: it was replaced or deleted while it was read")
    return ObjectMissing(f"cannot {action}: there is no object {key!r}")
