"""The example at work in a cloud, for tests: built, discovered and compiled; what there is of it, here and there."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import openstack

from kit.openstack import volumes
from kit.openstack.environment import ROOT
from kit.openstack.removal import lose_resources
from kit.openstack.tenant import Tenant, section

EMBANK = Path(sys.executable).parent / "embank"
EXAMPLE = ROOT / "examples" / "three-tier"
PROJECT, DATABASE = "3f1c5a6e9d0b4c7f8a2e6b5d4c3f2a10", "b7f30a52-6c3e-4e0b-8f57-3a1d5c9e7f03"  # in the plan
TYPES = (
    "OS::Keystone::Project",
    "OS::Nova::Server",
    "OS::Cinder::Volume",
    "OS::Glance::Image",
    "OS::Neutron::Network",
)
# Asked often, since the volumes are small; and by the timeout Mistral comes to know that an executor is lost.
POLICY = "{timeout: 45, poll_interval: 1, retry: {count: 3, delay: 1}}"
CLOUDS = "clouds.yaml"
PATIENCE = 300  # s
NAME, ID = "three-tier", "6a8f2c0e-5b1d-4a55-9b57-0d6f4e3f9c11"  # of the provider
OTHER = "three-tier-there"  # the provider with the same bank, for the other project
OTHER_ID = "9d2b7a14-3c55-4f0e-8a61-77b0c4d1e2f3"


class Work:
    """A directory with the example, whose provider has an account for its bank, and clouds `here` and `there`: two
    projects of one user's. No provider file says who logs in to them.
    """

    def __init__(self, directory: Path, here: Tenant, there: Tenant, bank: Tenant) -> None:
        self.here, self.there, self.bank = here, there, bank
        self.directory = directory / "three-tier"
        shutil.copytree(EXAMPLE, self.directory)
        self.providers = self.directory / "providers.d"
        provider = self.providers / f"{NAME}.conf"
        text = provider.read_text().replace("http://10.0.0.10:5000", here.auth_url)
        for option, value in (("user", bank.user_name), ("key", bank.password), ("tenant_name", bank.project_name)):
            before, _, after = text.partition(f"bank_swift_{option} = ")
            text = f"{before}bank_swift_{option} = {value}\n{after.partition(chr(10))[2]}"
        provider.write_text(text)
        (self.providers / f"{OTHER}.conf").write_text(
            text.replace(f"name = {NAME}\n", f"name = {OTHER}\n", 1).replace(ID, OTHER_ID)
        )
        clouds = {"here": self._cloud(here.project_name), "there": self._cloud(there.project_name)}
        (self.directory / CLOUDS).write_text(json.dumps({"clouds": clouds}))

    def build(self, flavor: str) -> dict[str, Any]:
        """Build the application, discover it and compile its protection: what there is of it."""
        subprocess.run([sys.executable, "build.py", flavor], cwd=self.directory, env=self._environment, check=True)
        image = self.here.connection.image.find_image("web", ignore_missing=False)
        self.data: bytes = self.here.connection.image.download_image(image).content
        self.embank("discover", "--provider", NAME, "-o", "resources.yaml")
        plan = self.directory / "plan.yaml"
        database = self.here.connection.compute.find_server("db", ignore_missing=False).id
        text = plan.read_text().replace(PROJECT, self.here.project_id).replace(DATABASE, database)
        policies = "".join(f"  {each}: {POLICY}\n" for each in TYPES)
        plan.write_text(f"{text.partition('policies:')[0]}policies:\n{policies}")
        self.embank("compile", "protect", "plan.yaml", "--resources", "resources.yaml", "-o", "protect.yaml")
        return self.seen("here")

    def embank(self, *arguments: str) -> str:
        return self.end(self.begin(*arguments))[0]

    def begin(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [EMBANK, *arguments], cwd=self.directory, env=self._environment, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip

    def end(self, process: subprocess.Popen[str]) -> tuple[str, str]:
        """What it says on stdout and stderr. It ends well."""
        try:
            out, err = process.communicate(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            out, err = process.communicate()
        assert process.returncode == 0, out + err
        return out, err

    def checkpoint(self) -> str:
        """The id of the only one, which is available."""
        listed = self.embank("checkpoint", "list", "--provider", NAME, "-f", "json")
        ((id_, status),) = [(each["id"], each["status"]) for each in json.loads(listed)]
        assert status == "available"
        return str(id_)

    def compile(self, operation: str, checkpoint: str, provider: str = NAME) -> str:
        """The file for it, which is written."""
        file = f"{operation}-{provider}.yaml"
        self.embank("compile", operation, "--provider", provider, "--checkpoint", checkpoint, "-o", file)
        return file

    def configure(self, executor: Path) -> None:
        """Put the provider files there, each with the project in which it works, and who logs in to it."""
        for name, tenant in ((NAME, self.here), (OTHER, self.there)):
            login = {**self.here.options, "project_name": tenant.project_name}
            text = (self.providers / f"{name}.conf").read_text()
            (executor / f"{name}.conf").write_text(text + section("openstack", login))

    def lose(self, admin: Any) -> None:
        """All that was protected, but for the backups."""
        lose_resources(admin, self.here)

    def connection(self, cloud: str) -> Any:
        given = json.loads((self.directory / CLOUDS).read_text())["clouds"][cloud]
        return openstack.connect(**given, load_yaml_config=False, load_envvars=False)

    def seen(self, cloud: str) -> dict[str, Any]:
        """What there is, by names instead of ids."""
        connection = self.connection(cloud)
        return {**_network(connection), **_images(connection), **_servers(connection)}

    def has_data(self, cloud: str) -> bool:
        """Whether the first volume of the database holds its data. It is taken from the database for that."""
        connection = self.connection(cloud)
        storage, compute = connection.block_storage, connection.compute
        volume = storage.find_volume("db-data", ignore_missing=False)
        compute.delete_volume_attachment(compute.find_server("db", ignore_missing=False), volume.id)
        volumes.settled(lambda: storage.get_volume(volume.id), "available")
        return volumes.content(connection, volume.id, len(self.data), self.directory) == self.data

    @property
    def _environment(self) -> dict[str, str]:
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("EMBANK_", "OS_"))}
        return {**kept, "OS_CLIENT_CONFIG_FILE": str(self.directory / CLOUDS), "OS_CLOUD": "here"}

    def _cloud(self, project: str) -> dict[str, Any]:
        options = {**self.here.options, "project_name": project}
        region = options.pop("region_name")
        return {"auth": options, "region_name": region}


def _network(cloud: Any) -> dict[str, Any]:
    neutron, own = cloud.network, {"project_id": cloud.current_project_id}
    groups = {each.id: each.name for each in neutron.security_groups(**own)}
    return {
        "networks": [each.name for each in neutron.networks(**own)],
        "subnets": [
            (each.name, each.cidr, each.gateway_ip, each.allocation_pools) for each in neutron.subnets(**own)
        ],
        "routers": [each.name for each in neutron.routers(**own)],
        "rules": sorted(
            (groups[each.security_group_id], each.direction, each.port_range_min, groups.get(each.remote_group_id))
            for each in neutron.security_group_rules()
            if groups[each.security_group_id] != "default" and each.direction == "ingress"
        ),
    }


def _images(cloud: Any) -> dict[str, Any]:
    own = cloud.image.images(owner=cloud.current_project_id)
    return {"images": [(each.name, each.hash_value, each.tags, each.size) for each in own]}


def _servers(cloud: Any) -> dict[str, Any]:
    neutron, compute = cloud.network, cloud.compute
    groups = {each.id: each.name for each in neutron.security_groups(project_id=cloud.current_project_id)}
    volumes = {each.id: each for each in cloud.block_storage.volumes()}
    return {
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
    }
