"""`embank discover`: ask the protectables, write the resource graph."""

from __future__ import annotations

import argparse
import sys

from embank.cli.app import EmbankCommand
from embank.cli.options import add_cloud, add_provider, provider_of
from embank.cli.output.overwriting import provider_inputs, refuse_overwriting
from embank.cli.output.writing import write_artefact
from embank.errors import ExitCode


class Discover(EmbankCommand):
    """`embank discover`."""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """The options."""
        parser = super().get_parser(prog_name)
        add_provider(parser)
        add_cloud(parser)
        parser.add_argument(
            "-o", "--output", metavar="FILE", default="-", help="the resource graph (default: stdout)"
        )
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> int:
        """Write all of it, or nothing when a listing fails."""
        from embank.inputs.discover import discover, undiscoverable
        from embank.inputs.kinds import Kind
        from embank.inputs.resources import write_resources

        refuse_overwriting(parsed_args.output, Kind.RESOURCES, provider_inputs(parsed_args.provider_config_dir))
        provider = provider_of(parsed_args)
        graph = discover(provider)
        write_artefact(parsed_args.output, [write_resources(graph)])
        for kind in undiscoverable(provider):
            sys.stderr.write(f"no protectable lists {kind}: add such resources by hand\n")
        if not graph.resources:
            sys.stderr.write(f"there are no resources: {provider.file} names none\n")
        return ExitCode.OK
