"""One bucket of an S3 service: its objects by name. Raises BankError."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import IO, Any

from embank.plugins import BankError
from embank_plugins.banks.listing import Row
from embank_plugins.banks.pieces import Piece
from embank_plugins.banks.ranges import range_header
from embank_plugins.banks.reading import BrokenOff, Opened, read
from embank_plugins.banks.retries import Failure
from embank_plugins.banks.s3.client import S3Client

CHUNK = 1 << 20
TOKEN = "embank-put"  # in an object's metadata: says which put it is of
MISSING = ("404", "NoSuchBucket", "NoSuchKey", "NotFound")
EMPTY = "1B2M2Y8AsgTpgAmY7PhCfg=="  # the md5 of nothing
NOT_YET = Failure("its bucket is made, and not yet found", 0)
OURS_ALREADY = ("BucketAlreadyExists", "BucketAlreadyOwnedByYou")


@dataclass(frozen=True, slots=True)
class Upload:
    """What a put publishes: a body, or the parts of a multipart upload."""

    token: str
    body: bytes | IO[bytes] = b""
    md5: str = EMPTY
    parts: tuple[Mapping[str, Any], ...] = ()
    upload_id: str = ""

    @property
    def operation(self) -> str:
        """Of boto3's client."""
        return "complete_multipart_upload" if self.upload_id else "put_object"

    def given(self, if_absent: bool) -> dict[str, Any]:
        """Its arguments, but for the place."""
        condition = {"IfNoneMatch": "*"} if if_absent else {}
        if self.upload_id:
            return {**condition, "UploadId": self.upload_id, "MultipartUpload": {"Parts": list(self.parts)}}
        return {**condition, "Body": self.body, "ContentMD5": self.md5, "Metadata": {TOKEN: self.token}}


class Bucket:
    """The first put makes it, when it is not there. An `action` is what cannot be done, in an error's words."""

    def __init__(self, client: S3Client, name: str, region: str | None) -> None:
        self.service = client
        self.name = name
        self._region = region

    def put(self, name: str, upload: Upload, action: str) -> None:
        """Store an object, whatever was there."""
        self.service.persist(lambda: self.try_put(name, upload, action), action)

    def put_empty(self, name: str, token: str, action: str) -> None:
        """Store an object without content."""
        self.put(name, Upload(token), action)

    def try_put(self, name: str, upload: Upload, action: str, *, if_absent: bool = False) -> bool | Failure:
        """Try once to store an object. False: `if_absent`, and there is one."""
        expect = ("PreconditionFailed", "NoSuchBucket", "NoSuchUpload")
        got = self.service.attempt(upload.operation, action, expect, **self._place(name), **upload.given(if_absent))
        if isinstance(got, Failure):
            return got
        if got.refused == "NoSuchBucket":
            self._create()
            return NOT_YET
        if got.refused == "NoSuchUpload":  # a try was not answered and has completed it; or somebody has aborted it
            if self.token(name, action) != upload.token:
                raise self.service.cannot(action, "the upload was aborted by somebody else")
            return True
        return not got.refused

    def upload_parts(self, name: str, token: str, pieces: Iterable[Piece], action: str) -> Upload:
        """Store the pieces; publishing the upload makes them visible. After any error nothing is left of them."""
        upload_id = self._begin(name, token, action)
        parts = []
        try:
            for piece in pieces:
                given: dict[str, Any] = {**self._place(name), "UploadId": upload_id, "PartNumber": piece.number}
                content: dict[str, Any] = {"Body": piece.body(), "ContentMD5": md5_text(piece)}
                stored = self.service.call("upload_part", action, **given, **content)
                parts.append({"PartNumber": piece.number, "ETag": stored.data["ETag"]})
        except BaseException:
            self.abort(name, upload_id)
            raise
        return Upload(token, parts=tuple(parts), upload_id=upload_id)

    def abort(self, name: str, upload_id: str) -> None:
        """Remove the parts of an upload, if it can be done. One that was completed stays what it is."""
        with suppress(BankError):
            self.service.call(
                "abort_multipart_upload", "abort an upload to", ("NoSuchUpload", "NoSuchBucket"),
                **self._place(name), UploadId=upload_id,
            )  # fmt: skip

    def head(self, name: str, action: str) -> Mapping[str, Any] | None:
        """What is known of an object; None when there is none."""
        found = self.service.call("head_object", action, MISSING, **self._place(name))
        return None if found.refused else found.data

    def size(self, name: str, action: str) -> int | None:
        """The bytes of an object; None when there is none."""
        found = self.head(name, action)
        return int(found["ContentLength"]) if found is not None else None

    def token(self, name: str, action: str) -> str | None:
        """That of the put that has stored an object; None when there is none."""
        found = self.head(name, action)
        if found is None:
            return None
        # some services change the case of its name
        return next((value for header, value in found["Metadata"].items() if header.lower() == TOKEN), "")

    def read(self, name: str, start: int, end: int | None, action: str) -> Iterator[bytes]:
        """The bytes [start, end), or what there is of them. Raises ObjectMissing."""

        def open_at(start: int, etag: str) -> Opened | Failure | None:
            conditions = {"Range": range_header(start, end), "IfMatch": etag or None}
            given = {header: value for header, value in conditions.items() if value}
            expect = (*MISSING, "InvalidRange", "416", "PreconditionFailed")
            got = self.service.attempt("get_object", action, expect, **self._place(name), **given)
            if isinstance(got, Failure):
                return got
            if not got.refused:
                return Opened(got.data["ETag"], _chunks(got.data["Body"]))
            if got.refused in ("InvalidRange", "416"):  # it begins behind the last byte
                return Opened(etag, iter(()))
            return None

        return read(self.service, open_at, name, start, action)

    def delete(self, name: str, action: str) -> None:
        """Delete an object, if it is there."""
        self.service.call("delete_object", action, MISSING, **self._place(name))

    def exists(self, action: str) -> bool:
        """Whether it is there: somebody has stored something."""
        return not self.service.call("head_bucket", action, MISSING, Bucket=self.name).refused

    def list(self, prefix: str, marker: str, limit: int, action: str) -> Sequence[Row]:
        """Names that start with `prefix` and come behind `marker`, by code point; at most `limit`."""
        given: dict[str, Any] = {"Bucket": self.name, "Prefix": prefix, "StartAfter": marker, "MaxKeys": limit}
        found = self.service.call("list_objects_v2", action, MISSING, **given)
        if found.refused:
            return []
        now = parsedate_to_datetime(found.data["ResponseMetadata"]["HTTPHeaders"]["date"])
        return [
            Row(row["Key"], row["Size"], (now - row["LastModified"]).total_seconds())
            for row in found.data.get("Contents", ())
        ]

    def _place(self, name: str) -> dict[str, str]:
        return {"Bucket": self.name, "Key": name}

    def _begin(self, name: str, token: str, action: str) -> str:
        def attempt() -> str | Failure:
            given = {**self._place(name), "Metadata": {TOKEN: token}}
            got = self.service.attempt("create_multipart_upload", action, ("NoSuchBucket",), **given)
            if isinstance(got, Failure):
                return got
            if got.refused:
                self._create()
                return NOT_YET
            return str(got.data["UploadId"])

        return self.service.persist(attempt, action)

    def _create(self) -> None:
        where = {"LocationConstraint": self._region} if self._region and self._region != "us-east-1" else None
        given = {"CreateBucketConfiguration": where} if where else {}
        self.service.call("create_bucket", "make the bucket of", OURS_ALREADY, Bucket=self.name, **given)


def md5_text(piece: Piece) -> str:
    """As S3 wants it."""
    return base64.b64encode(piece.md5.digest()).decode()


def _chunks(body: Any) -> Iterator[bytes]:
    from botocore.exceptions import BotoCoreError
    from urllib3.exceptions import HTTPError

    with body:
        try:
            yield from body.iter_chunks(CHUNK)
        except (BotoCoreError, HTTPError) as error:
            raise BrokenOff(str(error)) from error
