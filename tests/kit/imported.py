"""All of Embank and its plugins, imported."""

from __future__ import annotations

import contextlib
import importlib
import pkgutil

import embank
import embank_plugins

LATE = (  # within functions, or by entry points
    "cliff.formatters.json_format",
    "cliff.formatters.table",
    "cliff.formatters.value",
    "cliff.formatters.yaml_format",
    "embank_templates",
    "jinja2",
    "jsonschema",
    "keystoneauth1.session",
    "mistralclient.api.client",
    "oslo_config.cfg",
    "rich.live",
)

for name in LATE:
    importlib.import_module(name)
for package in (embank, embank_plugins):
    for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        if not module.name.endswith("__main__"):
            with contextlib.suppress(ImportError):  # what Mistral's executors have, and we have not
                importlib.import_module(module.name)
