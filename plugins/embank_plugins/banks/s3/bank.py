"""The S3 bank: every object is an object of one bucket. docs/banks.md is for those who run it.

    [s3_client]
    bank_s3_endpoint = https://objects.example.org
    bank_s3_access_key = backup
    bank_s3_secret_key = secret

The service has to heed `If-None-Match: *` on a put. One that does not is refused: it would lose updates.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from embank.plugins import check_key
from embank_plugins.banks.object_store import SOON, ObjectStoreBank
from embank_plugins.banks.pieces import Piece
from embank_plugins.banks.retries import IN_ALL
from embank_plugins.banks.s3.bucket import Bucket, Upload, md5_text
from embank_plugins.banks.s3.client import Denied, S3Client, Settings
from embank_plugins.banks.write_once import STALE, WriteOnce, heeds_if_absent

if TYPE_CHECKING:
    from oslo_config import cfg

CARELESS = (
    "the service replaces an object though it is told not to (a put with `If-None-Match: *`), so updates would be "
    "lost: use another service or bank, docs/banks.md names some"
)


class S3Bank(ObjectStoreBank):
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
        bucket = plugin.bank_s3_object_bucket
        name = f"the S3 bank {bucket!r} at {settings.endpoint or 'Amazon'}"
        service = S3Client(settings, name, in_all)
        self._bucket = Bucket(service, bucket, settings.region)
        self._soon = Bucket(service.hurried(SOON), bucket, settings.region)
        self._proved = False
        segment_size = plugin.bank_s3_segment_size << 20
        super().__init__(
            conf, name=name, objects=self._bucket, segment_size=segment_size, write_once=WriteOnce(stale)
        )

    def delete(self, key: str) -> None:
        """Look, and delete: S3 does not say whether there was anything to delete. See Bank.delete."""
        check_key(key)
        action = f"delete {key!r} from"
        if self._bucket.head(key, action) is None:
            raise self._missing(key)
        self._bucket.delete(key, action)

    def check(self) -> None:
        """The bucket can be listed, or is not there yet; who may write to it, may write once. See Bank.check.

        Whoever waits for this is told soon.
        """
        if self._soon.list("", "", 1, "use") or self._soon.exists("use"):
            with suppress(Denied):  # to write, which nobody has asked for
                self._prove(self._soon, "use")

    def _put_small(self, key: str, token: str, whole: Piece, action: str, if_absent: bool) -> None:
        self._publish(key, Upload(token, whole.body(), md5_text(whole)), action, if_absent)

    def _put_large(self, key: str, token: str, pieces: Iterable[Piece], action: str, if_absent: bool) -> None:
        upload = self._bucket.upload_parts(key, token, pieces, action)
        try:
            self._publish(key, upload, action, if_absent)
        except BaseException:
            self._bucket.abort(key, upload.upload_id)
            raise

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
