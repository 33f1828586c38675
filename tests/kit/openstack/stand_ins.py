"""Programs that stand in for the system's where the tests' OpenStack would change the machine, by path."""

# The first two go before the system's on PATH. Cinder asks for root's rights for all that it does with files, and
# mounts its share before each time; the directory is there, and whoever started this may write into it.
PROGRAMS = {
    "bin/sudo": """\
#!/bin/sh
[ "$1" != -n ] || shift
case "$1" in *rootwrap) shift 2 ;; esac
exec "$@"
""",
    "bin/mount": "#!/bin/sh\nexit 0\n",
    "bin/mount.nfs": "#!/bin/sh\nexit 0\n",
    # How Neutron finds openstack_ports.py.
    "site/embank_services-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: embank-services\nVersion: 1.0\n",
    "site/embank_services-1.0.dist-info/entry_points.txt": (
        "[neutron.ml2.mechanism_drivers]\nat_once = openstack_ports:AtOnce\n"
    ),
}
