"""New Keystone projects for tests: `temporary_tenant(cloud, …)` makes one with a user, for a while."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from kit.openstack.cloud import Cloud
from kit.openstack.removal import remove_tenant
from kit.openstack.tenant import Tenant


def create_tenant(admin: Any, region: str, directory: Path, roles: Iterable[str] = ("member",)) -> Tenant:
    """A new project with a new user; the administrator gets the role to clean it up."""
    identity = admin.identity
    name = f"test-{uuid.uuid4().hex[:8]}"
    password = uuid.uuid4().hex
    project = identity.create_project(name=name, domain_id="default")
    user = identity.create_user(name=name, password=password, domain_id="default", default_project_id=project.id)
    known = {role.name: role.id for role in identity.roles()}
    for role in roles:
        identity.assign_project_role_to_user(project.id, user.id, known[role])
    identity.assign_project_role_to_user(project.id, admin.current_user_id, known["admin"])
    auth_url = admin.config.get_auth_args()["auth_url"]
    return Tenant(auth_url, region, project.id, name, user.id, name, password, directory)


@contextlib.contextmanager
def temporary_tenant(cloud: Cloud, directory: Path, roles: Iterable[str] = ("member",)) -> Iterator[Tenant]:
    """A new project with a new user. Everything in it is deleted after the block, unless the cloud goes anyway: that
    takes longer than many a test.
    """
    tenant = create_tenant(cloud.admin, cloud.region, directory, roles)
    try:
        yield tenant
    finally:
        if not cloud.goes:
            remove_tenant(cloud.admin, tenant)
