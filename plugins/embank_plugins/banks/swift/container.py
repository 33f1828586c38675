"""One container of a Swift account: its objects by name. Raises BankError."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import IO, Any

from embank_plugins.banks.listing import Row
from embank_plugins.banks.ranges import range_header
from embank_plugins.banks.reading import BrokenOff, Opened, read
from embank_plugins.banks.retries import Failure
from embank_plugins.banks.swift.account import Account, Answer

CHUNK = 1 << 20
TOKEN = "X-Object-Meta-Embank-Put"  # says which put an object is of
NEWEST = {"X-Newest": "true"}  # of all replicas, not of the one that answers first
CLOCKS = Failure("the clocks of its servers differ")  # nothing was done: something newer is there already
LARGE = "X-Static-Large-Object"


@dataclass(frozen=True, slots=True)
class Upload:
    """What a put sends: with a `manifest` in place of the object when that lies in segments."""

    token: str
    body: bytes | IO[bytes]
    etag: str | None = None
    manifest: bool = False


class Container:
    """`put` makes it when it is not there. An `action` is what cannot be done, in an error's words."""

    def __init__(self, account: Account, name: str) -> None:
        self.service = account
        self.name = name

    def put(self, name: str, upload: Upload, action: str) -> None:
        """Store an object, whatever was there."""
        self.service.persist(lambda: self.try_put(name, upload, action), action)

    def put_empty(self, name: str, token: str, action: str) -> None:
        """Store an object without content."""
        self.put(name, Upload(token, b""), action)

    def try_put(self, name: str, upload: Upload, action: str, *, if_absent: bool = False) -> bool | Failure:
        """Try once to store an object. False: `if_absent`, and there is one."""
        headers = {"Content-Type": "application/octet-stream", TOKEN: upload.token}
        if upload.etag:
            headers["ETag"] = upload.etag
        if if_absent:
            headers["If-None-Match"] = "*"
        got = self.service.attempt(
            "PUT", self._path(name), accept=(201, 202, 404, 412), action=action, body=upload.body, headers=headers,
            params={"multipart-manifest": "put"} if upload.manifest else None,
        )  # fmt: skip
        if isinstance(got, Failure):
            return got
        if got.status == 404:
            self.service.request("PUT", self.name, accept=(201, 202), action="make the container of")
            return Failure("its container is made, and not yet found", 0)
        if got.status == 202:
            return CLOCKS
        return got.status == 201

    def head(self, name: str, action: str) -> Mapping[str, str] | None:
        """The headers of an object, of its newest replica; None when there is none."""
        found = self.service.request("HEAD", self._path(name), accept=(200, 404), action=action, headers=NEWEST)
        return found.headers if found.status == 200 else None

    def size(self, name: str, action: str) -> int | None:
        """The bytes of an object; None when there is none."""
        headers = self.head(name, action)
        return int(headers["Content-Length"]) if headers is not None else None

    def token(self, name: str, action: str) -> str | None:
        """That of the put which has stored an object; None when there is none."""
        headers = self.head(name, action)
        return headers.get(TOKEN, "") if headers is not None else None

    def read(self, name: str, start: int, end: int | None, action: str) -> Iterator[bytes]:
        """The bytes [start, end), or what there is of them. Raises ObjectMissing."""

        def open_at(start: int, etag: str) -> Opened | Failure | None:
            headers = {"Range": range_header(start, end), "If-Match": etag or None}
            got = self.service.attempt(
                "GET", self._path(name), accept=(200, 206, 404, 412, 416), action=action, stream=True,
                headers={header: value for header, value in headers.items() if value},
            )  # fmt: skip
            if isinstance(got, Failure):
                return got
            if got.status in (404, 412):
                got.response.close()
                return None
            return Opened(got.headers.get("ETag", etag), _chunks(got))

        return read(self.service, open_at, name, start, action)

    def delete(self, name: str, action: str) -> bool:
        """Delete an object. False when there certainly was none."""
        unsure = False

        def attempt() -> bool | Failure:
            nonlocal unsure
            got = self.service.attempt("DELETE", self._path(name), accept=(204, 404, 409), action=action)
            if isinstance(got, Failure):
                unsure = True
                return got
            return CLOCKS if got.status == 409 else got.status == 204 or unsure

        return self.service.persist(attempt, action)

    def list(self, prefix: str, marker: str, limit: int, action: str) -> Sequence[Row]:
        """Names that start with `prefix` and come behind `marker`, by code point; at most `limit`."""
        params = {"format": "json", "prefix": prefix, "marker": marker, "limit": str(limit)}
        found = self.service.request(
            "GET", self.name, accept=(200, 204, 404), action=action, params=params, headers=NEWEST
        )
        if found.status != 200:
            return []
        now = parsedate_to_datetime(found.headers["Date"])
        return [Row(row["name"], row["bytes"], _age(row, now)) for row in found.response.json()]

    def check(self, action: str) -> None:
        """Raise BankError when nothing can be read here. One that is not there yet is fine."""
        self.service.request("HEAD", self.name, accept=(200, 204, 404), action=action)

    def _path(self, name: str) -> str:
        return f"{self.name}/{name}"


def _age(row: Mapping[str, Any], now: datetime) -> float:
    return (now - datetime.fromisoformat(row["last_modified"]).replace(tzinfo=now.tzinfo)).total_seconds()


def _chunks(got: Answer) -> Iterator[bytes]:
    from requests.exceptions import RequestException

    with got.response:
        if got.status == 416:  # it begins behind the last byte
            return
        try:
            yield from got.response.iter_content(CHUNK)
        except RequestException as error:
            raise BrokenOff(str(error)) from error
