"""The Swift bank: every object is an object of one container. docs/banks.md is for those who run it.

    [swift_client]
    bank_swift_auth_url = http://10.0.0.10:5000
    bank_swift_user = backup
    bank_swift_key = password

The account is the bank's own: whose resources are protected ([openstack]) is another matter.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from embank.plugins import BankError, check_key
from embank_plugins.banks.object_store import SOON, ObjectStoreBank
from embank_plugins.banks.pieces import Piece
from embank_plugins.banks.retries import IN_ALL
from embank_plugins.banks.swift.account import Account
from embank_plugins.banks.swift.container import Container, Upload
from embank_plugins.banks.swift.large import remove_segments, remove_segments_of, upload_segments
from embank_plugins.banks.swift.login import Settings
from embank_plugins.banks.write_once import STALE, WriteOnce

if TYPE_CHECKING:
    from oslo_config import cfg

SMALL = 64 << 10  # bytes that are sent whole before an early "there is one" could break the connection


class SwiftBank(ObjectStoreBank):
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
        client, plugin = conf.swift_client, conf.swift_bank_plugin
        container = plugin.bank_swift_object_container
        if not container or "/" in container or len(container.encode()) > 256:
            raise ValueError(f"[swift_bank_plugin] bank_swift_object_container = {container}: not a container's name")
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
        name = f"the Swift bank {container!r} of {settings.user!r} at {settings.auth_url}"
        account = Account(settings, name, in_all)
        self._container = Container(account, container)
        self._soon = Container(account.hurried(SOON), container)
        segment_size = plugin.bank_swift_segment_size << 20
        super().__init__(
            conf, name=name, objects=self._container, segment_size=segment_size, write_once=WriteOnce(stale)
        )

    def delete(self, key: str) -> None:
        """Delete the object, then its segments. See Bank.delete."""
        check_key(key)
        action = f"delete {key!r} from"
        before = self._container.head(key, action)
        if before is None or not self._container.delete(key, action):
            raise self._missing(key)
        remove_segments_of(self._container, key, before)

    def check(self) -> None:
        """The container can be read, or is not there yet. Whoever waits for this is told soon. See Bank.check."""
        self._soon.check("use")

    def _is_small(self, whole: Piece, if_absent: bool) -> bool:
        return whole.size <= SMALL or not if_absent

    def _put_small(self, key: str, token: str, whole: Piece, action: str, if_absent: bool) -> None:
        self._publish(key, Upload(token, whole.body(), whole.md5.hexdigest()), action, if_absent)

    def _put_large(self, key: str, token: str, pieces: Iterable[Piece], action: str, if_absent: bool) -> None:
        container = self._container
        manifest = upload_segments(container, key, token, pieces, action)
        try:
            self._publish(key, manifest, action, if_absent)
        except BaseException:
            with suppress(BankError):  # the segments stay where nobody knows whether they are needed
                if container.token(key, action) != token:
                    remove_segments(container, key, token)
            raise

    def _publish(self, key: str, upload: Upload, action: str, if_absent: bool) -> None:
        container = self._container
        if if_absent:
            if not self._write_once.put(container, key, upload, action):
                raise self._exists(key)
        else:
            before = container.head(key, action)
            container.put(key, upload, action)
            remove_segments_of(container, key, before)
