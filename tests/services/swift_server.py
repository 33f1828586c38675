"""A whole Swift in one process: `swift_server.py HOME PORT PARENT`. For an environment with Swift.

One device, one replica; account, container and object server and a proxy with tempauth and s3api, on the loopback.
Ends on SIGTERM, and when PARENT, the id of the process that started it, is gone. What it stores stays in HOME.
"""

# ruff: noqa: E402  # nothing of this may be imported unpatched
import eventlet

eventlet.monkey_patch()

import logging
import os
import signal
import socket
import sys
from pathlib import Path

USER, KEY = "test:tester", "testing"  # of the account AUTH_test; for S3 they are access key and secret key
MAX_FILE_SIZE = 20 << 20
SWIFT = """\
[swift-hash]
swift_hash_path_prefix = embank
swift_hash_path_suffix = embank
[swift-constraints]
max_file_size = {size}
"""
SERVER = """\
[DEFAULT]
devices = {home}
swift_dir = {home}
mount_check = false
disable_fallocate = true
[pipeline:main]
pipeline = {kind}-server
[app:{kind}-server]
use = egg:swift#{kind}
allow_versions = yes
# a listing shows what was stored, however busy this machine is
container_update_timeout = 60
node_timeout = 60
conn_timeout = 60
"""
FILTERS = "catch_errors gatekeeper healthcheck listing_formats bulk copy container-quotas account-quotas slo dlo"
PROXY = """\
[DEFAULT]
swift_dir = {home}
[pipeline:main]
pipeline = catch_errors gatekeeper healthcheck cache listing_formats s3api careless tempauth bulk copy \
container-quotas account-quotas slo dlo proxy-server
[app:proxy-server]
use = egg:swift#proxy
account_autocreate = true
allow_account_management = true
node_timeout = 60
conn_timeout = 60
[filter:cache]
paste.filter_factory = swift_server:memory_cache
[filter:careless]
paste.filter_factory = swift_server:careless
[filter:tempauth]
use = egg:swift#tempauth
user_test_tester = testing .admin
user_test_reader = reading
[filter:s3api]
use = egg:swift#s3api
# no account of its own for multipart uploads
min_segment_size = 1048576
"""
PROXY += "".join(f"[filter:{name}]\nuse = egg:swift#{name.replace('-', '_')}\n" for name in FILTERS.split())


class Memory:
    """Stands in for memcached, which tempauth keeps its tokens in."""

    def __init__(self):
        self.values = {}

    def get(self, key, raise_on_error=False):
        return self.values.get(key)

    def set(self, key, value, **how):
        self.values[key] = value

    def delete(self, key, **how):
        self.values.pop(key, None)

    def incr(self, key, delta=1, **how):
        self.values[key] = int(self.values.get(key, 0)) + delta
        return self.values[key]


def memory_cache(settings, **local):
    """The filter that puts it where the others look."""
    memory = Memory()

    def wrap(application):
        def answer(environment, start):
            environment["swift.cache"] = memory
            return application(environment, start)

        return answer

    return wrap


def careless(settings, **local):
    """A filter that makes containers of this name like those of services which know no conditional put."""

    def wrap(application):
        def answer(environment, start):
            if "/careless" in environment["PATH_INFO"]:
                environment.pop("HTTP_IF_NONE_MATCH", None)
            return application(environment, start)

        return answer

    return wrap


def listen(port):
    """A socket of the loopback."""
    listening = eventlet.listen(("127.0.0.1", port), reuse_addr=True, backlog=512)
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listening


def write(file, text):
    """Unless whoever starts this has written one of their own, such as for Keystone's tokens."""
    if not file.exists():
        file.write_text(text)


def main(home, port, parent):
    write(home / "swift.conf", SWIFT.format(size=MAX_FILE_SIZE))
    logging.basicConfig(level=logging.WARNING)
    from swift.common import utils

    utils.SWIFT_CONF_FILE = str(home / "swift.conf")
    from swift.common import constraints, storage_policy
    from swift.common.ring import RingBuilder

    constraints.SWIFT_CONF_FILE = utils.SWIFT_CONF_FILE
    constraints.reload_constraints()
    utils.validate_configuration()
    storage_policy.reload_storage_policies()
    home.joinpath("disk").mkdir(exist_ok=True)
    sockets = {}
    for kind in ("account", "container", "object"):
        sockets[kind] = listen(0)
        ring = RingBuilder(2, 1, 0)
        where = {"ip": "127.0.0.1", "port": sockets[kind].getsockname()[1], "device": "disk"}
        ring.add_dev({"id": 0, "region": 1, "zone": 1, "weight": 1, **where})
        ring.rebalance()
        ring.get_ring().save(str(home / f"{kind}.ring.gz"))
        home.joinpath(f"{kind}-server.conf").write_text(SERVER.format(home=home, kind=kind))
    write(home / "proxy-server.conf", PROXY.format(home=home))
    from swift.common.wsgi import SwiftHttpProtocol, loadapp

    for kind in ("account", "container", "object", "proxy"):
        application = loadapp(str(home / f"{kind}-server.conf"), allow_modify_pipeline=kind == "proxy")
        listening = listen(port) if kind == "proxy" else sockets[kind]
        eventlet.spawn(
            eventlet.wsgi.server, listening, application, logging.getLogger("swift"), protocol=SwiftHttpProtocol,
            log_output=False, custom_pool=eventlet.GreenPool(256),
        )  # fmt: skip
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    while os.getppid() == parent:
        eventlet.sleep(1)


if __name__ == "__main__":
    import eventlet.wsgi

    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
