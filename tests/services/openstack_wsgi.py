"""An API of OpenStack under waitress: `openstack_wsgi.py NAME PORT MODULE [ARGUMENT…]`."""

import importlib
import sys

name, port, module = sys.argv[1:4]
sys.argv = [name, *sys.argv[4:]]  # what the module reads
application = importlib.import_module(module).application

import waitress  # noqa: E402  # Nova patches what it uses

waitress.serve(
    application, host="127.0.0.1", port=int(port), threads=8, ident=None, channel_timeout=600,
    max_request_body_size=64 << 30, clear_untrusted_proxy_headers=False,
)  # fmt: skip
