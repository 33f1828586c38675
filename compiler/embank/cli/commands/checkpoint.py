"""`embank checkpoint list|show|verify`: what a bank holds."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from cliff.lister import Lister
from cliff.show import ShowOne

from embank.cli.app import EmbankCommand
from embank.cli.columns import Size, Text, Words
from embank.cli.options import add_provider, checkpoint_id, checkpoints_of, provider_of
from embank.errors import ExitCode
from embank.outputs.sizes import human_size
from embank.plaintext import plain


class CheckpointList(EmbankCommand, Lister):
    """`embank checkpoint list`: the newest first."""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """The options."""
        parser = super().get_parser(prog_name)
        add_provider(parser)
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> tuple[tuple[str, ...], list[tuple[Any, ...]]]:
        """A row a checkpoint."""
        rows = []
        for info in checkpoints_of(provider_of(parsed_args)).infos():
            plan, created = (info.facts.plan, info.facts.created) if info.facts else ("?", "?")
            rows.append((info.id, Text(plan), str(info.status.status), created, Size(info.size)))
        if not rows:
            sys.stderr.write("the bank has no checkpoints\n")
        return ("id", "plan", "status", "created", "size"), rows


class CheckpointShow(EmbankCommand, ShowOne):
    """`embank checkpoint show`: status and its history, resources, executions."""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """The options."""
        parser = super().get_parser(prog_name)
        parser.add_argument("checkpoint", metavar="CHECKPOINT", help="its id, or the beginning of it")
        add_provider(parser)
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> tuple[tuple[str, ...], tuple[Any, ...]]:
        """Its facts."""
        from embank.checkpoint.errors import Damaged, Incomplete
        from embank.checkpoint.objects import timestamp

        checkpoints = checkpoints_of(provider_of(parsed_args))
        checkpoint = checkpoints.open(checkpoint_id(checkpoints, parsed_args.checkpoint))
        info = checkpoints.info(checkpoint.id)
        try:
            resources = [f"{resource}  {resource.name}" for resource in checkpoint.graph().resources]
        except (Damaged, Incomplete) as error:
            resources = [f"? {error}"]
        try:
            history = [f"{step.at}  {step.status}  {step.reason}".rstrip() for step in checkpoint.history()]
        except Damaged as error:
            history = [f"? {error}"]
        try:
            steps = checkpoint.operations()
            used = [f"{step.at}  {step.operation}  {step.state}" for step in steps]
        except Damaged as error:
            steps, used = (), [f"? {error}"]
        executions = {step.execution for step in steps} | ({info.facts.execution} if info.facts else set())
        is_open = []
        for execution in sorted(executions):
            try:
                is_open += [
                    f"{resource}  {phase}  (execution {execution})"
                    for resource, phase in checkpoint.open_brackets(execution)
                ]
            except Damaged as error:
                is_open.append(f"? {error}")
        if is_open:
            sys.stderr.write(
                "open: it was started and is not recorded as closed. A closer that ran while the bank could not "
                "record that has said so in the output of its execution.\n"
            )
        lease = f"{info.lease.owner}  until {timestamp(info.lease.expires)}" if info.lease else ""
        facts = {
            "id": checkpoint.id,
            "status": str(info.status.status),
            "reason": Text(info.status.reason),
            "plan": Text(info.facts.plan if info.facts else "?"),
            "provider": Text(info.facts.provider if info.facts else "?"),
            "created": info.facts.created if info.facts else "?",
            "size": Size(info.size),
            "resources": Words(resources),
            "history": Words(history),
            "executions": Words(used),
            "open": Words(is_open),
            "lease": Text(lease),
        }
        return tuple(facts), tuple(facts.values())


class CheckpointVerify(EmbankCommand):
    """`embank checkpoint verify`: reads all of it and compares it with its manifest."""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """The options."""
        parser = super().get_parser(prog_name)
        parser.add_argument("checkpoint", metavar="CHECKPOINT", help="its id, or the beginning of it")
        add_provider(parser)
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> int:
        """Exit 1 when anything is wrong."""
        checkpoints = checkpoints_of(provider_of(parsed_args))
        checkpoint = checkpoints.open(checkpoint_id(checkpoints, parsed_args.checkpoint))
        status = checkpoint.status()
        if status.status in ("protecting", "deleting"):
            sys.stderr.write(
                f"the checkpoint {checkpoint.id} is {status.status}: it is not whole, nothing was verified\n"
            )
            return ExitCode.PROBLEMS
        wrong = 0
        for finding in checkpoint.verify():
            wrong += 1
            sys.stderr.write(f"{finding.kind}: {plain(finding.message)}\n")
        if wrong:
            verdict = "damaged" if status.status == "available" else str(status.status)
            sys.stderr.write(f"the checkpoint {checkpoint.id} is {verdict}: {wrong} finding{'s' * (wrong > 1)}\n")
            return ExitCode.PROBLEMS
        objects = checkpoint.manifest.summary().objects
        size = human_size(checkpoint.size())
        sys.stdout.write(f"{checkpoint.id}: {objects} objects, {size}, all as written; it is {status.status}\n")
        return ExitCode.OK if status.status == "available" else ExitCode.PROBLEMS
