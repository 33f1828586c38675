"""All of Embank and its plugins, imported."""

from __future__ import annotations

import contextlib
import importlib
import pkgutil

import embank
import embank_plugins

LATE = ("jinja2", "jsonschema", "mistralclient.api.client", "keystoneauth1.session", "rich.live")  # within functions

for name in LATE:
    importlib.import_module(name)
for package in (embank, embank_plugins):
    for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        if not module.name.endswith("__main__"):
            with contextlib.suppress(ImportError):  # what Mistral's executors have, and we have not
                importlib.import_module(module.name)
