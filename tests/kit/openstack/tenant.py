"""Keystone projects for tests: their users, and how these log in."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import openstack
from oslo_config import cfg

DOMAIN = "Default"


@dataclass(frozen=True)
class Tenant:
    """A Keystone project, and a user with roles in it."""

    auth_url: str
    region: str
    project_id: str
    project_name: str
    user_id: str
    user_name: str
    password: str
    directory: Path

    @cached_property
    def connection(self) -> Any:
        """As the user, an `openstack.connection.Connection`."""
        return self.connect()

    def connect(self, **arguments: Any) -> Any:
        """A new connection as the user, such as `connect(region_name=proxy.region)`."""
        auth = {
            "auth_url": self.auth_url,
            "username": self.user_name,
            "password": self.password,
            "project_name": self.project_name,
            "user_domain_name": DOMAIN,
            "project_domain_name": DOMAIN,
        }
        given = {"region_name": self.region, "load_yaml_config": False, "load_envvars": False, **arguments}
        return openstack.connect(auth=auth, **given)

    @property
    def options(self) -> dict[str, str]:
        """Those of [openstack] that log in as the user."""
        return {
            "auth_url": self.auth_url,
            "username": self.user_name,
            "password": self.password,
            "user_domain_name": DOMAIN,
            "project_name": self.project_name,
            "project_domain_name": DOMAIN,
            "region_name": self.region,
        }

    @property
    def section(self) -> str:
        """The text of [openstack] in a provider's configuration file."""
        return section("openstack", self.options)

    def conf(self, *kinds: type[Any], **sections: Mapping[str, object]) -> cfg.ConfigOpts:
        """What these classes get: their options, [openstack] as the user, and `section={"option": value}`.

        A value of None takes an option of [openstack] away, a list repeats an option.
        """
        values = {"openstack": self.options, **sections}
        values["openstack"] = {**self.options, **sections.get("openstack", {})}
        file = self.directory / f"provider-{uuid.uuid4().hex[:8]}.conf"
        file.write_text("".join(section(name, options) for name, options in values.items()))
        conf = cfg.ConfigOpts()
        conf.register_opt(cfg.StrOpt("here", default=str(self.directory)))
        for kind in kinds:
            for name, options in kind.options().items():
                conf.register_opts(options, group=name)
        conf([], default_config_files=[str(file)], default_config_dirs=[], use_env=False)
        return conf


def section(name: str, options: Mapping[str, object]) -> str:
    """As text for a configuration file; oslo.config expands $."""
    lines = [f"[{name}]"]
    for key, value in options.items():
        values = value if isinstance(value, list | tuple) else [] if value is None else [value]
        lines += [f"{key} = {str(each).replace('$', '$$')}" for each in values]
    return "\n".join(lines) + "\n"
