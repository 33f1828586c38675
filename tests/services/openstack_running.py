"""An OpenStack that runs already: `Running(auth_url)`."""

from __future__ import annotations

from functools import cached_property
from typing import Any, NoReturn

import openstack
import pytest

REGION = "RegionOne"
ADMIN = {
    "username": "admin",
    "password": "admin",
    "project_name": "admin",
    "user_domain_name": "Default",
    "project_domain_name": "Default",
}


class Running:
    """Nothing of it is ours to stop."""

    region = REGION

    def __init__(self, auth_url: str) -> None:
        self.auth_url = auth_url

    @cached_property
    def admin(self) -> Any:
        """An `openstack.connection.Connection` as the administrator."""
        auth = {"auth_url": self.auth_url, **ADMIN}
        return openstack.connect(auth=auth, region_name=REGION, load_yaml_config=False, load_envvars=False)

    def stop(self, name: str) -> NoReturn:
        """Not here."""
        pytest.skip(f"{name} of a cloud that runs already is not stopped")

    kill = start = stop
