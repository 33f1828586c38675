"""`embank lint`: is a workflow file, edited or not, one that can be executed?"""

from __future__ import annotations

import argparse
import sys

from embank.cli.app import EmbankCommand
from embank.cli.report import report
from embank.errors import ExitCode


class Lint(EmbankCommand):
    """`embank lint`."""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """The options."""
        parser = super().get_parser(prog_name)
        parser.add_argument("file", metavar="FILE", help="a workflow file ('-': standard input)")
        parser.add_argument("--strict", action="store_true", help="exit 3 when there are warnings")
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> int:
        """Report every problem."""
        from embank.inputs.workflow import read_workflow

        code = report(read_workflow(parsed_args.file).diagnostics, strict=parsed_args.strict)
        if code == ExitCode.OK:
            sys.stderr.write("no problems\n")
        return code
