"""The plan file: which resources a provider is to protect, and how.

    version: 1
    name: nightly-shop
    provider: local                                     # its id or name
    resources:
      - {type: Local::SQLite, id: orders}               # exactly this resource
      - under: {type: Local::Application, id: shop}     # it and everything under it …
        exclude:                                        # … but not this, and what is only reached through it
          - {type: Local::Directory, id: cache}

`parameters` and `policies` are described in `embank.inputs.plan.settings`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from embank.diagnostics import Checked, Place
from embank.inputs import yaml
from embank.inputs.kinds import LOOKS_LIKE, Kind, kind_of
from embank.inputs.plan.settings import KEYS, Settings, read_settings
from embank.inputs.resources import read_key
from embank.inputs.shape import Shape, quoted, read_shaped, shaped
from embank.model import Json, ResourceKey

NAME = re.compile(r"[A-Za-z][A-Za-z0-9._-]{0,99}")
NAME_RULE = "a name is letters, digits, '-', '_' and '.', begins with a letter, and has at most 100 of them"


@dataclass(frozen=True, slots=True)
class Mention:
    """A resource that a plan names, and where."""

    key: ResourceKey
    place: Place


@dataclass(frozen=True, slots=True)
class Selection:
    """An entry of `resources`. `under`: everything under it, too, but for `exclude`."""

    resource: Mention
    under: bool = False
    exclude: tuple[Mention, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """A plan as the file says it. `sha256` is that of the file; `provider` is an id or a name."""

    file: str
    sha256: str
    name: str
    provider: str
    provider_place: Place
    selections: tuple[Selection, ...]
    resources_place: Place
    settings: Settings = field(repr=False)


def read_plan(file: str) -> Checked[Plan]:
    """Read a plan; `-` is stdin. Says what is wrong with the plan itself. Raises InputUnreadable."""
    return read_shaped(file, _read)


def plan_of(located: yaml.Located) -> Checked[Plan]:
    """The plan that a document holds."""
    return shaped(located, _read)


def _read(shape: Shape) -> Plan | None:
    located, document = shape.located, shape.located.value
    if (kind := kind_of(document)) and kind is not Kind.PLAN:
        shape.problem("EMB314", "this is no plan", located.place(document), LOOKS_LIKE[kind])
        return None
    shape.keys(document, ("version", "name", "provider", "resources", *KEYS), "a plan")
    shape.version()
    name = shape.value(document, "name", str, "the plan")
    if name is not None and not NAME.fullmatch(name):
        shape.problem("EMB303", f"{quoted(name)} cannot be a plan's name", located.place(document, "name"), NAME_RULE)
    provider = shape.value(document, "provider", str, "the plan")
    items = shape.value(document, "resources", list, "the plan")
    if items == []:
        hint = "list resources, or `under:` one of them"
        shape.problem("EMB305", "the plan selects nothing", located.place(document, "resources"), hint)
    selections = [_selection(shape, items, index) for index in range(len(items))] if items else []
    settings = read_settings(shape)
    if name is None or provider is None or items is None:
        return None
    return Plan(
        file=located.file,
        sha256=located.sha256,
        name=name,
        provider=provider,
        provider_place=located.place(document, "provider"),
        selections=tuple(filter(None, selections)),
        resources_place=located.key_place(document, "resources"),
        settings=settings,
    )


def _selection(shape: Shape, items: list[Json], index: int) -> Selection | None:
    item = shape.item(items, index, dict, "an entry of resources")
    if item is None:
        return None
    if "under" not in item:
        if "exclude" in item:
            place = shape.located.key_place(item, "exclude")
            hint = "write `under: {type: …, id: …}` with it"
            shape.problem("EMB303", "`exclude` takes away from what is `under` something", place, hint)
            return None
        mention = _mention(shape, item, "an entry of resources")
        return None if mention is None else Selection(mention)
    shape.keys(item, ("under", "exclude"), "an entry with `under`")
    root = shape.value(item, "under", dict, "an entry of resources")
    mention = None if root is None else _mention(shape, root, "`under`")
    excluded = shape.value(item, "exclude", list, "an entry of resources", needed=False) or []
    exclude = [_excluded(shape, excluded, each) for each in range(len(excluded))]
    return None if mention is None else Selection(mention, True, tuple(filter(None, exclude)))


def _excluded(shape: Shape, items: list[Json], index: int) -> Mention | None:
    item = shape.item(items, index, dict, "an entry of exclude")
    return None if item is None else _mention(shape, item, "an entry of exclude")


def _mention(shape: Shape, mapping: dict[str, Json], what: str) -> Mention | None:
    """`{type, id}`; a `name` may stand there for the reader of the plan."""
    shape.keys(mapping, ("type", "id", "name"), what)
    shape.value(mapping, "name", str, what, needed=False)
    key = read_key(shape, mapping, what)
    return None if key is None else Mention(key, shape.located.place(mapping))
