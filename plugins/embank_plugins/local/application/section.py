"""What the operator says of applications, in the section [local_application].

application = shop "The shop"
contains = shop Local::Directory#shop-files Local::SQLite#shop-orders
freeze = shop $here/shopctl freeze
thaw = shop $here/shopctl thaw
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from embank_plugins.local.command_lines import read_commands
from embank_plugins.local.configuration import Section

if TYPE_CHECKING:
    from oslo_config import cfg

SECTION = "local_application"
TYPE = "Local::Application"
TYPES = (TYPE, "Local::Directory", "Local::PostgreSQL", "Local::SQLite")
PAIRS = {"freeze": "thaw", "stop": "start"}  # a command that opens something needs the one that closes it
TIMEOUT = 30


@dataclass(frozen=True, slots=True)
class Application:
    """What the operator says of an application. `contains` has (type, id) of its dependents."""

    id: str
    name: str
    contains: tuple[tuple[str, str], ...] = ()
    commands: Mapping[str, Sequence[str]] = field(default_factory=dict, repr=False)


def application_options() -> Sequence[cfg.Opt]:
    """The options of [local_application]."""
    from oslo_config import cfg

    verbs = [verb for pair in PAIRS.items() for verb in pair]
    return [
        cfg.MultiStrOpt("application", default=[], help="An application: ID [NAME]. Repeat for each."),
        cfg.MultiStrOpt("contains", default=[], help="Its dependents: ID TYPE#ID [TYPE#ID …]. May be repeated."),
        *(
            cfg.MultiStrOpt(verb, default=[], help=f"How to {verb} it, twice without harm: ID COMMAND [ARGUMENT …].")
            for verb in verbs
        ),
        *(
            cfg.FloatOpt(
                f"{verb}_timeout", default=TIMEOUT, min=0.1, help=f"Seconds that any {verb} command may take."
            )
            for verb in verbs
        ),
    ]


def read_applications(conf: cfg.ConfigOpts) -> dict[str, Application]:
    """The applications by id. Raises ValueError with every mistake of the section."""
    section = Section(conf, SECTION)
    names: dict[str, str] = {}
    for text, words in section.lines("application", 1, 2, "ID [NAME]"):
        if words[0] in names:
            section.wrong("application", text, f"the id {words[0]!r} is used twice")
        names[words[0]] = words[-1]
    contains = _read_contains(section, names)

    def check(option: str, text: str, key: str) -> None:
        _check_known(section, option, text, key, names)

    commands = read_commands(section, PAIRS, check)
    section.check()
    return {key: Application(key, name, tuple(contains[key]), commands.get(key, {})) for key, name in names.items()}


def _read_contains(section: Section, names: Mapping[str, str]) -> dict[str, list[tuple[str, str]]]:
    contains: dict[str, list[tuple[str, str]]] = {key: [] for key in names}
    for text, words in section.lines("contains", 2, None, "ID TYPE#ID [TYPE#ID …]"):
        _check_known(section, "contains", text, words[0], names)
        for word in words[1:]:
            kind, sharp, member = word.partition("#")
            if not sharp or not member:
                section.wrong("contains", text, f"{word!r} should be TYPE#ID")
            elif kind not in TYPES:
                section.wrong("contains", text, f"{kind!r} is none of the types {', '.join(TYPES)}")
            elif kind == TYPE and member not in names:
                section.wrong("contains", text, f"there is no application {member!r}")
            elif (kind, member) in contains.get(words[0], ()):
                section.wrong("contains", text, f"{word} is named twice")
            else:
                contains.setdefault(words[0], []).append((kind, member))
    return contains


def _check_known(section: Section, option: str, text: str, key: str, names: Mapping[str, str]) -> None:
    if key not in names:
        known = ", ".join(map(repr, names)) or "none"
        section.wrong(option, text, f"there is no application {key!r} (known: {known})")
