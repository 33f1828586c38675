"""One container of a Swift account: its objects by name. Raises BankError."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import IO, Any

from embank_plugins.banks.patience import Failure
from embank_plugins.banks.swift_account import Account, Answer

PAGE = 1000  # names in a listing; most services would give 10,000, some give no more than this
TOKEN = "X-Object-Meta-Embank-Put"  # says which put an object is of
NEWEST = {"X-Newest": "true"}  # of all replicas, not of the one that answers first
LARGE = "X-Static-Large-Object"


@dataclass(frozen=True, slots=True)
class Upload:
    """What a put sends: with a `manifest` in place of the object when that lies in segments."""

    token: str
    body: bytes | IO[bytes]
    etag: str | None = None
    manifest: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """A line of a listing. `age`: seconds, by the service's clock."""

    name: str
    size: int
    age: float


class Container:
    """`put` makes it when it is not there. An `action` is what cannot be done, in an error's words."""

    def __init__(self, account: Account, name: str) -> None:
        self.account = account
        self.name = name

    def put(self, name: str, upload: Upload, action: str) -> None:
        """Store an object, whatever was there."""
        patience = self.account.patience()
        while isinstance(got := self.try_put(name, upload, action), Failure):
            self.account.wait(patience, got, action)

    def try_put(self, name: str, upload: Upload, action: str, *, if_absent: bool = False) -> bool | Failure:
        """Try once to store an object. False: `if_absent`, and there is one."""
        headers = {"Content-Type": "application/octet-stream", TOKEN: upload.token}
        if upload.etag:
            headers["ETag"] = upload.etag
        if if_absent:
            headers["If-None-Match"] = "*"
        got = self.account.attempt(
            "PUT", self._path(name), accept=(201, 202, 404, 412), action=action, body=upload.body, headers=headers,
            params={"multipart-manifest": "put"} if upload.manifest else None,
        )  # fmt: skip
        if isinstance(got, Failure):
            return got
        if got.status == 404:
            self.account.request("PUT", self.name, accept=(201, 202), action="make the container of")
            return Failure("its container is made, and not yet found", 0)
        if got.status == 202:  # nothing was stored: by the clock of another of its servers that was later
            return Failure("the service's clocks differ")
        return got.status == 201

    def head(self, name: str, action: str) -> Mapping[str, str] | None:
        """The headers of an object, of its newest replica; None when there is none."""
        found = self.account.request("HEAD", self._path(name), accept=(200, 404), action=action, headers=NEWEST)
        return found.headers if found.status == 200 else None

    def get(self, name: str, headers: Mapping[str, str], action: str) -> Answer | Failure:
        """Begin to read an object; the answer's body is still to come."""
        accept = (200, 206, 404, 412, 416)
        return self.account.attempt(
            "GET", self._path(name), accept=accept, action=action, headers=headers, stream=True
        )

    def delete(self, name: str, action: str) -> bool:
        """Delete an object. False when there certainly was none."""
        done = self.account.request("DELETE", self._path(name), accept=(204, 404), action=action)
        return done.status == 204 or done.unsure

    def list(self, prefix: str, marker: str, limit: int, action: str) -> Sequence[Row]:
        """Names that start with `prefix` and come behind `marker`, by code point, at most PAGE."""
        params = {"format": "json", "prefix": prefix, "marker": marker, "limit": str(min(limit, PAGE))}
        found = self.account.request(
            "GET", self.name, accept=(200, 204, 404), action=action, params=params, headers=NEWEST
        )
        if found.status != 200:
            return []
        now = parsedate_to_datetime(found.headers["Date"])
        return [Row(row["name"], row["bytes"], _age(row, now)) for row in found.response.json()]

    def check(self, action: str) -> None:
        """Raise BankError when nothing can be read here. One that is not there yet is fine."""
        self.account.request("HEAD", self.name, accept=(200, 204, 404), action=action)

    def _path(self, name: str) -> str:
        return f"{self.name}/{name}"


def _age(row: Mapping[str, Any], now: datetime) -> float:
    return (now - datetime.fromisoformat(row["last_modified"]).replace(tzinfo=now.tzinfo)).total_seconds()
