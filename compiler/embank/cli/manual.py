"""The man page, docs/embank.1, made of the same texts as help. `make golden` writes it."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterable, Iterator

from embank.cli.app import EmbankApp
from embank.cli.commands import COMMANDS
from embank.errors import ExitCode

ABOUT = (
    "Embank compiles data-protection plans into workflow files that people review, CI checks, and the reference "
    "runner or OpenStack Mistral executes. A plan says what is protected, a provider's configuration file says where "
    "copies go (the bank) and which plugins there are."
)
ENVIRONMENT = {
    "EMBANK_PROVIDER_CONFIG_DIR": "Where the providers' .conf files are, unless --provider-config-dir says it.",
    "EMBANK_STATE_DIR": "Where executions are kept, unless --state-dir says it.",
    "EMBANK_OS_CLOUD": "An entry of clouds.yaml for the plugins that work in OpenStack, unless --os-cloud names one.",
    "OS_*": "How to log in at OpenStack, where neither an option nor the provider's file says it.",
}
FILES = {
    "./providers.d, /etc/karbor/providers.d": "The providers' configuration files.",
    "./.embank": "What is kept of executions: workflow files and journals.",
}
OURS = ("positional arguments", "options")  # argparse's groups; all others are cliff's, of output formats
ROFF = {"\\": "\\e", "-": "\\-", "'": "\\(aq", "^": "\\(ha", "~": "\\(ti"}


def manual() -> str:
    """The page. The same for the same commands: it has no date and no version."""
    return "".join(f"{line}\n" for line in _page())


def _page() -> Iterator[str]:
    yield '.TH EMBANK 1 "" Embank "User Commands"'
    yield from (".SH NAME", _text("embank - compile data-protection plans, and execute what was compiled"))
    yield from (".SH SYNOPSIS", ".B embank", rf"[\fB\-\-debug\fR] {_placed('COMMAND')} [{_placed('ARGUMENT')} \&...]")
    yield from (".SH DESCRIPTION", _text(ABOUT), ".SH OPTIONS")
    yield from _item(r"\fB\-\-debug\fR", "Show where in the code an error came from. For every command.")
    yield from _item(r"\fB\-h\fR, \fB\-\-help\fR", "What there is; after a command, what it takes.")
    yield from _item(r"\fB\-\-version\fR", "The version.")
    yield ".SH COMMANDS"
    parsers = {name: _parser(name) for name in COMMANDS}
    for name, parser in parsers.items():
        yield from _command(name, parser)
    yield from (".SH OUTPUT FORMATS", _text("Commands that print a table take these besides their own options."))
    for action in _of_formats(parsers.values()):
        yield from _item(_names(action), action.help or "")
    yield ".SH EXIT STATUS"
    for code in ExitCode:
        yield from _item(rf"\fB{code.value}\fR", code.meaning)
    for title, items in (("ENVIRONMENT", ENVIRONMENT), ("FILES", FILES)):
        yield f".SH {title}"
        for name, meaning in items.items():
            yield from _item(rf"\fB{_text(name)}\fR", meaning)


def _parser(name: str) -> argparse.ArgumentParser:
    app = EmbankApp()
    factory, _, _ = app.command_manager.find_command(name.split())
    parser: argparse.ArgumentParser = factory(app, None, cmd_name=name).get_parser(f"embank {name}")
    return parser


def _command(name: str, parser: argparse.ArgumentParser) -> Iterator[str]:
    own = [action for group in parser._action_groups if group.title in OURS for action in _shown(group)]
    needed = [f"{_names(action)}" for action in own if action.option_strings and action.required]
    places = [_place(action) for action in own if not action.option_strings]
    yield f".SS embank {name}"
    yield rf"\fBembank {name}\fR " + " ".join(["[OPTION]\\&...", *needed, *places])
    yield ".PP"
    yield _text(COMMANDS[name].description)
    for action in own:
        yield from _item(_names(action), action.help or "")


def _shown(group: argparse._ArgumentGroup) -> Iterator[argparse.Action]:
    """What help shows of a group, without help itself."""
    for action in group._group_actions:
        if action.help != argparse.SUPPRESS and action.dest != "help":
            yield action


def _of_formats(parsers: Iterable[argparse.ArgumentParser]) -> list[argparse.Action]:
    """The options of output formats, each once, with all that some command lets choose."""
    found: dict[str, argparse.Action] = {}
    for group in (group for parser in parsers for group in parser._action_groups if group.title not in OURS):
        for action in _shown(group):
            first = found.setdefault(action.option_strings[-1], action)
            if action.choices and first.choices:
                first.choices = sorted({*first.choices, *action.choices})
    return list(found.values())


def _names(action: argparse.Action) -> str:
    names = ", ".join(rf"\fB{_text(name)}\fR" for name in action.option_strings)
    takes_one = not action.option_strings or action.nargs != 0
    return " ".join(part for part in (names, _metavar(action) if takes_one else "") if part)


def _place(action: argparse.Action) -> str:
    more = r" \&..." if action.nargs == "*" else ""
    return f"[{_metavar(action)}{more}]" if action.nargs in ("*", "?") else _metavar(action)


def _metavar(action: argparse.Action) -> str:
    if isinstance(action.metavar, str):
        return _placed(action.metavar.strip("<>").upper())
    if action.choices:
        return _placed("|".join(map(str, action.choices)))
    return _placed(action.dest.upper())


def _placed(name: str) -> str:
    return rf"\fI{_text(name)}\fR"


def _item(what: str, meaning: str) -> Iterator[str]:
    yield from (".TP", what, _text(meaning))


def _text(text: str) -> str:
    """Text for roff: on one line, of ASCII, what stands in `backticks` bold, and nothing taken for a request."""
    plain = "".join(
        ROFF.get(each, each) if each.isascii() else rf"\[u{ord(each):04X}]" for each in " ".join(text.split())
    )
    marked = re.sub(r"`([^`]*)`", r"\\fB\1\\fR", plain)
    return rf"\&{marked}" if marked.startswith(".") else marked
