"""The commands: name, where its class is, and the line that help shows. Nothing is imported until it is used."""

from __future__ import annotations

from typing import NamedTuple


class Entry(NamedTuple):
    """One command. `target` is `module:Class`; `more` is what its own help says besides."""

    target: str
    summary: str
    more: str = ""

    @property
    def description(self) -> str:
        """What its own help begins with."""
        return f"{self.summary} {self.more}".rstrip()


COMMANDS: dict[str, Entry] = {
    "discover": Entry(
        "embank.cli.commands.discover:Discover",
        "Ask what there is, and write the resource graph.",
        "Nothing is changed. Plans are compiled against the file: `embank compile protect --resources FILE`.",
    ),
    "validate": Entry(
        "embank.cli.commands.validate:Validate",
        "Check providers, a plan and a resource graph, offline.",
        "No bank and no cloud is asked. Exit 1 when there are problems.",
    ),
    "compile protect": Entry(
        "embank.cli.commands.compile:CompileProtect",
        "Compile a plan into the workflow that protects.",
        "Nothing is executed. Read the file, then `embank run` it. In CI, `-o FILE --check` exits 2 when the "
        "committed file is stale.",
    ),
    "compile restore": Entry(
        "embank.cli.commands.compile:CompileRestore",
        "Compile the workflow that restores a checkpoint.",
        "Nothing is executed. All that is needed is the provider and the checkpoint; --parameters says what is to be "
        "otherwise than it was.",
    ),
    "compile delete": Entry(
        "embank.cli.commands.compile:CompileDelete",
        "Compile the workflow that deletes a checkpoint.",
        "Nothing is executed. `embank checkpoint delete` compiles and executes in one step.",
    ),
    "compile verify": Entry(
        "embank.cli.commands.compile:CompileVerify",
        "Compile the workflow that verifies a checkpoint.",
        "Nothing is executed. Each plugin verifies what it stored; `embank checkpoint verify` compares digests, and "
        "needs no workflow.",
    ),
    "lint": Entry(
        "embank.cli.commands.lint:Lint",
        "Check a workflow file, offline.",
        "For files that were edited or made by another version. Exit 1 when there are problems.",
    ),
    "rehearse": Entry(
        "embank.cli.commands.rehearse:Rehearse",
        "Try every single fault, without doing anything.",
        "On a virtual clock: no plugin, no bank and no provider is used. Exit 1 when a fault would leave something "
        "frozen.",
    ),
    "run": Entry(
        "embank.cli.commands.run:Run",
        "Execute a workflow file on this machine.",
        "Ctrl-C stops it in order: what is frozen is thawed; a second one stops at once. After a crash, `embank "
        "resume` goes on. `embank help exit-codes` says how it can end.",
    ),
    "resume": Entry(
        "embank.cli.commands.resume:Resume",
        "Go on with an execution whose runner left off.",
        "Where closers failed (exit 5), it runs those again. `embank execution list` has the ids.",
    ),
    "cancel": Entry(
        "embank.cli.commands.cancel:Cancel",
        "Stop an execution in order: closers run.",
        "Works while a runner is at work, after it left off, and for executions in Mistral. Exit 0 when nothing is "
        "left open.",
    ),
    "submit": Entry(
        "embank.cli.commands.submit:Submit",
        "Execute a workflow file on OpenStack Mistral.",
        "Prints the id of the execution. Where Mistral is follows from --mistral-url, --os-cloud or the OS_* "
        "variables.",
    ),
    "watch": Entry(
        "embank.cli.commands.submit:Watch",
        "Watch an execution in Mistral until it has ended.",
        "Exits as the execution does. Ctrl-C ends the watching, not the execution.",
    ),
    "import": Entry(
        "embank.cli.commands.submit:Import",
        "Keep what Mistral says of an execution here.",
        "Afterwards `embank execution show` and `embank execution logs` tell of it.",
    ),
    "schedule": Entry(
        "embank.cli.commands.submit:Schedule",
        "Have Mistral start a protect workflow by the clock.",
        "Makes a cron trigger of Mistral. Times are UTC.",
    ),
    "execution list": Entry(
        "embank.cli.commands.execution:ExecutionList",
        "List the executions that are kept here.",
        "The newest is first.",
    ),
    "execution show": Entry(
        "embank.cli.commands.execution:ExecutionShow",
        "Show how an execution stands, or ended.",
        "Exit 0 whatever became of it.",
    ),
    "execution logs": Entry("embank.cli.commands.execution:ExecutionLogs", "Show all that happened in an execution."),
    "checkpoint list": Entry("embank.cli.commands.checkpoint:CheckpointList", "List the checkpoints of a bank."),
    "checkpoint show": Entry("embank.cli.commands.checkpoint:CheckpointShow", "Show what a checkpoint holds."),
    "checkpoint verify": Entry(
        "embank.cli.commands.checkpoint:CheckpointVerify",
        "Read a checkpoint back, check every digest.",
        "Exit 1 when anything is missing or not as it was written.",
    ),
    "checkpoint delete": Entry(
        "embank.cli.commands.checkpoint_delete:CheckpointDelete",
        "Delete a checkpoint; prove nothing is left.",
        "Compiles the workflow that deletes it, and executes it at once, as `embank run` does.",
    ),
    "checkpoint prune": Entry(
        "embank.cli.commands.checkpoint_delete:CheckpointPrune",
        "Compile the deletion of old checkpoints.",
        "A checkpoint that any --keep option keeps is kept. Nothing is deleted before the workflows are run.",
    ),
    "provider list": Entry("embank.cli.commands.provider:ProviderList", "List the providers."),
    "provider show": Entry("embank.cli.commands.provider:ProviderShow", "Show a provider, its bank and its plugins."),
    "plugin list": Entry("embank.cli.commands.plugin:PluginList", "List the installed protection plugins and banks."),
    "plugin show": Entry("embank.cli.commands.plugin:PluginShow", "Show a plugin: its activities and options."),
    "complete": Entry(
        "embank.cli.commands.complete:Complete",
        "Print what a shell needs for completion.",
        'For bash: `eval "$(embank complete)"`, or keep it in a file of bash-completion.',
    ),
    "help": Entry("embank.cli.commands.help:Help", "Show help for a command, or `help exit-codes`."),
}
