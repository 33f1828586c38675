"""`embank complete`: completion for bash.

Not cliff's script. That keeps what it knows in variables whose names it makes of what was typed, so that `embank
run shop.yaml --par<TAB>` ends in an error, and `embank a[$(…)]<TAB>` executes it (decision CLI-3).
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator

from embank.cli.app import EmbankApp, EmbankCommand
from embank.cli.commands import COMMANDS

SCRIPT = """\
_embank() {{
  local cur=${{COMP_WORDS[COMP_CWORD]}} command= word words= options= i line
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=${{COMP_WORDS[i]}}
    case $command:$word in
      :--debug) ;;
      {known}) command=${{command:+$command }}$word ;;
      *)
        case $command in {unfinished}) command=- ;; esac
        break ;;
    esac
  done
  case $command in
{cases}
  esac
  COMPREPLY=()
  case $cur in
    -*) while IFS= read -r line; do COMPREPLY+=("$line"); done < <(compgen -W "$options" -- "$cur") ;;
    *)
      if [ -n "$words" ]; then
        while IFS= read -r line; do COMPREPLY+=("$line"); done < <(compgen -W "$words" -- "$cur")
      elif [ -n "$options" ]; then
        compopt -o filenames 2>/dev/null
        while IFS= read -r line; do COMPREPLY+=("$line"); done < <(compgen -f -- "$cur")
      fi ;;
  esac
}}
complete -F _embank embank
"""


class Complete(EmbankCommand):
    """`embank complete`."""

    def take_action(self, parsed_args: argparse.Namespace) -> int:
        """Print the script, with the commands and options of today."""
        sys.stdout.write(script())
        return 0


def script() -> str:
    """The script. Whatever is typed is compared, and never part of what bash evaluates."""
    steps = sorted({(" ".join(words[:n]), words[n]) for words in map(str.split, COMMANDS) for n in range(len(words))})
    steps += [("help", word) for word in _first_words()]
    steps += [(f"help {first}", second) for first, second in steps if first and not first.startswith("help")]
    known = "|".join(f"{_quoted(before)}:{word}" for before, word in steps)
    unfinished = "|".join(_quoted(command) for command, words, _ in _choices() if words)
    cases = "\n".join(
        f"    {_quoted(command)}) words='{' '.join(words)}' options='{' '.join(options)}' ;;"
        for command, words, options in _choices()
    )
    return SCRIPT.format(known=known, unfinished=unfinished, cases=cases)


def _choices() -> Iterator[tuple[str, list[str], list[str]]]:
    """After which words what may follow: commands, options."""
    yield "", _first_words(), ["--debug", "--help", "--version"]
    for group in sorted({name.split()[0] for name in COMMANDS if " " in name}):
        seconds = sorted(name.split()[1] for name in COMMANDS if name.startswith(f"{group} "))
        yield group, seconds, ["--help"]
        yield f"help {group}", seconds, []
    app = EmbankApp()
    for name in COMMANDS:
        yield name, _first_words() if name == "help" else [], _options(app, name)


def _first_words() -> list[str]:
    return sorted({name.split()[0] for name in COMMANDS})


def _options(app: EmbankApp, name: str) -> list[str]:
    factory, _, _ = app.command_manager.find_command(name.split())
    parser: argparse.ArgumentParser = factory(app, None, cmd_name=name).get_parser(f"embank {name}")
    shown = (action for action in parser._actions if action.help != argparse.SUPPRESS)
    return sorted(option for action in shown for option in action.option_strings)


def _quoted(words: str) -> str:
    return f"'{words}'" if " " in words or not words else words
