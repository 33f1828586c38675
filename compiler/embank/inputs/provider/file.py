"""The [provider] section of a provider file (docs/reference.md, "Protection Provider Configuration").

Reading it loads no plugin: a command that uses one provider pays for, and hears of, that one only.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from embank.diagnostics import Diagnostic, Place, Related, Severity, did_you_mean, has_errors
from embank.inputs.provider.conf import Assignment, Conf, read_conf
from embank.inputs.provider.options import PROVIDER, repeated

SINGLE = ("name", "id", "description", "bank", "enabled")
KNOWN = (*SINGLE, "plugin")
NEEDED = ("name", "id", "bank", "plugin")
ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
ID_RULE = "an id is letters, digits, '-', '_' and '.', begins with a letter or digit, and has at most 100 of them"


@dataclass(frozen=True)
class ProviderFile:
    """What a file says of its provider. What is missing is empty; `problems` says what is wrong."""

    file: str
    conf: Conf = field(repr=False)
    id: str = ""
    name: str = ""
    description: str = ""
    enabled: bool = True
    bank: Assignment | None = None
    plugins: tuple[Assignment, ...] = ()
    problems: tuple[Diagnostic, ...] = ()

    @property
    def has_section(self) -> bool:
        """There is a section [provider] at all."""
        return PROVIDER in dict(self.conf.sections)

    @property
    def place(self) -> Place:
        """Where the provider's section begins."""
        return dict(self.conf.sections).get(PROVIDER, Place(self.file))

    def place_of(self, key: str) -> Place:
        """Where a key of [provider] stands."""
        given = self.conf.last(PROVIDER, key)
        return given.place if given else self.place


def read_provider_file(path: Path) -> ProviderFile:
    """Read one file. Raises nothing: what is wrong is in `problems`."""
    conf = read_conf(path)
    problems = conf.problems if has_errors(conf.problems) else tuple(_problems(conf))
    return ProviderFile(
        file=conf.file,
        conf=conf,
        id=_text(conf, "id"),
        name=_text(conf, "name"),
        description=_text(conf, "description"),
        enabled=_boolean(_text(conf, "enabled")) is not False,
        bank=conf.last(PROVIDER, "bank"),
        plugins=tuple(given for given in conf.all(PROVIDER, "plugin") if given.value),
        problems=problems,
    )


def same_ids(files: Sequence[ProviderFile]) -> Iterator[Diagnostic]:
    """Providers that claim an id or a name that an earlier file has."""
    ids: dict[str, ProviderFile] = {}
    names: dict[str, ProviderFile] = {}
    for file in files:
        if file.id and (first := ids.setdefault(file.id, file)) is not file:
            related = (Related(first.place_of("id"), "first given here"),)
            message = f"the id {file.id} belongs to another provider already"
            hint = "give one of them an id of its own: checkpoints are found by it"
            yield Diagnostic("EMB217", message, file.place_of("id"), hint, related)
        elif file.name and (first := names.setdefault(file.name, file)) is not file:
            related = (Related(first.place_of("name"), "first given here"),)
            message = f"another provider is named {file.name!r}, too"
            hint = "use their ids to tell them apart"
            yield Diagnostic("EMB218", message, file.place_of("name"), hint, related, Severity.WARNING)


def _problems(conf: Conf) -> Iterator[Diagnostic]:
    sections = dict(conf.sections)
    if PROVIDER not in sections:
        close = next((section for section in sections if did_you_mean(section, [PROVIDER])), None)
        hint = f"is [{close}] meant to be it?" if close else "begin with [provider], as providers.d/local.conf does"
        yield Diagnostic("EMB213", "the file has no section [provider]", Place(conf.file, 1), hint)
        return
    for given in conf.assignments:
        if given.section == PROVIDER and given.key not in KNOWN:
            hint = did_you_mean(given.key, KNOWN) or f"known here: {', '.join(KNOWN)}"
            yield Diagnostic("EMB214", f"[provider] has no key {given.key}", given.place, hint)
    yield from repeated(conf, [(PROVIDER, key) for key in SINGLE])
    yield from _missing(conf, sections[PROVIDER])
    yield from _values(conf)


def _missing(conf: Conf, place: Place) -> Iterator[Diagnostic]:
    for key in NEEDED:
        given = conf.all(PROVIDER, key)
        empty = [each for each in given if not each.value]
        if not given:
            hint = f"add `{key} = …`"
            if key == "id":
                hint = "add `id = …`; python3 -c 'import uuid; print(uuid.uuid4())' makes one"
            yield Diagnostic("EMB213", f"[provider] has no {key}", place, hint)
        for each in empty:
            yield Diagnostic("EMB213", f"{key} in [provider] is empty", each.place, f"write `{key} = …`")


def _values(conf: Conf) -> Iterator[Diagnostic]:
    given = conf.last(PROVIDER, "id")
    if given and given.value and not ID.fullmatch(given.value):
        yield Diagnostic("EMB216", f"{given.value!r} cannot be a provider's id", given.place, ID_RULE)
    given = conf.last(PROVIDER, "name")
    if given and not given.value.isprintable():
        yield Diagnostic(
            "EMB216", f"{given.value!r} cannot be a provider's name", given.place, "use one line of text"
        )
    given = conf.last(PROVIDER, "enabled")
    if given and _boolean(given.value) is None:
        yield Diagnostic("EMB216", f"enabled is {given.value!r}", given.place, "write true or false")
    seen: dict[str, Assignment] = {}
    for plugin in conf.all(PROVIDER, "plugin"):
        if plugin.value and (first := seen.setdefault(plugin.value, plugin)) is not plugin:
            related = (Related(first.place, "first given here"),)
            yield Diagnostic("EMB215", f"the plugin {plugin.value} is given twice", plugin.place, "", related)


def _text(conf: Conf, key: str) -> str:
    given = conf.last(PROVIDER, key)
    return given.value if given else ""


def _boolean(text: str) -> bool | None:
    from oslo_config import types

    try:
        return bool(types.Boolean()(text))
    except ValueError:
        return None
