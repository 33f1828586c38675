"""Logging in to a cloud. Imports openstacksdk, which takes its time: import this module when it is needed."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

import requests
from keystoneauth1 import exceptions
from keystoneauth1.access import AccessInfo
from keystoneauth1.identity.base import BaseIdentityPlugin
from keystoneauth1.plugin import BaseAuthPlugin
from keystoneauth1.session import Session
from openstack.config import OpenStackConfig
from openstack.connection import Connection
from openstack.exceptions import ConfigException

from embank_plugins.openstack import OpenStackError
from embank_plugins.openstack.waiting import BUSY, CONNECT_RETRIES, RETRIES, UNAVAILABLE, Waits

FAILED = 400

HARMLESS = ("/action", "/metadata")  # how the address ends where a POST changes what is there, and makes nothing


class CarefulSession(Session):
    """Repeats a request that was not answered, or with 429 or 503, only if that does no harm (decision CLOUD-10).

    keystoneauth repeats every method alike. A POST may have been carried out although a broken connection, a timeout
    or a 503 (of a proxy in between, say) is all that came back: repeated, it would make a second backup that nobody
    knows of. `waiting.created` looks for the first one; an activity that fails does when it is tried again. A login
    is a POST, too, and may be repeated. And keystoneauth waits for as long as `Retry-After` says, if it takes days.
    """

    repetitions = 1  # of the first login: somebody waits, and the address may be wrong

    def request(self, url: str, method: str, *arguments: Any, **options: Any) -> requests.Response:
        """See Session.request."""
        again = {BUSY, UNAVAILABLE}
        if method.upper() == "POST" and options.get("authenticated") is not False:
            options["connect_retries"] = 0
            if not url.partition("?")[0].endswith(HARMLESS):
                again = {BUSY}
        elif options.get("connect_retries") is None:
            options["connect_retries"] = self.repetitions
        retries, raising = options.pop("status_code_retries", None), options.pop("raise_exc", None)
        waits = Waits(RETRIES if retries is None else retries)
        own = {**options, "status_code_retries": 0, "raise_exc": False}
        while (response := super().request(url, method, *arguments, **own)).status_code in again:
            if not waits.pause(response):
                break
            response.close()
        if raising is not False and response.status_code >= FAILED:
            raise exceptions.from_response(response, method, url)
        return response

    def invalidate(self, auth: BaseAuthPlugin | None = None) -> bool:
        """See Session.invalidate. True, that is "try again", also when another thread has invalidated it just now."""
        super().invalidate(auth)
        return True


def log_in(arguments: Mapping[str, Any], origin: str) -> Connection:
    """A connection that is logged in to a project. `origin` is where it is said who logs in.

    Raises OpenStackError, which says what can be done.
    """
    rest = dict(arguments)
    reading = {name: rest.pop(name) for name in ("load_yaml_config", "load_envvars") if name in rest}
    try:
        config = OpenStackConfig(session_constructor=CarefulSession, app_name="embank", **reading)
    except ConfigException as error:
        raise OpenStackError(f"clouds.yaml cannot be used: {error}") from error
    try:
        connection = Connection(config=config.get_one(**rest))
    except ConfigException as error:
        raise OpenStackError(_unknown(error, config, origin)) from error
    except exceptions.MissingRequiredOptions as error:
        raise OpenStackError(
            "nothing says how to log in to OpenStack. Name a cloud of clouds.yaml with --os-cloud, with OS_CLOUD or "
            "with `cloud` in [openstack] of the provider's file, or set the OS_* variables. An executor of Mistral "
            "knows none of yours: give the provider's file there a section [openstack] "
            f"({origin}: {', '.join(option.dest for option in error.options)} missing)"
        ) from error
    url = connection.config.get_auth_args().get("auth_url", "")
    try:
        access = _access(connection)
    except OpenStackError:
        raise
    except exceptions.ClientException as error:
        raise OpenStackError(_refused(error, url, origin)) from error
    except Exception as error:
        # keystoneauth raises bare exceptions when a part of the credentials is missing.
        raise OpenStackError(f"cannot log in to OpenStack as {origin} says: {error}") from error
    _check(access, connection, origin)
    if isinstance(connection.session, CarefulSession):
        connection.session.repetitions = CONNECT_RETRIES
    return connection


def _access(connection: Connection) -> AccessInfo:
    """The token and what comes with it. Asking for it directly keeps the kind of an error."""
    auth = connection.config.get_auth()
    if not isinstance(auth, BaseIdentityPlugin):
        raise OpenStackError("this way to log in (auth_type) does without Keystone, and is for no project")
    noisy = logging.getLogger("keystoneauth")
    before = noisy.level
    noisy.setLevel(logging.ERROR)  # it tells of every attempt; the error says what matters
    try:
        return auth.get_access(connection.session)
    finally:
        noisy.setLevel(before)


def _unknown(error: ConfigException, config: OpenStackConfig, origin: str) -> str:
    known = sorted(set(config.cloud_config["clouds"]) - {"defaults"})
    if not config.config_filename:
        return f"{origin}: there is no clouds.yaml in ., ~/.config/openstack or /etc/openstack ({error})"
    return f"{origin}: {error} {config.config_filename} has: {', '.join(known) or 'none'}"


def _refused(error: exceptions.ClientException, url: str, origin: str) -> str:
    """What a tired person can do about it. No message of keystoneauth's contains a secret."""
    if isinstance(error, exceptions.Unauthorized):
        return (
            f"Keystone ({url}) refuses the login of {origin}: the user, the password (or the secret) or the project "
            "is wrong, the user has no role in the project, or the application credential or trust has ended"
        )
    if isinstance(error, exceptions.SSLError):
        return (
            f"the certificate of Keystone ({url}) is not trusted; `cacert` names a file with its authority: {error}"
        )
    if isinstance(error, exceptions.ConnectFailure | exceptions.ConnectTimeout | exceptions.UnknownConnectionError):
        return f"Keystone ({url}) does not answer. Is it up, and is the auth_url of {origin} right? {error}"
    if isinstance(error, exceptions.NotFound):
        return f"Keystone ({url}) does not know what {origin} names (any more): {error}"
    if isinstance(error, exceptions.DiscoveryFailure):
        return f"there is no Keystone at {url}, the auth_url of {origin}; it ends with /v3 as a rule. {error}"
    return f"cannot log in to OpenStack as {origin} says: {error}"


def _check(access: AccessInfo, connection: Connection, origin: str) -> None:
    if not access.project_id:
        raise OpenStackError(
            f"the login of {origin} is for no project: add project_name (and project_domain_name) or project_id"
        )
    region = connection.config.get_region_name()
    endpoints = [each for service in access.service_catalog.catalog for each in service.get("endpoints", ())]
    regions = {each.get("region_id") or each.get("region") for each in endpoints}
    if region and region not in regions:
        known = ", ".join(sorted(filter(None, regions))) or "none"
        raise OpenStackError(f"the cloud of {origin} has no region {region!r}; known: {known}")
