"""`embank complete`."""

from __future__ import annotations

import argparse
import sys

from cliff.complete import CompleteCommand

from embank.cli.app import EmbankCommand

# What cliff's script calls, for shells that did not load bash-completion.
WITHOUT_BASH_COMPLETION = """\
if ! declare -F _get_comp_words_by_ref >/dev/null
then
  _get_comp_words_by_ref()
  {
    cur=${COMP_WORDS[COMP_CWORD]}
    prev=${COMP_WORDS[COMP_CWORD-1]}
    words=("${COMP_WORDS[@]}")
  }
fi
"""


class Complete(EmbankCommand, CompleteCommand):
    """`embank complete`: cliff's script, with the commands and options of today."""

    def take_action(self, parsed_args: argparse.Namespace) -> int:
        """Print it."""
        if parsed_args.shell == "bash":
            sys.stdout.write(WITHOUT_BASH_COMPLETION)
        code: int = CompleteCommand.take_action(self, parsed_args)
        return code
