"""The S3 bank: every object is an object of one bucket. docs/banks.md is for those who run it.

    [s3_client]
    bank_s3_endpoint = https://objects.example.org
    bank_s3_access_key = backup
    bank_s3_secret_key = secret

The service has to heed `If-None-Match: *` on a put. One that does not is refused: it would lose updates.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import chain
from typing import TYPE_CHECKING

from embank.plugins import Bank, ObjectExists, ObjectInfo, ObjectMissing, check_key
from embank_plugins.banks.listing import list_keys
from embank_plugins.banks.patience import IN_ALL
from embank_plugins.banks.pieces import Pieces
from embank_plugins.banks.reading import check_range
from embank_plugins.banks.s3.bucket import Bucket, Upload, md5_text
from embank_plugins.banks.s3.client import Denied, S3Client, Settings
from embank_plugins.banks.write_once import STALE, WriteOnce, heeds_if_absent

if TYPE_CHECKING:
    from oslo_config import cfg

SOON = 10.0  # s; somebody waits for `check`
CARELESS = (
    "the service replaces an object though it is told not to (a put with `If-None-Match: *`), so updates would be "
    "lost: use another service or bank, docs/banks.md names some"
)


class S3Bank(Bank):
    """Objects in a bucket, which the first put makes."""

    @classmethod
    def options(cls) -> Mapping[str, Sequence[cfg.Opt]]:
        """With the names that Karbor has for them, where it has them."""
        from oslo_config import cfg

        client = [
            cfg.StrOpt("bank_s3_endpoint", help="The service's address. Default: Amazon's."),
            cfg.StrOpt("bank_s3_access_key", help="Default: what boto3 finds, AWS_ACCESS_KEY_ID for example."),
            cfg.StrOpt("bank_s3_secret_key", secret=True, help="It belongs to the access key."),
            cfg.StrOpt("bank_s3_region_name", help="The region of the bucket."),
            cfg.StrOpt("bank_s3_ca_cert_file", help="Certificates to trust, instead of the system's."),
        ]
        plugin = [
            cfg.StrOpt("bank_s3_object_bucket", default="karbor", help="The bucket."),
            cfg.IntOpt(
                "bank_s3_segment_size", default=256, min=5, max=5 * 1024,
                help="In MiB. What is larger is stored in a multipart upload with parts of this size.",
            ),
        ]  # fmt: skip
        return {"s3_client": client, "s3_bank_plugin": plugin}

    def __init__(self, conf: cfg.ConfigOpts, *, in_all: float = IN_ALL, stale: float = STALE) -> None:
        """`in_all`: for how many seconds a request is tried; `stale`: see `WriteOnce`."""
        super().__init__(conf)
        client, plugin = conf.s3_client, conf.s3_bank_plugin
        if bool(client.bank_s3_access_key) != bool(client.bank_s3_secret_key):
            raise ValueError(
                "[s3_client] bank_s3_access_key and bank_s3_secret_key belong together: give both, or none"
            )
        settings = Settings(
            endpoint=client.bank_s3_endpoint,
            region=client.bank_s3_region_name,
            access_key=client.bank_s3_access_key,
            secret_key=client.bank_s3_secret_key,
            verify=client.bank_s3_ca_cert_file or True,
        )
        name = plugin.bank_s3_object_bucket
        self.name = f"the S3 bank {name!r} at {settings.endpoint or 'Amazon'}"
        self.segment_size = plugin.bank_s3_segment_size << 20
        self._write_once = WriteOnce(stale)
        self._proved = False
        service = S3Client(settings, self.name, in_all)
        self._bucket = Bucket(service, name, settings.region)
        self._soon = Bucket(service.hurried(SOON), name, settings.region)

    def put(self, key: str, chunks: Iterable[bytes], *, if_absent: bool = False) -> ObjectInfo:
        """Take a segment at a time, and send it when it is whole: a try that fails is repeated. See Bank.put."""
        check_key(key)
        action = f"store {key!r} in"
        token = uuid.uuid4().hex
        with Pieces(chunks, self.segment_size) as pieces:
            rest = iter(pieces)
            first = next(rest)
            if first.last:
                self._publish(key, Upload(token, first.body(), md5_text(first)), action, if_absent)
            else:
                if if_absent and self.stat(key):
                    raise self._exists(key)
                upload = self._bucket.upload_parts(key, token, chain([first], rest), action)
                try:
                    self._publish(key, upload, action, if_absent)
                except BaseException:
                    self._bucket.abort(key, upload.upload_id)
                    raise
            return ObjectInfo(key, pieces.size)

    def get(self, key: str, *, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        """Stream an object, a mebibyte at a time; go on where an answer breaks off. See Bank.get."""
        check_key(key)
        check_range(start, end)
        if start == end:
            if not self.stat(key):
                raise self._missing(key)
            return
        yield from self._bucket.read(key, start, end, f"read {key!r} from")

    def list(self, prefix: str = "", *, marker: str = "", limit: int = 1000) -> Sequence[ObjectInfo]:
        """S3 sorts names by their UTF-8 bytes, which is by code point. See Bank.list."""
        return list_keys(lambda after, most: self._bucket.list(prefix, after, most, "list"), marker, limit)

    def delete(self, key: str) -> None:
        """Look, and delete: S3 does not say whether there was anything to delete. See Bank.delete."""
        check_key(key)
        action = f"delete {key!r} from"
        if self._bucket.head(key, action) is None:
            raise self._missing(key)
        self._bucket.delete(key, action)

    def stat(self, key: str) -> ObjectInfo | None:
        """One request. See Bank.stat."""
        check_key(key)
        found = self._bucket.head(key, f"look for {key!r} in")
        return ObjectInfo(key, found["ContentLength"]) if found is not None else None

    def check(self) -> None:
        """The bucket can be listed, or is not there yet; who may write to it, may write once. See Bank.check.

        Whoever waits for this is told soon.
        """
        if self._soon.list("", "", 1, "use") or self._soon.exists("use"):
            with suppress(Denied):  # to write, which nobody has asked for
                self._prove(self._soon, "use")

    def _publish(self, key: str, upload: Upload, action: str, if_absent: bool) -> None:
        if not if_absent:
            self._bucket.put(key, upload, action)
            return
        self._prove(self._bucket, action)
        if not self._write_once.put(self._bucket, key, upload, action):
            raise self._exists(key)

    def _prove(self, bucket: Bucket, action: str) -> None:
        """Once in a process: that the service does not replace what it should not (decision BANK-4)."""
        if not self._proved:
            if not heeds_if_absent(bucket, Upload("first"), Upload("second"), action):
                raise bucket.service.cannot(action, CARELESS)
            self._proved = True

    def _exists(self, key: str) -> ObjectExists:
        return ObjectExists(f"{self.name} already has an object {key!r}")

    def _missing(self, key: str) -> ObjectMissing:
        return ObjectMissing(f"{self.name} has no object {key!r}")
