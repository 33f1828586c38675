"""`embank checkpoint delete|prune`: getting rid of checkpoints, by workflows like everything else."""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from embank.cli.app import EmbankCommand
from embank.cli.executing import add_execution_options, run_document
from embank.cli.options import add_provider, checkpoint_id, checkpoints_of, provider_of
from embank.cli.output.overwriting import provider_inputs, refuse_overwriting, refuse_overwriting_by_events
from embank.cli.output.writing import write_artefact
from embank.cli.report import need
from embank.errors import ExitCode, UsageError
from embank.model import Operation
from embank.plaintext import plain

if TYPE_CHECKING:
    from embank.checkpoint.checkpoints import CheckpointInfo, Checkpoints
    from embank.checkpoint.retention import Candidate
    from embank.inputs.provider.find import Provider

RULES = {
    "last": "the last N checkpoints",
    "daily": "the last one of each of the last N days that have one",
    "weekly": "the last one of each of the last N weeks that have one",
    "monthly": "the last one of each of the last N months that have one",
}


class CheckpointDelete(EmbankCommand):
    """`embank checkpoint delete`: compiles the delete workflow and runs it, in one go."""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """The options."""
        parser = super().get_parser(prog_name)
        parser.add_argument("checkpoint", metavar="CHECKPOINT", help="its id, or the beginning of it")
        add_provider(parser)
        add_execution_options(parser)
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> int:
        """The exit code is that of the execution."""
        from uuid import uuid4

        from embank.inputs.workflow import parse_workflow
        from embank.journal.directory import state_directory

        refuse_overwriting_by_events(parsed_args.events)
        provider = provider_of(parsed_args)
        checkpoints = checkpoints_of(provider)
        given = checkpoint_id(checkpoints, parsed_args.checkpoint)
        text = delete_workflow(checkpoints, provider, given, "(not kept)")
        source, execution = text.encode(), str(uuid4())
        kept = state_directory(parsed_args.state_dir).directory(execution).workflow  # the only file of it
        document = need(parse_workflow(source, str(kept)))
        return run_document(
            document, source, provider, parsed_args, debug=self.app.options.debug, execution=execution
        )


class CheckpointPrune(EmbankCommand):
    """`embank checkpoint prune`: says which to keep and why, and writes a delete workflow for each other."""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """The options."""
        parser = super().get_parser(prog_name)
        add_provider(parser)
        for rule, what in RULES.items():
            parser.add_argument(f"--keep-{rule}", metavar="N", type=int, default=0, help=f"keep {what}, of each plan")
        parser.add_argument(
            "-o", "--output", metavar="DIRECTORY", help="write the workflows here (default: only say what would go)"
        )
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> int:
        """Decide, tell, write."""
        from embank.checkpoint.retention import Keep, decide
        from embank.inputs.kinds import Kind

        keep = Keep(**{rule: getattr(parsed_args, f"keep_{rule}") for rule in RULES})
        provider = provider_of(parsed_args)
        checkpoints = checkpoints_of(provider)
        if parsed_args.output and not Path(parsed_args.output).is_dir():
            raise UsageError(f"{parsed_args.output} is not a directory; make it, the workflows will be written there")
        candidates = [found for info in checkpoints.infos() if (found := _candidate(info))]
        decisions = decide(candidates, keep)
        if parsed_args.output:
            read = provider_inputs(parsed_args.provider_config_dir)
            for decision in decisions:
                if not decision.keep:
                    refuse_overwriting(_target(parsed_args.output, decision.id), Kind.WORKFLOW, read)
        for decision in decisions:
            verb = "keep" if decision.keep else "delete"
            sys.stdout.write(f"{verb:<7} {decision.id}  {plain('; '.join(decision.reasons))}\n")
            if not decision.keep and parsed_args.output:
                target = _target(parsed_args.output, decision.id)
                write_artefact(target, [delete_workflow(checkpoints, provider, decision.id, target)])
                sys.stdout.write(f"        embank run {target}\n")
        return ExitCode.OK


def delete_workflow(checkpoints: Checkpoints, provider: Provider, given: str, target: str) -> str:
    """The text of the workflow that deletes a checkpoint. Raises Reported."""
    from embank.inputs.request import read_operation
    from embank.outputs.workflow import write_workflow
    from embank.passes import compile_workflow

    prepared = need(read_operation(Operation.DELETE, checkpoints.open(given), provider))
    command = f"embank compile delete --provider {provider.name} --checkpoint {given} -o {target} --check"
    workflow = need(compile_workflow(replace(prepared.request, command=command)))
    return "".join(write_workflow(workflow))


def _target(directory: str, checkpoint: str) -> str:
    return str(Path(directory) / f"{checkpoint}.delete.yaml")


def _candidate(info: CheckpointInfo) -> Candidate | None:
    """What retention judges. None, and a warning: nobody can tell how old it is."""
    from embank.checkpoint.retention import Candidate

    if info.facts is None:
        sys.stderr.write(f"{info.id} does not say when it was made: left alone\n")
        return None
    created = datetime.fromisoformat(info.facts.created)
    leased = info.lease is not None
    return Candidate(info.id, info.facts.plan, info.facts.provider, created, info.status.status, leased)
