"""What help says of several commands at once: `embank --help`, and `embank checkpoint --help`."""

from __future__ import annotations

from embank.cli.commands import COMMANDS

USAGE = """\
usage: embank [--debug] COMMAND [ARGUMENT …]

Embank compiles data-protection plans into workflow files that people review,
CI checks, and the reference runner or OpenStack Mistral executes.

commands:
"""
AFTER = """
embank COMMAND --help   what a command takes
embank help exit-codes  what the exit codes mean
embank complete         completion for the shell
embank --version        the version
"""
GROUPS = sorted({name.split()[0] for name in COMMANDS if " " in name})


def overview() -> str:
    """What `embank --help` prints."""
    return USAGE + _lines(list(COMMANDS)) + AFTER


def group_overview(group: str) -> str:
    """What `embank checkpoint --help` prints."""
    names = [name for name in COMMANDS if name.startswith(f"{group} ")]
    return (
        f"usage: embank {group} COMMAND [ARGUMENT …]\n\ncommands:\n{_lines(names)}\n"
        f"embank {group} COMMAND --help   what a command takes\n"
    )


def _lines(names: list[str]) -> str:
    width = max(map(len, names))
    return "".join(f"  {name:<{width}}  {COMMANDS[name].summary}\n" for name in names)
