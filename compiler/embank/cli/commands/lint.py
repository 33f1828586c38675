"""`embank lint`: is a workflow file, edited or not, one that can be executed?"""

from __future__ import annotations

import argparse
import sys

from embank.cli.app import EmbankCommand
from embank.cli.report import report


class Lint(EmbankCommand):
    """`embank lint`."""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """The options."""
        parser = super().get_parser(prog_name)
        parser.add_argument("file", metavar="FILE", help="a workflow file ('-': standard input)")
        parser.add_argument(
            "--engine", metavar="ENGINE", help="also check what this engine makes of the file, such as mistral:23"
        )
        parser.add_argument("--strict", action="store_true", help="exit 3 when there are warnings")
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> int:
        """Report every problem."""
        from embank.inputs.workflow import read_workflow
        from embank.review.engines import rules_for

        rules = rules_for(parsed_args.engine) if parsed_args.engine else ()
        found = read_workflow(parsed_args.file, rules).diagnostics
        code = report(found, strict=parsed_args.strict)
        if not found:
            sys.stderr.write("no problems\n")
        return code
