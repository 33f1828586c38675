"""Logging in to Swift: with Keystone, or with accounts of its own (`…/auth/v1.0`, as Ceph's gateway has, too)."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from embank.plugins import BankError
from embank_plugins.banks.retries import Failure, unanswered

SECTION = "[swift_client]"
OWN_VERSIONS = ("/v1", "/v1.0")


@dataclass(frozen=True, slots=True)
class Settings:
    """Where the account is, and who uses it."""

    auth_url: str
    user: str
    key: str
    project: str | None
    user_domain: str
    project_domain: str
    region: str | None
    interface: str
    verify: bool | str  # the certificates of the service: against the system's, a file's, or not at all

    @property
    def own_accounts(self) -> bool:
        """Swift's own, without Keystone."""
        return urlsplit(self.auth_url).path.rstrip("/").endswith(OWN_VERSIONS)


class Login:
    """One session. `url()` and `session.request` log in when that is needed, and once a token has expired."""

    def __init__(self, settings: Settings) -> None:
        try:
            from keystoneauth1.session import Session
        except ImportError as error:
            raise BankError(
                f"the Swift bank needs openstacksdk: pip install 'embank[openstack]' ({error})"
            ) from error
        self._settings = settings
        self._auth = _own_account(settings) if settings.own_accounts else _keystone(settings)
        self.session = Session(auth=self._auth, verify=settings.verify, app_name="embank")

    def url(self) -> str | Failure:
        """Of the account. A Failure may be none another time. Raises BankError."""
        from keystoneauth1 import exceptions

        settings = self._settings
        try:
            self.session.get_token()
            found = self.session.get_endpoint(
                service_type="object-store", region_name=settings.region, interface=settings.interface
            )
        except exceptions.SSLError as error:
            raise BankError(f"{error}; bank_swift_ca_cert_file in {SECTION} names a file of certificates") from error
        except (exceptions.Unauthorized, exceptions.Forbidden) as error:
            raise BankError(f"{settings.auth_url} refuses the user {settings.user!r}: see bank_swift_user, "
                            f"bank_swift_key and {self._see} in {SECTION}") from error  # fmt: skip
        except exceptions.CatalogException:
            found = None
        except (exceptions.ConnectionError, exceptions.HttpServerError, exceptions.TooManyRequests) as error:
            return unanswered(error)
        except exceptions.ClientException as error:
            raise BankError(f"cannot log in at {settings.auth_url}: {error}") from error
        return str(found) if found else self._no_account()

    def renew(self) -> None:
        """The token is not accepted any more."""
        self.session.invalidate()

    @property
    def _see(self) -> str:
        return "the account in the user's name" if self._settings.own_accounts else "bank_swift_user_domain_name"

    def _no_account(self) -> str:
        settings = self._settings
        if not self._auth.get_access(self.session).project_id:
            raise BankError(f"the user {settings.user!r} has no default project: say which one keeps the bank, "
                            f"`bank_swift_tenant_name = …` in {SECTION}")  # fmt: skip
        where = f" in the region {settings.region!r}" if settings.region else ""
        raise BankError(f"{settings.auth_url} knows no object store{where} with a {settings.interface} address")


def _keystone(settings: Settings) -> Any:
    from keystoneauth1.identity.v3 import Password

    return Password(
        auth_url=with_version(settings.auth_url),
        username=settings.user,
        password=settings.key,
        user_domain_name=settings.user_domain,
        project_name=settings.project,
        project_domain_name=settings.project_domain if settings.project else None,
    )


def with_version(url: str) -> str:
    """Keystone's address with the version of its API that everybody has."""
    parts = urlsplit(url)
    path = parts.path.rstrip("/")
    return urlunsplit(parts._replace(path=path if path.endswith("/v3") else f"{path}/v3"))


def _own_account(settings: Settings) -> Any:
    from keystoneauth1.plugin import BaseAuthPlugin

    class OwnAccount(BaseAuthPlugin):
        """A token and an address, for a user's name and key in two headers."""

        def __init__(self) -> None:
            super().__init__()
            self._lock = threading.Lock()
            self._known: tuple[str, str] | None = None

        def get_token(self, session: Any) -> str:
            return self._ask(session)[0]

        def get_endpoint(self, session: Any, **wanted: Any) -> str:
            return self._ask(session)[1]

        def invalidate(self) -> bool:
            self._known = None
            return True

        def _ask(self, session: Any) -> tuple[str, str]:
            with self._lock:
                if self._known is None:
                    headers = {"X-Auth-User": settings.user, "X-Auth-Key": settings.key}
                    given = session.get(settings.auth_url, headers=headers, authenticated=False, log=False).headers
                    if not {"X-Auth-Token", "X-Storage-Url"} <= {name.title() for name in given}:
                        raise BankError(f"what answers at {settings.auth_url} is no Swift")
                    self._known = given["X-Auth-Token"], given["X-Storage-Url"]
                return self._known

    return OwnAccount()
