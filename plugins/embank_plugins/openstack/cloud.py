"""The cloud that all OpenStack protectables and plugins of a provider work in, and as whom.

    [openstack]
    cloud = production

Without that section: what `OS_CLOUD` or the other `OS_*` variables say. `EMBANK_OS_CLOUD` (`--os-cloud`) goes
before both (decision CLOUD-1).
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from embank_plugins.openstack import OpenStackError
from embank_plugins.openstack.waiting import CONNECT_RETRIES

if TYPE_CHECKING:
    from openstack.connection import Connection
    from oslo_config import cfg

SECTION = "openstack"
CHOSEN = "EMBANK_OS_CLOUD"
ANSWER_WITHIN = 120  # s
AUTH = (
    "auth_url",
    "username",
    "password",
    "user_domain_name",
    "project_name",
    "project_id",
    "project_domain_name",
    "application_credential_id",
    "application_credential_secret",
    "trust_id",
)
SECRET = ("password", "application_credential_secret")
REST = ("region_name", "interface", "cacert")
SCOPE = ("project_name", "project_id", "trust_id")


def cloud_options() -> Mapping[str, Sequence[cfg.Opt]]:
    """The options of [openstack], all optional: `cloud` (of clouds.yaml), or those of an authentication."""
    from oslo_config import cfg

    named = cfg.StrOpt("cloud", help="A cloud in clouds.yaml. The other options then go before what it says there.")
    others = [
        cfg.StrOpt(name, secret=name in SECRET, help=f"As OS_{name.upper()} of the OpenStack clients.")
        for name in (*AUTH, *REST)
    ]
    return {SECTION: [named, *others]}


class Cloud:
    """A connection that is made when it is first needed. Threads may share it; a process that was forked has its own.

    Raises ValueError for a section [openstack] that nobody can log in with.
    """

    def __init__(self, conf: cfg.ConfigOpts) -> None:
        self._given: dict[str, str | None] = {name: conf[SECTION][name] for name in ("cloud", *AUTH, *REST)}
        self._connections: dict[int, Connection] = {}
        if mistakes := list(_mistakes(self._given)):
            raise ValueError("\n".join(mistakes))

    @property
    def connection(self) -> Connection:
        """Logged in, to a project. Raises OpenStackError when that cannot be."""
        process = os.getpid()  # two processes must not read answers from the same socket
        if process not in self._connections:
            self._connections[process] = self._log_in()
        return self._connections[process]

    @property
    def project_id(self) -> str:
        """The project that is logged in to: nothing else is listed, and everything is restored there."""
        return str(self.connection.current_project_id)

    def _log_in(self) -> Connection:
        try:
            from embank_plugins.openstack.login import log_in
        except ImportError as error:
            raise OpenStackError(
                f"OpenStack needs openstacksdk: pip install 'embank[openstack]' ({error})"
            ) from error
        return log_in(connect_arguments(self._given, os.environ), origin(self._given, os.environ))


def connect_arguments(given: Mapping[str, str | None], environment: Mapping[str, str]) -> dict[str, Any]:
    """What openstacksdk is given. What the provider's file says is complete: no variable changes it."""
    auth = {name: given[name] for name in AUTH if given.get(name)}
    arguments: dict[str, Any] = {name: given[name] for name in REST if given.get(name)}
    chosen = environment.get(CHOSEN)
    cloud = chosen or given.get("cloud")
    if chosen:
        auth, arguments = {}, {}
    elif auth and not cloud:
        arguments["load_yaml_config"] = False
    if auth:
        if "application_credential_id" in auth:
            arguments["auth_type"] = "v3applicationcredential"
        else:
            auth.setdefault("user_domain_name", "Default")
            if "project_name" in auth:
                auth.setdefault("project_domain_name", "Default")
        arguments["auth"] = auth
    if cloud:
        arguments["cloud"] = cloud
    arguments["load_envvars"] = bool(cloud) or not auth  # OS_CLIENT_CONFIG_FILE counts, too
    times = {"connect_retries": CONNECT_RETRIES, "api_timeout": ANSWER_WITHIN}
    return {**times, **arguments}


def origin(given: Mapping[str, str | None], environment: Mapping[str, str]) -> str:
    """Where it is said who logs in, for a message."""
    if chosen := environment.get(CHOSEN):
        return f"the cloud {chosen!r} of clouds.yaml (--os-cloud or {CHOSEN})"
    if given.get("cloud"):
        return f"the cloud {given['cloud']!r} of clouds.yaml (cloud in [{SECTION}] of the provider's file)"
    if any(given.get(name) for name in AUTH):
        return f"the section [{SECTION}] of the provider's file"
    if named := environment.get("OS_CLOUD"):
        return f"the cloud {named!r} of clouds.yaml (OS_CLOUD)"
    if "OS_AUTH_URL" in environment:
        return "the variables OS_*"
    return "clouds.yaml"


def _mistakes(given: Mapping[str, str | None]) -> Iterator[str]:
    """Why nobody can log in with a section that says who does, and names no cloud of clouds.yaml."""
    has = {name for name, value in given.items() if value}
    scope = [name for name in SCOPE if name in has]
    if "trust_id" in has and len(scope) > 1:
        yield f"[{SECTION}] {scope[0]}: a trust is for one project: leave {scope[0]} out"
    if "cloud" in has or has.isdisjoint(AUTH):
        return
    credential = "application_credential_id" in has or "application_credential_secret" in has
    needed = ["auth_url"]
    needed += (
        ["application_credential_id", "application_credential_secret"] if credential else ["username", "password"]
    )
    if missing := [name for name in needed if name not in has]:
        yield f"[{SECTION}] has no {' and no '.join(missing)}; nothing else (OS_*, clouds.yaml) adds to this section"
    if credential and scope:
        yield f"[{SECTION}] {scope[0]}: an application credential is for one project: leave {scope[0]} out"
    if not credential and not scope:
        yield f"[{SECTION}] names no project: add project_name (and project_domain_name), project_id or trust_id"
