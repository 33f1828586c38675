"""The commands: name, where its class is, and the line that help shows. Nothing is imported until it is used."""

from __future__ import annotations

from typing import NamedTuple


class Entry(NamedTuple):
    """One command. `target` is `module:Class`."""

    target: str
    summary: str


COMMANDS: dict[str, Entry] = {
    "discover": Entry("embank.cli.discover:Discover", "Ask what there is, and write the resource graph."),
    "validate": Entry("embank.cli.validate:Validate", "Check providers, a plan and a resource graph, offline."),
    "compile protect": Entry("embank.cli.compile:CompileProtect", "Compile a plan into the workflow that protects."),
    "compile restore": Entry("embank.cli.compile:CompileRestore", "Compile the workflow that restores a checkpoint."),
    "compile delete": Entry("embank.cli.compile:CompileDelete", "Compile the workflow that deletes a checkpoint."),
    "compile verify": Entry("embank.cli.compile:CompileVerify", "Compile the workflow that verifies a checkpoint."),
    "lint": Entry("embank.cli.lint:Lint", "Check a workflow file, offline."),
    "rehearse": Entry("embank.cli.rehearse:Rehearse", "Try every single fault, without doing anything."),
    "run": Entry("embank.cli.run:Run", "Execute a workflow file on this machine."),
    "resume": Entry("embank.cli.resume:Resume", "Go on with an execution whose runner left off."),
    "cancel": Entry("embank.cli.cancel:Cancel", "Stop an execution in order: closers run."),
    "submit": Entry("embank.cli.submit:Submit", "Execute a workflow file on OpenStack Mistral."),
    "watch": Entry("embank.cli.submit:Watch", "Watch an execution in Mistral until it has ended."),
    "import": Entry("embank.cli.submit:Import", "Keep what Mistral says of an execution here."),
    "schedule": Entry("embank.cli.submit:Schedule", "Have Mistral start a protect workflow by the clock."),
    "execution list": Entry("embank.cli.execution:ExecutionList", "List the executions that are kept here."),
    "execution show": Entry("embank.cli.execution:ExecutionShow", "Show how an execution stands, or ended."),
    "execution logs": Entry("embank.cli.execution:ExecutionLogs", "Show all that happened in an execution."),
    "checkpoint list": Entry("embank.cli.checkpoint:CheckpointList", "List the checkpoints of a bank."),
    "checkpoint show": Entry("embank.cli.checkpoint:CheckpointShow", "Show what a checkpoint holds."),
    "checkpoint verify": Entry(
        "embank.cli.checkpoint:CheckpointVerify", "Read a checkpoint back, check every digest."
    ),
    "checkpoint delete": Entry(
        "embank.cli.checkpoint_delete:CheckpointDelete", "Delete a checkpoint; prove nothing is left."
    ),
    "checkpoint prune": Entry(
        "embank.cli.checkpoint_delete:CheckpointPrune", "Compile the deletion of old checkpoints."
    ),
    "provider list": Entry("embank.cli.provider:ProviderList", "List the providers."),
    "provider show": Entry("embank.cli.provider:ProviderShow", "Show a provider, its bank and its plugins."),
    "plugin list": Entry("embank.cli.plugin:PluginList", "List the installed protection plugins and banks."),
    "plugin show": Entry("embank.cli.plugin:PluginShow", "Show a plugin: its activities and options."),
    "help": Entry("embank.cli.help:Help", "Show help for a command, or `help exit-codes`."),
}
