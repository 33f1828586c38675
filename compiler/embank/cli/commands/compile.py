"""`embank compile protect|restore|delete|verify`: from inputs to a workflow file."""

from __future__ import annotations

import argparse
import shlex
from abc import abstractmethod
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from embank.cli.app import EmbankCommand
from embank.cli.options import (
    add_directory,
    add_plan,
    add_provider,
    checkpoint_id,
    checkpoints_of,
    provider_of,
    whole,
)
from embank.cli.output.check import compare
from embank.cli.output.overwriting import provider_inputs, refuse_overwriting
from embank.cli.output.writing import write_artefact
from embank.cli.report import Reported, need, report
from embank.diagnostics import Diagnostic, Severity
from embank.errors import ExitCode, UsageError
from embank.model import Lower, Operation

if TYPE_CHECKING:
    from embank.checkpoint.checkpoint import Checkpoint
    from embank.cli.output.overwriting import Input
    from embank.diagnostics import Checked
    from embank.inputs.request import Prepared

MAX_TASKS = 50  # decision PASS-5
DONE = {Operation.RESTORE: "restored", Operation.DELETE: "deleted"}


class Compile(EmbankCommand):
    """What the four have in common: options, compilation, writing and checking."""

    operation: ClassVar[Operation]

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """The options."""
        parser = super().get_parser(prog_name)
        parser.add_argument("-o", "--output", metavar="FILE", default="-", help="the workflow file (default: stdout)")
        parser.add_argument(
            "--check", action="store_true", help="write nothing; exit 2 with the difference when FILE is stale"
        )
        parser.add_argument("--strict", action="store_true", help="treat warnings as errors: exit 3, write nothing")
        parser.add_argument(
            "--max-tasks",
            metavar="N",
            type=whole(2),
            default=MAX_TASKS,
            help=f"cut the activities into sub-workflows of at most N tasks (default: {MAX_TASKS})",
        )
        parser.add_argument(
            "--lower",
            choices=[str(way) for way in Lower],
            default=str(Lower.REVERSE),
            help="say of each task what it requires (reverse, the default), or what follows it (direct: for sites "
            "that run several Mistral engines)",
        )
        parser.add_argument("--template-dir", metavar="DIRECTORY", help="templates that replace the built-in ones")
        return parser

    @abstractmethod
    def prepare(self, arguments: argparse.Namespace) -> Checked[Prepared]:
        """Read what is to be compiled."""

    @abstractmethod
    def inputs(self, arguments: argparse.Namespace) -> list[str]:
        """The part of the command line that names the inputs."""

    @abstractmethod
    def files(self, arguments: argparse.Namespace) -> list[Input]:
        """The files among the inputs that are named."""

    def later(self, prepared: Prepared) -> tuple[Diagnostic, ...]:
        """What would go wrong with operations on what this one makes."""
        return ()

    def take_action(self, parsed_args: argparse.Namespace) -> int:
        """Compile, then write or compare."""
        from embank.inputs.kinds import Kind
        from embank.outputs.workflow import write_workflow
        from embank.passes import compile_workflow

        if parsed_args.check and parsed_args.output == "-":
            raise UsageError("--check compares with a file: name it with -o")
        if not parsed_args.check:
            refuse_overwriting(parsed_args.output, Kind.WORKFLOW, self._read(parsed_args))
        prepared = self.prepare(parsed_args)
        if prepared.value is None:
            report(prepared.diagnostics)
            raise Reported
        request = replace(
            prepared.value.request,
            max_tasks=parsed_args.max_tasks,
            lower=Lower(parsed_args.lower),
            command=self.check_command(parsed_args),
        )
        compiled = compile_workflow(request)
        later = self.later(prepared.value) if compiled.value else ()
        code = report((*prepared.diagnostics, *compiled.diagnostics, *later), strict=parsed_args.strict)
        if code or compiled.value is None:
            return code
        text = write_workflow(compiled.value, parsed_args.template_dir)
        if parsed_args.check:
            return compare(parsed_args.output, text)
        write_artefact(parsed_args.output, text)
        return ExitCode.OK

    def _read(self, arguments: argparse.Namespace) -> list[Input]:
        """Every file that is read."""
        templates = Path(arguments.template_dir).glob("*") if arguments.template_dir else ()
        providers = provider_inputs(arguments.provider_config_dir)
        return [*self.files(arguments), *providers, *(("the template", each) for each in templates)]

    def check_command(self, arguments: argparse.Namespace) -> str:
        """The command line that tells whether the file is up to date; it stands in the file's header."""
        options = [] if arguments.max_tasks == MAX_TASKS else ["--max-tasks", str(arguments.max_tasks)]
        if arguments.lower != Lower.REVERSE:
            options += ["--lower", arguments.lower]
        output = "FILE" if arguments.output == "-" else arguments.output
        command = ["embank", "compile", str(self.operation), *self.inputs(arguments), *options, "-o", output]
        return f"{shlex.join(command)} --check"


class CompileProtect(Compile):
    """`embank compile protect`."""

    operation = Operation.PROTECT

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """The options."""
        parser = super().get_parser(prog_name)
        add_plan(parser)
        add_directory(parser)
        return parser

    def inputs(self, arguments: argparse.Namespace) -> list[str]:
        """Plan and resource graph."""
        return [arguments.plan, "--resources", arguments.resources]

    def files(self, arguments: argparse.Namespace) -> list[Input]:
        """The same."""
        return [("the plan", arguments.plan), ("the resource graph", arguments.resources)]

    def prepare(self, arguments: argparse.Namespace) -> Checked[Prepared]:
        """From the files."""
        from embank.inputs.request import read_protect

        return read_protect(arguments.plan, arguments.resources, arguments.provider_config_dir)

    def later(self, prepared: Prepared) -> tuple[Diagnostic, ...]:
        """A checkpoint that could not be restored or deleted is not worth making."""
        return later_problems(prepared)


class CompileRestore(Compile):
    """`embank compile restore`, and with another operation the two others."""

    operation = Operation.RESTORE

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """The options."""
        parser = super().get_parser(prog_name)
        add_provider(parser)
        parser.add_argument(
            "--checkpoint", metavar="CHECKPOINT", required=True, help="its id, or a beginning that only one has"
        )
        parser.add_argument("--parameters", metavar="FILE", help="parameters and policies for this operation")
        return parser

    def inputs(self, arguments: argparse.Namespace) -> list[str]:
        """Provider, checkpoint and parameters."""
        given = ["--provider", arguments.provider, "--checkpoint", arguments.checkpoint]
        return [*given, "--parameters", arguments.parameters] if arguments.parameters else given

    def files(self, arguments: argparse.Namespace) -> list[Input]:
        """The parameters."""
        return [("the parameters", arguments.parameters)] if arguments.parameters else []

    def prepare(self, arguments: argparse.Namespace) -> Checked[Prepared]:
        """From the checkpoint alone."""
        from embank.inputs.plan.settings import read_parameters
        from embank.inputs.request import read_operation

        settings = need(read_parameters(arguments.parameters)) if arguments.parameters else None
        provider = provider_of(arguments)
        checkpoints = checkpoints_of(provider)
        # whole in the file, however short it was typed
        arguments.checkpoint = checkpoint_id(checkpoints, arguments.checkpoint)
        checkpoint = checkpoints.open(arguments.checkpoint)
        require_usable(self.operation, checkpoint)
        return read_operation(self.operation, checkpoint, provider, settings)


class CompileDelete(CompileRestore):
    """`embank compile delete`."""

    operation = Operation.DELETE


class CompileVerify(CompileRestore):
    """`embank compile verify`."""

    operation = Operation.VERIFY


def later_problems(prepared: Prepared) -> tuple[Diagnostic, ...]:
    """Errors that restoring or deleting the checkpoint of a protect would meet when it is compiled."""
    from embank.inputs.request import later_request
    from embank.passes import compile_workflow

    return tuple(
        replace(problem, message=f"the checkpoint could not be {DONE[operation]} later: {problem.message}")
        for operation in DONE
        for problem in compile_workflow(later_request(operation, prepared)).diagnostics
        if problem.severity is Severity.ERROR
    )


def require_usable(operation: Operation, checkpoint: Checkpoint) -> None:
    """Raise UsageError when the status of a checkpoint does not allow the operation."""
    from embank.checkpoint.records.status import Status

    status = checkpoint.status()
    if operation is not Operation.DELETE and status.status is not Status.AVAILABLE:
        why = f" ({status.reason})" if status.reason else ""
        raise UsageError(f"the checkpoint {checkpoint.id} is {status.status}{why}: there is nothing to {operation}")
