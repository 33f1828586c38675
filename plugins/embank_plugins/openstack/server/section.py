"""What the operator says of servers, in the section [server].

freeze = postgres $here/guestctl freeze
thaw = postgres $here/guestctl thaw

A plan chooses such a pair by its name, with the parameters `quiesce: command` and `quiesce_command: postgres`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from embank_plugins.local.command_lines import Commands, read_commands
from embank_plugins.local.configuration import Section

if TYPE_CHECKING:
    from oslo_config import cfg

SECTION = "server"
PAIRS = {"freeze": "thaw"}
COMMAND_TIMEOUT = 30
STATE_TIMEOUT = 120
BUILD_TIMEOUT = 1800


def server_options() -> Sequence[cfg.Opt]:
    """The options of [server]."""
    from oslo_config import cfg

    return [
        *(
            cfg.MultiStrOpt(
                verb,
                default=[],
                help=f"How to {verb} what runs in a server, twice without harm: NAME COMMAND [ARGUMENT …]. "
                "Repeat for each name that plans may choose.",
            )
            for verb in ("freeze", "thaw")
        ),
        *(
            cfg.FloatOpt(
                f"{verb}_timeout",
                default=COMMAND_TIMEOUT,
                min=0.1,
                help=f"Seconds that any {verb} command may take.",
            )
            for verb in ("freeze", "thaw")
        ),
        cfg.FloatOpt(
            "state_timeout",
            default=STATE_TIMEOUT,
            min=1,
            help="Seconds that a server may take to be paused or suspended, or to go on.",
        ),
        cfg.FloatOpt(
            "build_timeout",
            default=BUILD_TIMEOUT,
            min=1,
            help="Seconds that a restored server may take to become active.",
        ),
    ]


def read_server_commands(conf: cfg.ConfigOpts) -> Commands:
    """The pairs of commands by name. Raises ValueError with every mistake of the section."""
    section = Section(conf, SECTION)
    commands = read_commands(section, PAIRS, key="NAME")
    section.check()
    return commands
