"""From a provider file to a provider: its plugins, protectables and bank found, configured and checked."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING

from embank.diagnostics import Checked, Diagnostic, Related, has_errors
from embank.inputs.provider.conf import normal_section
from embank.inputs.provider.file import ProviderFile
from embank.inputs.provider.options import Declared, configure, without
from embank.model import Json
from embank.plugins import Bank, BankError, Protectable
from embank.plugins.installed import PROTECTABLES, entry_points, summary
from embank.plugins.registry import (
    Component,
    LoadedBank,
    LoadedPlugin,
    find_bank,
    find_plugin,
    find_protectable,
    make,
    make_plugin,
)

if TYPE_CHECKING:
    from oslo_config import cfg

MISTAKE = re.compile(r"\[([^\]]+)\] (\w+)(?: = )?(.*)", re.DOTALL)


@dataclass(frozen=True)
class Provider:
    """A provider that can be used. `plugins` is by resource type; `sha256` digests its file without secrets
    (decision FILE-2).

    `protectables` are those that are installed for the types that it has plugins for, and for their dependents.
    """

    id: str
    name: str
    description: str
    enabled: bool
    file: str
    sha256: str
    bank: LoadedBank
    plugins: Mapping[str, LoadedPlugin]
    protectables: tuple[Protectable, ...]
    _open_bank: Callable[[], Bank] = field(repr=False, compare=False)
    _secrets: tuple[str, ...] = field(repr=False, compare=False)

    def open_bank(self) -> Bank:
        """An instance of the bank, with its configuration. Raises BankError."""
        return self._open_bank()

    def on(self, bank: Bank) -> Provider:
        """The same provider, with this bank in the place of its own: one in memory, say, or one around it."""
        return replace(self, _open_bank=lambda: bank)

    def without_secrets(self, text: str) -> str:
        """A text that a plugin wrote, such as an exception's, without the secrets of the provider file."""
        return without(text, self._secrets)

    def saved_schema(self, resource_type: str) -> Mapping[str, Json] | None:
        """The schema of the information that the plugin of a type saves; None when there is no such plugin."""
        plugin = self.plugins.get(resource_type)
        return plugin.plugin.saved_schema(resource_type) if plugin else None


def load(file: ProviderFile) -> Checked[Provider]:
    """The provider of a file, and everything that is wrong with it. No value when anything is."""
    if has_errors(file.conf.problems) or not file.has_section:
        return Checked(None, file.problems)
    parts = _Parts(file)
    problems = (*file.problems, *parts.problems)
    if has_errors(problems) or parts.bank is None or parts.bank_values is None:
        return Checked(None, problems)
    bank, values, secrets = parts.bank, parts.bank_values, parts.secrets
    provider = Provider(
        id=file.id,
        name=file.name,
        description=file.description,
        enabled=file.enabled,
        file=file.file,
        sha256=_digest(file, parts.declared),
        bank=LoadedBank(bank.name, bank.path, bank.version, bank.loaded),
        plugins=MappingProxyType(parts.plugins),
        protectables=tuple(parts.protectables),
        _open_bank=lambda: _open(bank, values, secrets),
        _secrets=secrets,
    )
    return Checked(provider, problems)


class _Parts:
    """The components of a provider while they are put together, and what went wrong."""

    def __init__(self, file: ProviderFile) -> None:
        self.plugins: dict[str, LoadedPlugin] = {}
        self.protectables: list[Protectable] = []
        self.bank_values: cfg.ConfigOpts | None = None
        self._found: list[Diagnostic] = []
        self._conf = file.conf
        self._file = file
        self.bank = self._keep(find_bank(file.bank.value, file.bank.place)) if file.bank and file.bank.value else None
        paths = {given.value: given.place for given in reversed(file.plugins)}
        plugins = [self._keep(find_plugin(given, place)) for given, place in reversed(paths.items())]
        protectables = self._protectables(list(filter(None, plugins)))
        components = list(filter(None, (self.bank, *plugins, *protectables)))
        everything_found = not self._found
        self.declared = Declared(components)
        self.secrets = self.declared.secrets(self._conf)
        self._found.extend(_claims(list(filter(None, plugins))))
        self._found.extend(self.declared.repeated(self._conf))
        # A section that nobody knows may be that of the plugin that could not be loaded.
        if everything_found:
            self._found.extend(self.declared.unknown(self._conf))
        for component in components:
            self._set_up(component)

    def _protectables(self, plugins: list[Component]) -> list[Component | None]:
        """Those of the types that are protected, and those of possible dependents of these. A dependent without a
        plugin has to show in the resource graph: "every Protectable must have a corresponding Protection Plugin"
        (decision INPUT-2).
        """
        places = {kind: plugin.place for plugin in plugins for kind in plugin.loaded.resource_types}
        own = [self._keep(find_protectable(kind, place)) for kind, place in places.items()]
        others = (find_protectable(kind).value for kind in entry_points(PROTECTABLES) if kind not in places)
        return own + [other for other in others if other and not places.keys().isdisjoint(other.loaded.parent_types)]

    @property
    def problems(self) -> tuple[Diagnostic, ...]:
        """What went wrong, once each (two components may share an option), without secrets."""
        return tuple(dict.fromkeys(self._discreet(problem) for problem in self._found))

    def _discreet(self, problem: Diagnostic) -> Diagnostic:
        """A plugin's own exception may quote a secret, and so may the line that a problem is shown at."""
        line = (problem.place or self._file.place).line
        hidden = self.declared.may_be_secret(self._conf, line)
        return replace(problem, message=without(problem.message, self.secrets), secret=problem.secret or hidden)

    def _keep(self, found: Checked[Component]) -> Component | None:
        self._found.extend(found.diagnostics)
        return found.value

    def _set_up(self, component: Component) -> None:
        configured = configure(component, self._conf)
        self._found.extend(configured.diagnostics)
        if configured.value is None:
            return
        if component.kind == "bank":
            self.bank_values = configured.value
        elif component.kind == "protectable":
            made = make(component, configured.value)
            self._found.extend(self._placed(made.diagnostics))
            if made.value is not None:
                self.protectables.append(made.value)
        else:
            plugin = make_plugin(component, configured.value)
            self._found.extend(self._placed(plugin.diagnostics))
            if plugin.value is not None:
                self.plugins.update(dict.fromkeys(plugin.value.resource_types, plugin.value))

    def _placed(self, problems: tuple[Diagnostic, ...]) -> Iterator[Diagnostic]:
        """What a plugin says of `[section] key = value` is said at that line."""
        for problem in problems:
            match = MISTAKE.match(problem.message) if problem.code == "EMB216" else None
            given = self._conf.all(normal_section(match[1]), match[2]) if match else ()
            said = match[3] if match else ""
            meant = [each for each in given if said.startswith(f"{each.value}:")]
            # The value may have been substituted: then its first word must do.
            like = [each for each in given if said.split(maxsplit=1)[:1] == each.value.split(maxsplit=1)[:1]]
            yield replace(problem, place=(meant or like or given)[-1].place) if given else problem


def _claims(plugins: list[Component]) -> Iterator[Diagnostic]:
    """Two plugins for one type: which of them would be used?"""
    owners: dict[str, Component] = {}
    for plugin in plugins:
        for kind in plugin.loaded.resource_types:
            owner = owners.setdefault(kind, plugin)
            if owner is not plugin:
                related = (Related(owner.place, owner.path),) if owner.place else ()
                message = f"{plugin.path} protects {kind}, like another plugin here"
                yield Diagnostic("EMB219", message, plugin.place, "keep one of them", related)


def _open(bank: Component, values: cfg.ConfigOpts, secrets: tuple[str, ...]) -> Bank:
    try:
        opened: Bank = bank.loaded(values)
    except Exception as error:  # somebody else's code
        message = str(error) if isinstance(error, BankError) else f"the bank cannot be opened: {summary(error)}"
        raise BankError(f"{bank.path}: {without(message, secrets)}") from None
    return opened


def _digest(file: ProviderFile, declared: Declared) -> str:
    facts = {
        "id": file.id,
        "name": file.name,
        "bank": file.bank.value if file.bank else "",
        "plugins": sorted(given.value for given in file.plugins),
        "options": declared.public(file.conf),
    }
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()
