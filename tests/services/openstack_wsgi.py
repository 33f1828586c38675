"""An API of OpenStack under waitress: `openstack_wsgi.py NAME PORT MODULE [ARGUMENT…]`."""

import importlib
import sys

name, port, module = sys.argv[1:4]
sys.argv = [name, *sys.argv[4:]]  # what the module reads
application = importlib.import_module(module).application

import waitress  # noqa: E402  # Nova patches what it uses

# Connections that clients keep open count, too, and all services keep some to Keystone: at waitress's own limit, 100,
# it accepts no more until one has been idle for its time.
waitress.serve(
    application, host="127.0.0.1", port=int(port), threads=8, ident=None, channel_timeout=600,
    connection_limit=10_000, asyncore_use_poll=True,
    max_request_body_size=64 << 30, clear_untrusted_proxy_headers=False,
)  # fmt: skip
