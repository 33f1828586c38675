"""`embank rehearse`: what would happen if anything went wrong, without doing anything."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from embank.cli.app import EmbankCommand
from embank.cli.options import whole
from embank.cli.report import need, report
from embank.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from embank.rehearsal.rehearse import Rehearsal

ENOUGH = 100  # tasks in a file for which it pays to use all processors


class Rehearse(EmbankCommand):
    """`embank rehearse`."""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """The options."""
        parser = super().get_parser(prog_name)
        parser.add_argument("file", metavar="FILE", help="the workflow file ('-': standard input)")
        parser.add_argument(
            "--durations", metavar="FILE", help="how long the activities take (default: each of them 1 second)"
        )
        parser.add_argument(
            "--parallel", metavar="N", type=whole(1), default=4, help="activities that work at once (default: 4)"
        )
        parser.add_argument("--fail-fast", action="store_true", help="start no other activities after one has failed")
        parser.add_argument(
            "--outage",
            metavar="SECONDS",
            type=whole(0),
            default=60,
            help="how long it takes until a crashed execution is resumed (default: 60)",
        )
        parser.add_argument("--all", action="store_true", help="a line for every fault at every task")
        parser.add_argument(
            "-f", "--format", choices=("text", "json"), default="text", help="how it is shown (default: text)"
        )
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> int:
        """Rehearse it. Exit 1 when a fault leaves something frozen, or when it fails without any."""
        from embank.conductor.admission import concurrency
        from embank.conductor.states import FlowState
        from embank.inputs.durations import Durations, read_durations
        from embank.inputs.workflow import read_workflow
        from embank.rehearsal.durations import seconds_of, unused
        from embank.rehearsal.processes import processors
        from embank.rehearsal.rehearse import rehearse

        if parsed_args.file == parsed_args.durations == "-":
            raise UsageError("only one of FILE and --durations can be standard input")
        document = need(read_workflow(parsed_args.file))
        durations = need(read_durations(parsed_args.durations)) if parsed_args.durations else Durations()
        report(tuple(unused(document, durations)))
        tasks = sum(len(workflow.tasks) for workflow in document.workflows.values())
        rehearsal = rehearse(
            document,
            seconds_of(document, durations),
            limits=concurrency(document),
            parallel=parsed_args.parallel,
            fail_fast=parsed_args.fail_fast,
            outage=parsed_args.outage,
            processes=processors() if tasks >= ENOUGH else 1,
        )
        _write(rehearsal, parsed_args)
        bad = rehearsal.frozen or rehearsal.undisturbed.state != FlowState.SUCCESS
        return ExitCode.PROBLEMS if bad else ExitCode.OK


def _write(rehearsal: Rehearsal, arguments: argparse.Namespace) -> None:
    if arguments.format == "json":
        import json

        from embank.rehearsal.data import rehearsal_data

        options = {"durations": arguments.durations, "parallel": arguments.parallel, "outage": arguments.outage}
        json.dump({**rehearsal_data(rehearsal), **options}, sys.stdout, indent=1)
        sys.stdout.write("\n")
        return
    from embank.rehearsal.text import rehearsal_text

    lines = rehearsal_text(
        rehearsal, outage=arguments.outage, measured=bool(arguments.durations), every=arguments.all
    )
    sys.stdout.writelines(f"{line}\n" for line in lines)
