"""The cloud that all OpenStack protectables and plugins of a provider work in, and as whom.

    [openstack]
    cloud = production

Without that section: what `OS_CLOUD` or the other `OS_*` variables say. `EMBANK_OS_CLOUD` (`--os-cloud`) goes
before both.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from embank_plugins.openstack import OpenStackError

if TYPE_CHECKING:
    from oslo_config import cfg

SECTION = "openstack"
CHOSEN = "EMBANK_OS_CLOUD"
ANSWER_WITHIN = 120  # s
RETRIES = 4  # of a request that was not answered, or with 429 or 503; the pauses in between grow
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
    """A connection that is made when it is first needed. Threads may share it."""

    def __init__(self, conf: cfg.ConfigOpts) -> None:
        self._given = {name: conf[SECTION][name] for name in ("cloud", *AUTH, *REST)}

    @cached_property
    def connection(self) -> Any:
        """An `openstack.connection.Connection`. Raises OpenStackError when nobody could log in with it."""
        try:
            import openstack
            from keystoneauth1.exceptions import ClientException
            from openstack.exceptions import SDKException
        except ImportError as error:
            raise OpenStackError(
                f"OpenStack needs openstacksdk: pip install 'embank[openstack]' ({error})"
            ) from error
        try:
            connection = openstack.connect(**connect_arguments(self._given, os.environ))
            connection.authorize()
        except (ClientException, SDKException) as error:
            raise OpenStackError(f"cannot log in to OpenStack: {error}") from error
        return connection


def connect_arguments(given: Mapping[str, str | None], environment: Mapping[str, str]) -> dict[str, Any]:
    """What `openstack.connect` is given. What the provider's file says is complete: no variable changes it."""
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
    times = {"connect_retries": RETRIES, "status_code_retries": RETRIES, "api_timeout": ANSWER_WITHIN}
    return {**times, **arguments, "app_name": "embank"}
