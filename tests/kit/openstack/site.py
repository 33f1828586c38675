"""Where one run of the tests' OpenStack is: its directory, its ports, its region."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from kit.ports import free_port

ADDRESS = "127.0.0.1"
REGION = "RegionOne"
PASSWORD = "service"  # of the services' own accounts
HOST = "embank"  # what Cinder and Nova call this machine
SHARE = "127.0.0.1:/share"  # Cinder's NFS share, which is a directory here
CATALOGUE = {  # service: its type and the path of its API
    "keystone": ("identity", "/v3"),
    "glance": ("image", ""),
    "cinder-api": ("block-storage", "/v3"),
    "nova-api": ("compute", "/v2.1"),
    "placement": ("placement", ""),
    "neutron": ("network", ""),
    "swift-proxy": ("object-store", "/v1/AUTH_$(project_id)s"),
}
DATABASES = ("keystone", "glance", "cinder", "nova_api", "nova", "nova_cell0", "neutron", "placement")


@dataclass(frozen=True)
class Site:
    """Where one run of the services is."""

    home: Path
    environment: Path  # with OpenStack's packages
    socket: Path  # MariaDB's
    ports: Mapping[str, int]
    broker: str = ""  # RabbitMQ's URL

    def url(self, service: str) -> str:
        """Of its API, as the catalogue has it."""
        return f"http://{ADDRESS}:{self.ports[service]}{CATALOGUE[service][1]}"

    def database(self, name: str) -> str:
        """For SQLAlchemy."""
        return f"mysql+pymysql://root@/{name}?unix_socket={self.socket}&charset=utf8mb4"

    @property
    def volumes(self) -> Path:
        """The directory of Cinder's volumes: where the share would be mounted."""
        return self.home / "cinder" / "mounts"

    @property
    def catalogue(self) -> dict[str, tuple[str, str]]:
        """Name: type and URL of each service."""
        return {name: (kind, self.url(name)) for name, (kind, _) in CATALOGUE.items()}


def new_site(home: Path, environment: Path, broker: str) -> Site:
    """With ports that nobody uses."""
    ports = {name: free_port() for name in CATALOGUE}
    return Site(home, environment, home / "mysql.sock", ports, broker)
