"""What the tests' OpenStack has before its first start: schemas, keys, accounts, the catalogue."""

from __future__ import annotations

import grp
import os
import pwd
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import openstack

from kit.openstack.site import Site

ADMINISTRATOR = {
    "username": "admin",
    "password": "admin",
    "project_name": "admin",
    "user_domain_name": "Default",
    "project_domain_name": "Default",
}
SERVICES = ("glance", "cinder", "nova", "placement", "neutron", "swift")
INTERFACES = ("public", "internal", "admin")


def log_in(auth_url: str, region: str) -> Any:
    """An `openstack.connection.Connection` as the administrator."""
    auth = {"auth_url": auth_url, **ADMINISTRATOR}
    return openstack.connect(auth=auth, region_name=region, load_yaml_config=False, load_envvars=False)


def create_schemas(site: Site, run: Callable[..., None], region: str) -> None:
    """All databases' tables, two or three at a time; Keystone's keys, administrator and roles; Nova's cells."""

    def manage(service: str, program: str, *steps: tuple[object, ...], file: str = "") -> None:
        configuration = site.home / service / (file or f"{service}.conf")
        for step in steps:
            run(program, "--config-file", configuration, *step)

    def keystone() -> None:
        url = site.url("keystone")
        urls = [word for name in INTERFACES for word in (f"--bootstrap-{name}-url", url)]
        account = ("--bootstrap-password", ADMINISTRATOR["password"], "--bootstrap-region-id", region)
        user, group = pwd.getpwuid(os.geteuid()).pw_name, grp.getgrgid(os.getegid()).gr_name
        owner = ("--keystone-user", user, "--keystone-group", group)
        manage(
            "keystone", "keystone-manage", ("db_sync",), ("fernet_setup", *owner), ("credential_setup", *owner),
            ("bootstrap", *account, *urls),
        )  # fmt: skip

    def nova() -> None:
        # Templates that are filled in with what nova.conf says: the next run has other ports.
        database = "{scheme}://{username}@/%s?{query}"
        broker = "{scheme}://{username}:{password}@{hostname}:{port}/"
        manage(
            "nova", "nova-manage", ("api_db", "sync"),
            ("cell_v2", "map_cell0", "--database_connection", database % "nova_cell0"),
            ("cell_v2", "create_cell", "--name=cell1", "--transport-url", broker,
             "--database_connection", database % "nova"),
            ("db", "sync"),
        )  # fmt: skip

    jobs: list[Callable[[], None]] = [
        nova,
        lambda: manage("neutron", "neutron-db-manage", ("upgrade", "heads")),
        keystone,
        lambda: manage("cinder", "cinder-manage", ("db", "sync")),
        lambda: manage("glance", "glance-manage", ("db_sync",), file="glance-api.conf"),
        lambda: manage("placement", "placement-manage", ("db", "sync")),
    ]
    with ThreadPoolExecutor(2) as pool:
        for done in [pool.submit(job) for job in jobs]:
            done.result()


def create_accounts(admin: Any, region: str, catalogue: dict[str, tuple[str, str]]) -> None:
    """The services' own users, and what the catalogue offers: name: type, URL."""
    identity = admin.identity
    roles = {role.name: role.id for role in identity.roles()}
    project = identity.create_project(name="service", domain_id="default")
    for name in SERVICES:
        user = identity.create_user(name=name, password="service", domain_id="default")
        for role in ("admin", "service"):
            identity.assign_project_role_to_user(project.id, user.id, roles[role])
    offered = {service.type for service in identity.services()}
    for name, (kind, url) in catalogue.items():
        if kind not in offered:
            service = identity.create_service(name=name, type=kind)
            for interface in INTERFACES:
                identity.create_endpoint(service_id=service.id, interface=interface, url=url, region_id=region)


def move_catalogue(catalogue: dict[str, tuple[str, str]]) -> str:
    """SQL that gives the endpoints of a saved state their URLs of now."""
    return "".join(
        "UPDATE keystone.endpoint JOIN keystone.service ON service.id = endpoint.service_id "
        f"SET endpoint.url = '{url}' WHERE service.type = '{kind}';\n"
        for kind, url in catalogue.values()
    )
