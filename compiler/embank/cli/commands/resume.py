"""`embank resume`: going on with an execution whose runner left off."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from embank.cli.app import EmbankCommand
from embank.cli.executing import add_watching_options
from embank.cli.options import add_cloud, add_directory
from embank.cli.output.overwriting import refuse_overwriting_by_events
from embank.cli.taking_up.carrying_out import find, take_up
from embank.errors import UsageError

if TYPE_CHECKING:
    from embank.journal.directory import ExecutionDirectory


class Resume(EmbankCommand):
    """`embank resume`: goes on where the runner left off."""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """The options."""
        parser = super().get_parser(prog_name)
        parser.add_argument("execution", metavar="EXECUTION", help="its id, or the beginning of it")
        parser.add_argument(
            "--allow-stale", action="store_true", help="go on although the provider or a plugin has changed"
        )
        add_directory(parser)
        add_cloud(parser)
        add_watching_options(parser)
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> int:
        """The exit code is that of the execution."""
        refuse_overwriting_by_events(parsed_args.events)
        directory = find(parsed_args)
        _refuse_imported(directory)
        return take_up(directory, parsed_args, cancel=False, debug=self.app.options.debug).exit_code


def _refuse_imported(directory: ExecutionDirectory) -> None:
    """What an engine executes is not taken up here as well."""
    from embank.mistral.importing import imported

    if heading := imported(directory):
        raise UsageError(
            f"the execution {directory.id} is not this machine's: Mistral executes it ({heading.engine_url}). "
            f"`{directory.command('watch')}` shows how it goes on; a task that failed is run again there, with "
            f"`mistral task-rerun TASK_ID`; `{directory.command('cancel')}` ends it and runs its closers"
        )
