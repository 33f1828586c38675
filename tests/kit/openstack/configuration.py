"""What the configuration files of the tests' OpenStack say: `files(site)` gives their texts by path.

One region, one of each service, everything on the loopback and below one directory.
"""

from __future__ import annotations

from collections.abc import Mapping

from kit.openstack.site import ADDRESS, HOST, PASSWORD, REGION, SHARE, Site
from kit.openstack.stand_ins import PROGRAMS

Sections = Mapping[str, Mapping[str, object]]


def files(site: Site) -> dict[str, str]:
    """The texts of all configuration files, by path below `site.home`."""
    texts: dict[str, str | Sections] = {
        "keystone/keystone.conf": _keystone(site),
        "glance/glance-api.conf": _glance(site),
        "placement/placement.conf": _placement(site),
        "cinder/cinder.conf": _cinder(site),
        "nova/nova.conf": _nova(site),
        "neutron/neutron.conf": _neutron(site),
        "swift/swift.conf": SWIFT,
        "swift/proxy-server.conf": _swift_proxy(site),
    }
    return {path: text if isinstance(text, str) else _text(text) for path, text in texts.items()} | PROGRAMS


def _text(sections: Sections) -> str:
    return "".join(
        f"[{name}]\n" + "".join(f"{key} = {value}\n" for key, value in options.items())
        for name, options in sections.items()
    )


def _account(site: Site, user: str) -> dict[str, object]:
    """How a service logs in."""
    return {
        "auth_url": site.url("keystone"),
        "auth_type": "password",
        "username": user,
        "password": PASSWORD,
        "project_name": "service",
        "user_domain_id": "default",
        "project_domain_id": "default",
        "region_name": REGION,
    }


def _tokens(site: Site, user: str) -> dict[str, object]:
    """How a service checks the tokens of those that ask it."""
    return {
        **_account(site, user),
        "www_authenticate_uri": site.url("keystone"),
        "service_token_roles": "service",
        "service_token_roles_required": "true",
    }


def _common(site: Site, service: str, database: str = "") -> dict[str, dict[str, object]]:
    return {
        "database": {"connection": site.database(database or service), "max_pool_size": 5, "max_overflow": 10},
        "keystone_authtoken": _tokens(site, service),
        "oslo_concurrency": {"lock_path": site.home / service / "lock"},
        "oslo_messaging_notifications": {"driver": "noop"},
    }


def _keystone(site: Site) -> Sections:
    keys = site.home / "keystone"
    return {
        "database": _common(site, "keystone")["database"],
        "fernet_tokens": {"key_repository": keys / "fernet"},
        "credential": {"key_repository": keys / "credential"},
        "token": {"expiration": 86400},
        # On two cores the rest should have them.
        "identity": {"password_hash_rounds": 4},
        "cache": {"enabled": "true", "backend": "oslo_cache.dict"},
    }


def _glance(site: Site) -> Sections:
    data = site.home / "glance"
    return {
        "DEFAULT": {
            "enabled_backends": "file:file",
            "worker_self_reference_url": site.url("glance"),
        },
        "glance_store": {"default_backend": "file"},
        "file": {"filesystem_store_datadir": data / "images"},
        "os_glance_staging_store": {"filesystem_store_datadir": data / "staging"},
        "os_glance_tasks_store": {"filesystem_store_datadir": data / "tasks"},
        "paste_deploy": {
            "flavor": "keystone",
            "config_file": site.environment / "etc" / "glance" / "glance-api-paste.ini",
        },
        **_common(site, "glance"),
    }


def _placement(site: Site) -> Sections:
    common = _common(site, "placement")
    return {"placement_database": {"connection": site.database("placement")}, **common}


def _cinder(site: Site) -> Sections:
    data = site.home / "cinder"
    etc = site.environment / "etc" / "cinder"
    address, _, path = SHARE.partition(":")
    return {
        "DEFAULT": {
            "transport_url": site.broker,
            "auth_strategy": "keystone",
            "state_path": data,
            "api_paste_config": etc / "api-paste.ini",
            "resource_query_filters_file": etc / "resource_filters.json",
            "rootwrap_config": etc / "rootwrap.conf",
            "image_conversion_dir": data / "conversion",
            "my_ip": ADDRESS,
            "host": HOST,
            "enabled_backends": "nfs",
            "glance_api_servers": site.url("glance"),
            "volume_clear": "none",
            "osapi_volume_workers": 1,
            "periodic_interval": 5,
            "report_interval": 2,
            "backend_stats_polling_interval": 10,
            "backup_driver": "cinder.backup.drivers.swift.SwiftBackupDriver",
            "backup_swift_url": f"http://{ADDRESS}:{site.ports['swift-proxy']}/v1/AUTH_",
            "backup_swift_auth": "per_user",
            "backup_swift_auth_version": 3,
            "backup_swift_auth_url": site.url("keystone"),
            "backup_swift_object_size": 16 << 20,
            "backup_swift_block_size": 1 << 20,
            "backup_swift_enable_progress_timer": "false",
            "backup_compression_algorithm": "zstd",
            "backup_max_operations": 4,
            "backup_workers": 1,
        },
        "nfs": {
            # Real files through the real driver, without a server and a mount: see PROGRAMS.
            "volume_driver": "cinder.volume.drivers.nfs.NfsDriver",
            "volume_backend_name": "nfs",
            "nas_host": address,
            "nas_share_path": path,
            "nfs_mount_point_base": site.volumes,
            "nfs_snapshot_support": "true",
            "nfs_sparsed_volumes": "true",
            "nas_secure_file_operations": "false",
            "nas_secure_file_permissions": "false",
        },
        "coordination": {"backend_url": f"file://{data}/coordination"},
        "service_user": {**_account(site, "cinder"), "send_service_user_token": "true"},
        "nova": {**_account(site, "cinder"), "interface": "public"},
        "glance": _account(site, "cinder"),
        **_common(site, "cinder"),
    }


def _nova(site: Site) -> Sections:
    return {
        "DEFAULT": {
            "transport_url": site.broker,
            "state_path": site.home / "nova",
            "my_ip": ADDRESS,
            "host": HOST,
            "compute_driver": "fake.Driver",  # openstack_compute.py
            "osapi_compute_workers": 1,
            "allow_resize_to_same_host": "true",
            "report_interval": 2,
        },
        "api_database": {"connection": site.database("nova_api")},
        "conductor": {"workers": 1},
        "scheduler": {"workers": 1, "discover_hosts_in_cells_interval": 2},
        "filter_scheduler": {"track_instance_changes": "false"},
        "vnc": {"enabled": "true", "novncproxy_base_url": f"http://{ADDRESS}:1/vnc_auto.html"},
        "glance": {"api_servers": site.url("glance")},
        "service_user": {**_account(site, "nova"), "send_service_user_token": "true"},
        "placement": _account(site, "nova"),
        "neutron": _account(site, "nova"),
        "cinder": _account(site, "nova"),
        **_common(site, "nova"),
    }


def _neutron(site: Site) -> Sections:
    return {
        "DEFAULT": {
            "transport_url": "fake://",  # there are no agents
            "core_plugin": "ml2",
            "service_plugins": "router",
            "auth_strategy": "keystone",
            "state_path": site.home / "neutron",
            "api_paste_config": site.environment / "etc" / "neutron" / "api-paste.ini",
            "notify_nova_on_port_status_changes": "false",
            "notify_nova_on_port_data_changes": "false",
            "dhcp_agent_notification": "false",
            "api_workers": 1,
            "rpc_workers": 0,
        },
        "ml2": {
            "mechanism_drivers": "at_once",
            "type_drivers": "local,flat,vlan",
            "tenant_network_types": "local",
            "extension_drivers": "port_security",
        },
        "ml2_type_flat": {"flat_networks": "public"},
        **_common(site, "neutron"),
    }


SWIFT = """\
[swift-hash]
swift_hash_path_prefix = embank
swift_hash_path_suffix = embank
"""
# As Debian and OpenStack's guide have it, without memcached, and with nothing of tempauth.
SWIFT_FILTERS = (
    "catch_errors gatekeeper healthcheck listing_formats bulk tempurl authtoken keystoneauth copy container-quotas"
    " account-quotas slo dlo versioned_writes symlink"
)


def _swift_proxy(site: Site) -> str:
    filters: dict[str, dict[str, object]] = {
        name: {"use": f"egg:swift#{name.replace('-', '_')}"} for name in SWIFT_FILTERS.split()
    }
    filters["authtoken"] = {
        "paste.filter_factory": "keystonemiddleware.auth_token:filter_factory",
        "delay_auth_decision": "true",
        **_tokens(site, "swift"),
    }
    filters["keystoneauth"] |= {"operator_roles": "admin, member", "reseller_prefix": "AUTH"}
    filters["versioned_writes"] |= {"allow_versioned_writes": "true", "allow_object_versioning": "true"}
    return _text(
        {
            "DEFAULT": {"swift_dir": site.home / "swift"},
            "pipeline:main": {"pipeline": f"{SWIFT_FILTERS} proxy-server"},
            "app:proxy-server": {
                "use": "egg:swift#proxy",
                "account_autocreate": "true",
                "allow_account_management": "true",
                "node_timeout": 60,
                "conn_timeout": 60,
            },
            **{f"filter:{name}": options for name, options in filters.items()},
        }
    )
