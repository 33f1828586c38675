"""`embank plugin list|show`: what is installed, whatever providers use."""

from __future__ import annotations

import argparse
from typing import Any

from cliff.lister import Lister
from cliff.show import ShowOne

from embank.cli.app import EmbankCommand
from embank.cli.columns import Text, Words
from embank.cli.report import need
from embank.diagnostics import did_you_mean
from embank.errors import UsageError
from embank.plugins.checks import activities
from embank.plugins.installed import PROTECTIONS, entry_points
from embank.plugins.registry import Component, find_bank, find_plugin


class PluginList(EmbankCommand, Lister):
    """`embank plugin list`: protection plugins and banks, with the paths that provider files use."""

    def take_action(self, parsed_args: argparse.Namespace) -> tuple[tuple[str, ...], list[tuple[Any, ...]]]:
        """A row an entry point; a broken one says so."""
        rows: list[tuple[Any, ...]] = []
        for name in entry_points(PROTECTIONS):
            component, problem = _find(name)
            if component is None:
                rows.append((Text(f"{PROTECTIONS}.{name}"), "broken", "", Text(problem)))
            else:
                types = getattr(component.loaded, "resource_types", ())
                rows.append((Text(component.path), component.kind, component.version, Text(", ".join(types))))
        return ("path", "kind", "version", "resource types"), rows


class PluginShow(EmbankCommand, ShowOne):
    """`embank plugin show`: the activities and options of one."""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """The options."""
        parser = super().get_parser(prog_name)
        parser.add_argument("plugin", metavar="PLUGIN", help=f"its name, with or without {PROTECTIONS}.")
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> tuple[tuple[str, ...], tuple[Any, ...]]:
        """What its class says, without any configuration."""
        name = parsed_args.plugin.removeprefix(f"{PROTECTIONS}.")
        if name not in entry_points(PROTECTIONS):
            hint = did_you_mean(name, entry_points(PROTECTIONS)) or "`embank plugin list` lists them"
            raise UsageError(f"there is no plugin {name!r}; {hint}")
        component, _ = _find(name)
        if component is None:
            need(find_plugin(f"{PROTECTIONS}.{name}"))
            raise AssertionError("unreachable: the plugin was broken a moment ago")
        options = [
            f"[{section}] {option.name}: {option.help or ''}".rstrip(": ")
            for section, declared in component.options.items()
            for option in declared
        ]
        facts: dict[str, Any] = {
            "path": Text(component.path),
            "kind": component.kind,
            "version": component.version,
            "description": Text((component.loaded.__doc__ or "").strip().split("\n")[0]),
        }
        if component.kind != "bank":
            facts["resource types"] = Words(component.loaded.resource_types)
            facts["activities"] = Words(
                [
                    f"{operation} {phase}: {spec.description}" + (f" (closes {spec.closes})" if spec.closes else "")
                    for operation, specs in activities(component.loaded).items()
                    for phase, spec in specs.items()
                ]
            )
        facts["options"] = Words(options)
        return tuple(facts), tuple(facts.values())


def _find(name: str) -> tuple[Component | None, str]:
    """The plugin or bank of an entry point, or what is wrong with it."""
    path = f"{PROTECTIONS}.{name}"
    plugin = find_plugin(path)
    if plugin.value is not None:
        return plugin.value, ""
    bank = find_bank(path)
    if bank.value is not None:
        return bank.value, ""
    return None, plugin.diagnostics[0].message
