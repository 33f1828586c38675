"""The example in a cloud: built, protected, restored in another project, lost, restored where it was, deleted."""

from __future__ import annotations

import hashlib
import json
import os
import runpy
import shutil
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import openstack
import pytest

pytestmark = pytest.mark.openstack
EMBANK = Path(sys.executable).parent / "embank"
HERE = Path(__file__).parent
EXAMPLE = HERE.parents[1] / "examples" / "three-tier"
PROJECT, DATABASE = "3f1c5a6e9d0b4c7f8a2e6b5d4c3f2a10", "b7f30a52-6c3e-4e0b-8f57-3a1d5c9e7f03"  # in the plan
_example = runpy.run_path(str(EXAMPLE / "build.py"))
_volumes = runpy.run_path(str(HERE / "volumes.py"))
_tenants = runpy.run_path(str(HERE.parent / "services" / "openstack_tenant.py"))
CLOUDS = "clouds.yaml"


@pytest.fixture
def flavor(openstack_services: Any) -> Iterator[str]:
    compute = openstack_services.admin.compute
    made = compute.create_flavor(name=f"tiny-{uuid.uuid4().hex[:8]}", ram=64, vcpus=1, disk=1)
    yield made.id
    compute.delete_flavor(made)


class Work:
    """A directory with the example, whose provider has an account for its bank, and clouds `here` and `there`."""

    def __init__(self, directory: Path, here: Any, there: Any, bank: Any) -> None:
        self.directory = directory / "three-tier"
        shutil.copytree(EXAMPLE, self.directory)
        provider = self.directory / "providers.d" / "three-tier.conf"
        text = provider.read_text().replace("http://10.0.0.10:5000", here.auth_url)
        for option, value in (("user", bank.user_name), ("key", bank.password), ("tenant_name", bank.project_name)):
            before, _, after = text.partition(f"bank_swift_{option} = ")
            text = f"{before}bank_swift_{option} = {value}\n{after.partition(chr(10))[2]}"
        provider.write_text(text)
        clouds = {"here": cloud_of(here, here.project_name), "there": cloud_of(here, there.project_name)}
        (self.directory / CLOUDS).write_text(json.dumps({"clouds": clouds}))

    def embank(self, *arguments: str) -> str:
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("EMBANK_", "OS_"))}
        own = {"OS_CLIENT_CONFIG_FILE": str(self.directory / CLOUDS), "OS_CLOUD": "here"}
        done = subprocess.run(
            [EMBANK, *arguments], cwd=self.directory, env=kept | own, capture_output=True, text=True, timeout=900
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def plan(self, project: str, database: str) -> None:
        file = self.directory / "plan.yaml"
        file.write_text(file.read_text().replace(PROJECT, project).replace(DATABASE, database))


def cloud_of(tenant: Any, project: str) -> dict[str, Any]:
    options = {**tenant.options, "project_name": project}
    region = options.pop("region_name")
    return {"auth": options, "region_name": region}


@pytest.fixture
def there(make_tenant: Callable[..., Any], tenant: Any, openstack_services: Any) -> Any:
    """Another project, in which the user of the first one has a role."""
    identity = openstack_services.admin.identity
    made = make_tenant()
    member = identity.find_role("member", ignore_missing=False)
    identity.assign_project_role_to_user(made.project_id, tenant.user_id, member.id)
    return made


def seen(cloud: Any) -> dict[str, Any]:
    """What there is, by names instead of ids."""
    neutron, compute, storage = cloud.network, cloud.compute, cloud.block_storage
    groups = {each.id: each.name for each in neutron.security_groups(project_id=cloud.current_project_id)}
    volumes = {each.id: each for each in storage.volumes()}
    return {
        "networks": [each.name for each in neutron.networks(project_id=cloud.current_project_id)],
        "subnets": [
            (each.name, each.cidr, each.gateway_ip, each.allocation_pools)
            for each in neutron.subnets(project_id=cloud.current_project_id)
        ],
        "routers": [each.name for each in neutron.routers(project_id=cloud.current_project_id)],
        "rules": sorted(
            (groups[each.security_group_id], each.direction, each.port_range_min, groups.get(each.remote_group_id))
            for each in neutron.security_group_rules()
            if groups[each.security_group_id] != "default" and each.direction == "ingress"
        ),
        "images": [
            (each.name, each.hash_value, each.tags, each.size)
            for each in cloud.image.images(owner=cloud.current_project_id)
        ],
        "servers": {
            server.name: {
                "status": server.status,
                "metadata": server.metadata,
                "image": cloud.image.get_image(server.image.id).name,
                "addresses": [
                    (port.name, port.fixed_ips[0]["ip_address"], [groups[each] for each in port.security_group_ids])
                    for port in neutron.ports(device_id=server.id)
                ],
                "volumes": [
                    (each.device, volumes[each.volume_id].name, volumes[each.volume_id].metadata)
                    for each in compute.volume_attachments(server)
                ],
            }
            for server in compute.servers()
        },
    }


def data_of(tenant: Any, cloud: Any, directory: Path) -> str:
    """The digest of what the first volume of the database holds, which it is taken from for that."""
    storage = cloud.block_storage
    volume = storage.find_volume("db-data", ignore_missing=False)
    cloud.compute.delete_volume_attachment(cloud.compute.find_server("db", ignore_missing=False), volume.id)
    _volumes["settled"](lambda: storage.get_volume(volume.id), "available")
    inside = type("Inside", (), {"connection": cloud})
    return hashlib.sha256(_volumes["content"](inside, volume.id, len(_example["DATA"]), directory)).hexdigest()


def test_the_example(
    openstack_services: Any, tenant: Any, there: Any, make_tenant: Callable[..., Any], flavor: str, tmp_path: Path
) -> None:
    bank = make_tenant()
    work = Work(tmp_path, tenant, there, bank)
    here = tenant.connection
    _example["build"](here, flavor)
    before = seen(here)
    data = hashlib.sha256(_example["DATA"]).hexdigest()

    work.embank("discover", "--provider", "three-tier", "-o", "resources.yaml")
    work.plan(tenant.project_id, here.compute.find_server("db").id)
    work.embank("compile", "protect", "plan.yaml", "--resources", "resources.yaml", "-o", "protect.yaml")
    work.embank("run", "protect.yaml")
    assert seen(here) == before
    assert list(here.block_storage.snapshots()) == []
    listed = work.embank("checkpoint", "list", "--provider", "three-tier", "-f", "json")
    ((id_, status),) = [(each["id"], each["status"]) for each in json.loads(listed)]
    assert status == "available"

    given = ("--provider", "three-tier", "--checkpoint", id_)
    work.embank("compile", "verify", *given, "-o", "verify.yaml")
    work.embank("run", "verify.yaml")
    work.embank("compile", "restore", *given, "-o", "restore.yaml")
    work.embank("run", "restore.yaml", "--os-cloud", "there")
    assert seen(connection(work, "there")) == before
    assert seen(here) == before

    _tenants["lose_resources"](openstack_services.admin, tenant)
    work.embank("run", "restore.yaml")
    again = connection(work, "here")
    assert seen(again) == before
    assert data_of(tenant, again, tmp_path) == data

    work.embank("compile", "delete", *given, "-o", "delete.yaml")
    work.embank("run", "delete.yaml")
    assert list(again.block_storage.backups()) == []
    assert list(bank.connection.object_store.objects("three-tier")) == []


def connection(work: Work, cloud: str) -> Any:
    given = json.loads((work.directory / CLOUDS).read_text())["clouds"][cloud]
    return openstack.connect(**given, load_yaml_config=False, load_envvars=False)
