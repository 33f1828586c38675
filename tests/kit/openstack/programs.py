"""What runs in the tests' OpenStack, and how it is started: `programs(site)` is the table, by name."""

from __future__ import annotations

import os

from kit.openstack.environment import PROGRAMS
from kit.openstack.processes import Program
from kit.openstack.site import Site


def programs(site: Site) -> dict[str, Program]:
    """All but MariaDB and RabbitMQ, in the order in which they are started."""
    run = site.environment / "bin"
    cinder = ("--config-file", site.home / "cinder" / "cinder.conf")
    nova = ("--config-file", site.home / "nova" / "nova.conf")

    def api(name: str, module: str, *arguments: object, **environment: object) -> Program:
        command = (run / "python", PROGRAMS / "openstack_wsgi.py", name, site.ports[name], module, *arguments)
        url = f"http://127.0.0.1:{site.ports[name]}/"
        return Program(command, {key: str(value) for key, value in environment.items()}, url)

    swift = (
        run / "python",
        PROGRAMS / "swift_server.py",
        site.home / "swift",
        site.ports["swift-proxy"],
        os.getpid(),
    )
    return {
        "keystone": api(
            "keystone", "keystone.wsgi.api", OS_KEYSTONE_CONFIG_FILES=site.home / "keystone" / "keystone.conf"
        ),
        "swift-proxy": Program(swift, url=f"http://127.0.0.1:{site.ports['swift-proxy']}/healthcheck"),
        "glance": api(
            "glance",
            "glance.wsgi.api",
            OS_GLANCE_CONFIG_FILES=site.home / "glance" / "glance-api.conf",
            OS_GLANCE_CONFIG_DIR=site.home / "glance",
        ),
        "placement": api("placement", "placement.wsgi.api", OS_PLACEMENT_CONFIG_DIR=site.home / "placement"),
        "neutron": api(
            "neutron",
            "neutron.wsgi.api",
            OS_NEUTRON_CONFIG_DIR=site.home / "neutron",
            OS_NEUTRON_CONFIG_FILES="neutron.conf",
            PYTHONPATH=site.home / "site",
        ),
        "cinder-api": api("cinder-api", "cinder.wsgi.api", *cinder),
        "nova-api": api(
            "nova-api",
            "nova.wsgi.osapi_compute",
            OS_NOVA_CONFIG_DIR=site.home / "nova",
            OS_NOVA_CONFIG_FILES=f"{site.environment}/etc/nova/api-paste.ini;nova.conf",
        ),
        "cinder-scheduler": Program((run / "cinder-scheduler", *cinder)),
        "cinder-volume": Program((run / "cinder-volume", *cinder)),
        "cinder-backup": Program((run / "cinder-backup", *cinder)),
        "nova-conductor": Program((run / "nova-conductor", *nova)),
        "nova-scheduler": Program((run / "nova-scheduler", *nova)),
        "nova-compute": Program(
            (run / "python", PROGRAMS / "openstack_compute.py", *nova), {"EMBANK_VOLUMES": str(site.volumes)}
        ),
    }
