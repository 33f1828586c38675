"""`embank run`: execute a workflow file on this machine."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from embank.cli.app import EmbankCommand
from embank.cli.executing import add_execution_options, read_file, run_document
from embank.cli.options import add_cloud, add_directory
from embank.cli.output.overwriting import refuse_overwriting_by_events
from embank.cli.report import need

if TYPE_CHECKING:
    pass


class Run(EmbankCommand):
    """`embank run`."""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """The options."""
        parser = super().get_parser(prog_name)
        parser.add_argument("file", metavar="FILE", help="the workflow file ('-': standard input)")
        add_directory(parser)
        add_cloud(parser)
        add_execution_options(parser)
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> int:
        """Read it, find its provider, run it."""
        from embank.inputs.provider.find import find_provider, load_providers

        refuse_overwriting_by_events(parsed_args.events, parsed_args.file)
        document, source = read_file(parsed_args.file)
        files = need(load_providers(parsed_args.provider_config_dir))
        place = document.workflows[document.main].place
        provider = need(find_provider(files, document.run["provider"], place))
        return run_document(document, source, provider, parsed_args, debug=self.app.options.debug)
