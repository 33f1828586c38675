"""`embank validate`: everything that can be said of the inputs without compiling for real, offline."""

from __future__ import annotations

import argparse
import sys

from embank.cli.app import EmbankCommand
from embank.cli.commands.compile import later_problems
from embank.cli.options import add_directory
from embank.cli.report import need, report
from embank.errors import ExitCode, UsageError


class Validate(EmbankCommand):
    """`embank validate`."""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """The options."""
        parser = super().get_parser(prog_name)
        parser.add_argument("plan", metavar="PLAN", nargs="?", help="a plan (default: check the providers only)")
        parser.add_argument("--resources", metavar="FILE", help="the resource graph that the plan selects from")
        parser.add_argument("--strict", action="store_true", help="exit 3 when there are warnings")
        add_directory(parser)
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> int:
        """The providers; or a plan, what it selects, and its own provider."""
        if parsed_args.plan and not parsed_args.resources:
            raise UsageError("a plan is checked against a resource graph: name one with --resources")
        if parsed_args.resources and not parsed_args.plan:
            raise UsageError("a resource graph is checked with a plan: name one")
        checked = self._plan(parsed_args) if parsed_args.plan else self._providers(parsed_args)
        if checked == ExitCode.OK:
            sys.stderr.write("no problems\n")
        return checked

    def _providers(self, arguments: argparse.Namespace) -> ExitCode:
        from embank.inputs.provider.find import check_providers, load_providers

        files = need(load_providers(arguments.provider_config_dir))
        return report(check_providers(files), strict=arguments.strict)

    def _plan(self, arguments: argparse.Namespace) -> ExitCode:
        from embank.inputs.request import read_protect
        from embank.passes import compile_workflow

        prepared = read_protect(arguments.plan, arguments.resources, arguments.provider_config_dir)
        problems = prepared.diagnostics
        if prepared.value:
            problems += compile_workflow(prepared.value.request).diagnostics
            problems += later_problems(prepared.value)
        return report(problems, strict=arguments.strict)
