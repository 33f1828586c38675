"""The data of images, between Glance and the bank: streams, of which never more than a piece is held."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from typing import TYPE_CHECKING, Any

from embank.plugins import Context, Json
from embank_plugins.openstack import OpenStackError

if TYPE_CHECKING:
    from keystoneauth1.adapter import Adapter

PIECE = 1 << 20
ATTEMPTS = 5  # to go on where a download broke off, without a byte in between
SETTLES_WITHIN = 3600  # s; some stores take long to finish when they have got the last byte
PARTIAL = 206
WEAKEST = "md5"  # `checksum`, of which every Glance knows


class Digests:
    """Of data while they flow: what Glance calls `os_hash_value`, and its older `checksum`."""

    def __init__(self, algorithms: Iterable[str]) -> None:
        known = {name for name in algorithms if name in hashlib.algorithms_available} | {WEAKEST}
        self._hashes = {name: hashlib.new(name, usedforsecurity=False) for name in sorted(known)}
        self.size = 0

    def through(self, chunks: Iterable[bytes]) -> Iterator[bytes]:
        """The chunks, counted."""
        for chunk in chunks:
            self.size += len(chunk)
            for each in self._hashes.values():
                each.update(chunk)
            yield chunk

    def to_json(self) -> dict[str, Json]:
        """As they are saved: `{"size": …, "digests": {"sha512": …, "md5": …}}`."""
        return {"size": self.size, "digests": {name: each.hexdigest() for name, each in self._hashes.items()}}


def differences(image: Mapping[str, Json], data: Mapping[str, Json]) -> str:
    """What Glance says of an image's data against what is known of some data; "" when they are the same."""
    digests: Mapping[str, str] = data["digests"]
    if image["size"] is not None and image["size"] != data["size"]:
        return f"Glance says {image['size']} bytes, these are {data['size']}"
    said = {str(image.get("os_hash_algo")): image.get("os_hash_value"), WEAKEST: image.get("checksum")}
    for name, value in said.items():
        if name in digests and value:
            return "" if digests[name] == value else f"Glance says {name} {value}, these have {digests[name]}"
    return ""


def download(glance: Adapter, image: Mapping[str, Json]) -> Iterator[bytes]:
    """The data of an image. They never change, so what broke off goes on where it was."""
    from keystoneauth1.exceptions import ConnectFailure, UnknownConnectionError
    from openstack.exceptions import HttpException
    from requests.exceptions import RequestException

    position = failures = 0
    while position < image["size"]:
        try:
            for chunk in _from(glance, image["id"], position):
                position += len(chunk)
                failures = 0
                yield chunk
            failures += 1  # too few bytes, or none
            if failures >= ATTEMPTS:
                return  # whoever counts will notice
        except HttpException:
            raise  # an answer, although it is a RequestException, too
        except (RequestException, ConnectFailure, UnknownConnectionError) as error:
            failures += 1
            if failures >= ATTEMPTS:
                raise OpenStackError(f"the data of the image break off at byte {position}: {error}") from error


def _from(glance: Adapter, image: str, position: int) -> Iterator[bytes]:
    from openstack.exceptions import raise_from_response

    headers = {"Range": f"bytes={position}-"} if position else {}
    with closing(glance.get(f"/images/{image}/file", headers=headers, stream=True)) as response:
        raise_from_response(response)
        skip = 0 if response.status_code == PARTIAL else position
        for chunk in response.iter_content(PIECE):
            if rest := chunk[skip:]:
                yield rest
            skip = max(0, skip - len(chunk))


def upload(glance: Adapter, image: str, chunks: Iterator[bytes]) -> None:
    """Give a new image its data. Tried once: nobody can send a stream again from its beginning."""
    from openstack.exceptions import raise_from_response

    once: dict[str, Any] = {"connect_retries": 0, "status_code_retries": 0, "allow_reauth": False}
    headers = {"Content-Type": "application/octet-stream"}
    path = f"/images/{image}/file"
    raise_from_response(glance.put(path, data=chunks, headers=headers, timeout=SETTLES_WITHIN, **once))


def unless_cancelled(context: Context, chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The chunks. Raises OpenStackError between two of them once the execution was cancelled."""
    for chunk in chunks:
        if context.cancelled:
            raise OpenStackError("given up, because the execution was cancelled")
        yield chunk
