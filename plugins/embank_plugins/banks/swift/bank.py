"""The Swift bank: every object is an object of one container. docs/banks.md is for those who run it.

    [swift_client]
    bank_swift_auth_url = http://10.0.0.10:5000
    bank_swift_user = backup
    bank_swift_key = password

The account is the bank's own: whose resources are protected ([openstack]) is another matter.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import chain
from typing import TYPE_CHECKING

from embank.plugins import Bank, BankError, ObjectExists, ObjectInfo, ObjectMissing, check_key
from embank_plugins.banks.listing import list_keys
from embank_plugins.banks.patience import IN_ALL
from embank_plugins.banks.pieces import Piece, Pieces
from embank_plugins.banks.reading import check_range
from embank_plugins.banks.swift.account import Account
from embank_plugins.banks.swift.container import Container, Upload
from embank_plugins.banks.swift.large import remove_segments, remove_segments_of, upload_segments
from embank_plugins.banks.swift.login import Settings
from embank_plugins.banks.write_once import STALE, WriteOnce

if TYPE_CHECKING:
    from oslo_config import cfg

SMALL = 64 << 10  # bytes that are sent whole before an early "there is one" could break the connection
SOON = 10.0  # s; somebody waits for `check`


class SwiftBank(Bank):
    """Objects in a container, which the first put makes."""

    @classmethod
    def options(cls) -> Mapping[str, Sequence[cfg.Opt]]:
        """With the names that Karbor has for them, where it has them."""
        from oslo_config import cfg

        client = [
            cfg.StrOpt("bank_swift_auth_url", required=True, help="Keystone, or an address ending in /auth/v1.0."),
            cfg.StrOpt("bank_swift_user", required=True, help="The user; without Keystone, ACCOUNT:USER."),
            cfg.StrOpt("bank_swift_key", required=True, secret=True, help="The user's password."),
            cfg.StrOpt("bank_swift_tenant_name", help="The project. Else it is the user's default project."),
            cfg.StrOpt("bank_swift_user_domain_name", default="Default", help="The domain of the user."),
            cfg.StrOpt("bank_swift_project_domain_name", default="Default", help="The domain of the project."),
            cfg.StrOpt("bank_swift_region_name", help="The region, where there are several."),
            cfg.StrOpt(
                "bank_swift_interface", default="public", choices=["public", "internal", "admin"],
                help="Which of Swift's addresses to use.",
            ),
            cfg.StrOpt("bank_swift_ca_cert_file", help="Certificates to trust, instead of the system's."),
            cfg.BoolOpt("bank_swift_auth_insecure", default=False, help="Trust whatever certificate there is."),
        ]  # fmt: skip
        plugin = [
            cfg.StrOpt("bank_swift_object_container", default="karbor", help="The container."),
            cfg.IntOpt(
                "bank_swift_segment_size", default=256, min=1, max=5 * 1024,
                help="In MiB. What is larger is stored in segments of this size, of at most 1000.",
            ),
        ]  # fmt: skip
        return {"swift_client": client, "swift_bank_plugin": plugin}

    def __init__(self, conf: cfg.ConfigOpts, *, in_all: float = IN_ALL, stale: float = STALE) -> None:
        """`in_all`: for how many seconds a request is tried; `stale`: see `WriteOnce`."""
        super().__init__(conf)
        client, plugin = conf.swift_client, conf.swift_bank_plugin
        name = plugin.bank_swift_object_container
        if not name or "/" in name or len(name.encode()) > 256:
            raise ValueError(f"[swift_bank_plugin] bank_swift_object_container = {name}: not a container's name")
        settings = Settings(
            auth_url=client.bank_swift_auth_url,
            user=client.bank_swift_user,
            key=client.bank_swift_key,
            project=client.bank_swift_tenant_name,
            user_domain=client.bank_swift_user_domain_name,
            project_domain=client.bank_swift_project_domain_name,
            region=client.bank_swift_region_name,
            interface=client.bank_swift_interface,
            verify=not client.bank_swift_auth_insecure and (client.bank_swift_ca_cert_file or True),
        )
        self.name = f"the Swift bank {name!r} of {settings.user!r} at {settings.auth_url}"
        self.segment_size = plugin.bank_swift_segment_size << 20
        self._write_once = WriteOnce(stale)
        account = Account(settings, self.name, in_all)
        self._container = Container(account, name)
        self._soon = Container(account.hurried(SOON), name)

    def put(self, key: str, chunks: Iterable[bytes], *, if_absent: bool = False) -> ObjectInfo:
        """Take a segment at a time, and send it when it is whole: a try that fails is repeated. See Bank.put."""
        check_key(key)
        action = f"store {key!r} in"
        token = uuid.uuid4().hex
        with Pieces(chunks, self.segment_size) as pieces:
            rest = iter(pieces)
            first = next(rest)
            if first.last and (first.size <= SMALL or not if_absent):
                self._publish(key, Upload(token, first.body(), first.md5.hexdigest()), action, if_absent)
            else:
                if if_absent and self.stat(key):
                    raise self._exists(key)
                self._publish_large(key, token, chain([first], rest), action, if_absent)
            return ObjectInfo(key, pieces.size)

    def get(self, key: str, *, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        """Stream an object, a mebibyte at a time; go on where an answer breaks off. See Bank.get."""
        check_key(key)
        check_range(start, end)
        if start == end:
            if not self.stat(key):
                raise ObjectMissing(f"{self.name} has no object {key!r}")
            return
        yield from self._container.read(key, start, end, f"read {key!r} from")

    def list(self, prefix: str = "", *, marker: str = "", limit: int = 1000) -> Sequence[ObjectInfo]:
        """Swift sorts names by their UTF-8 bytes, which is by code point. See Bank.list."""
        return list_keys(lambda after, most: self._container.list(prefix, after, most, "list"), marker, limit)

    def delete(self, key: str) -> None:
        """Delete the object, then its segments. See Bank.delete."""
        check_key(key)
        action = f"delete {key!r} from"
        before = self._container.head(key, action)
        if before is None or not self._container.delete(key, action):
            raise ObjectMissing(f"{self.name} has no object {key!r}")
        remove_segments_of(self._container, key, before)

    def stat(self, key: str) -> ObjectInfo | None:
        """One request. See Bank.stat."""
        check_key(key)
        headers = self._container.head(key, f"look for {key!r} in")
        return ObjectInfo(key, int(headers["Content-Length"])) if headers is not None else None

    def check(self) -> None:
        """The container can be read, or is not there yet. Whoever waits for this is told soon. See Bank.check."""
        self._soon.check("use")

    def _publish(self, key: str, upload: Upload, action: str, if_absent: bool) -> None:
        container = self._container
        if if_absent:
            if not self._write_once.put(container, key, upload, action):
                raise self._exists(key)
        else:
            before = container.head(key, action)
            container.put(key, upload, action)
            remove_segments_of(container, key, before)

    def _publish_large(self, key: str, token: str, pieces: Iterable[Piece], action: str, if_absent: bool) -> None:
        container = self._container
        manifest = upload_segments(container, key, token, pieces, action)
        try:
            self._publish(key, manifest, action, if_absent)
        except BaseException:
            with suppress(BankError):  # the segments stay where nobody knows whether they are needed
                if container.token(key, action) != token:
                    remove_segments(container, key, token)
            raise

    def _exists(self, key: str) -> ObjectExists:
        return ObjectExists(f"{self.name} already has an object {key!r}")
