"""From the paths in a provider file to plugins and banks that are known to be sound.

path ──► find (installed, importable) ──► check_class ──► options ──► instance ──► contract
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from embank.diagnostics import Checked, Diagnostic, Place, has_errors
from embank.model import Json, Operation
from embank.plugins.bank import Bank
from embank.plugins.checks import Activities, activities, check_class, check_schemas
from embank.plugins.contract import ProtectionPlugin
from embank.plugins.installed import PROTECTABLES, Found, entry_points, find, find_entry, summary
from embank.plugins.protectable import Protectable

if TYPE_CHECKING:
    from oslo_config import cfg

Options = Mapping[str, Sequence["cfg.Opt"]]


@dataclass(frozen=True, slots=True)
class Component:
    """A class of a bank, protection plugin or protectable, with the options that it declares by section."""

    name: str
    path: str
    version: str
    kind: str
    loaded: type[Any]
    options: Options = field(repr=False)
    place: Place | None = None


@dataclass(frozen=True, slots=True)
class LoadedPlugin:
    """A protection plugin, ready for use. `sha256` is that of its contract: what compilation depends on
    (decision FILE-1).
    """

    name: str
    path: str
    version: str
    plugin: ProtectionPlugin
    activities: Activities
    sha256: str

    @property
    def resource_types(self) -> tuple[str, ...]:
        """The types it protects."""
        return tuple(self.plugin.resource_types)


@dataclass(frozen=True, slots=True)
class LoadedBank:
    """A bank that is installed and sound. `Provider.open_bank` makes an instance of it."""

    name: str
    path: str
    version: str
    bank: type[Bank]


def find_plugin(path: str, place: Place | None = None) -> Checked[Component]:
    """The protection plugin at a path, checked as far as that goes without its configuration."""
    found = find(path, "protection plugin", ProtectionPlugin, place)
    if found.value is None:
        return Checked(None, _misplaced(found.diagnostics, path, Bank, "bank", place))
    problems = tuple(check_class(found.value.loaded, path, place))
    if has_errors(problems):
        return Checked(None, problems)
    return _component(found.value, "protection plugin", place)


def find_bank(path: str, place: Place | None = None) -> Checked[Component]:
    """The bank at a path."""
    found = find(path, "bank", Bank, place)
    if found.value is None:
        return Checked(None, _misplaced(found.diagnostics, path, ProtectionPlugin, "plugin", place))
    missing = sorted(getattr(found.value.loaded, "__abstractmethods__", ()))
    if missing:
        message = f"the bank {path} does not implement {', '.join(missing)}"
        return Checked(None, (Diagnostic("EMB204", message, place),))
    return _component(found.value, "bank", place)


def find_protectable(resource_type: str, place: Place | None = None) -> Checked[Component]:
    """The protectable of a type. No value and no diagnostics: none is installed, which is no mistake."""
    if resource_type not in entry_points(PROTECTABLES):
        return Checked(None)
    found = find_entry(PROTECTABLES, resource_type, "protectable", Protectable, place)
    if found.value is None:
        return Checked(None, found.diagnostics)
    if found.value.loaded.resource_type != resource_type:
        message = f"the protectable {found.value.path} says that its type is {found.value.loaded.resource_type!r}"
        return Checked(None, (Diagnostic("EMB205", message, place, f"let it say {resource_type!r}"),))
    return _component(found.value, "protectable", place)


def make_plugin(component: Component, conf: cfg.ConfigOpts) -> Checked[LoadedPlugin]:
    """An instance of a plugin with its configuration, and its contract."""
    made = make(component, conf)
    if made.value is None:
        return Checked(None, made.diagnostics)
    plugin: ProtectionPlugin = made.value
    try:
        parameters = {
            f"{kind}, {operation}": plugin.parameters_schema(operation, kind)
            for operation in Operation
            for kind in plugin.resource_types
        }
        saved = {f"{kind}, saved information": plugin.saved_schema(kind) for kind in plugin.resource_types}
    except Exception as error:  # somebody else's code
        return Checked(None, (_failed(component, "cannot say its schemas", error),))
    problems = tuple(check_schemas({**parameters, **saved}, component.path, component.place))
    if has_errors(problems):
        return Checked(None, problems)
    found = activities(type(plugin))
    digest = _digest(plugin.resource_types, found, parameters, saved)
    return Checked(LoadedPlugin(component.name, component.path, component.version, plugin, found, digest))


def make(component: Component, conf: cfg.ConfigOpts) -> Checked[Any]:
    """An instance of any component with its configuration.

    A ValueError is a list of mistakes in the configuration, a line for each, best `[section] key = value: why`.
    """
    try:
        return Checked(component.loaded(conf))
    except ValueError as error:
        mistakes = [line.strip() for line in str(error).splitlines() if line.strip()] or [summary(error)]
        return Checked(None, tuple(_mistake(component, line) for line in mistakes))
    except Exception as error:  # somebody else's code
        return Checked(None, (_failed(component, "cannot be set up", error),))


def _component(found: Found, kind: str, place: Place | None) -> Checked[Component]:
    try:
        options = {section: tuple(declared) for section, declared in found.loaded.options().items()}
    except Exception as error:  # somebody else's code
        message = f"the {kind} {found.path} cannot say its options: {summary(error)}"
        return Checked(None, (Diagnostic("EMB202", message, place),))
    return Checked(Component(found.name, found.path, found.version, kind, found.loaded, options, place))


def _failed(component: Component, what: str, error: Exception) -> Diagnostic:
    message = f"the {component.kind} {component.path} {what}: {summary(error)}"
    return Diagnostic("EMB202", message, component.place, "check its section in the provider file")


def _mistake(component: Component, line: str) -> Diagnostic:
    message = line if line.startswith("[") else f"the {component.kind} {component.path} cannot be set up: {line}"
    return Diagnostic("EMB216", message, component.place)


def _misplaced(
    problems: tuple[Diagnostic, ...], path: str, other: type[Any], key: str, place: Place | None
) -> tuple[Diagnostic, ...]:
    """Say so when a bank is given as a plugin, or the other way round."""
    if not any(problem.code == "EMB204" for problem in problems) or find(path, "", other, place).value is None:
        return problems
    hint = f"it belongs behind `{key} =`"
    return tuple(Diagnostic(problem.code, problem.message, problem.place, hint) for problem in problems)


def _digest(types: Sequence[str], found: Activities, parameters: Json, saved: Json) -> str:
    contract = {
        "types": list(types),
        "activities": {
            operation: {phase: [spec.description, spec.closes] for phase, spec in specs.items()}
            for operation, specs in found.items()
        },
        "parameters": parameters,
        "saved": saved,
    }
    return hashlib.sha256(json.dumps(contract, sort_keys=True, default=dict).encode()).hexdigest()
