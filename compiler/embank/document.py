"""A workflow file as read: what the reference runner, lint and diff work on.

People edit workflow files, so this is not the compiler's model: it holds whatever of Mistral's DSL
2.0 Embank supports, with the place of everything. `embank.inputs.workflow` reads it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from embank.diagnostics import Place
from embank.model import EMPTY, Json, Parameters, Phase, Resource

# What may follow a task of a direct workflow besides tasks: Mistral's engine commands, those supported.
COMMANDS = frozenset(("noop", "fail", "succeed"))
TARGET = "task_name"  # what a reverse workflow is called with besides its own input: which task to run towards


class Flow(StrEnum):
    """How the tasks of a workflow are ordered: by what follows them, or by what they require."""

    DIRECT = "direct"
    REVERSE = "reverse"


@dataclass(frozen=True, slots=True)
class Expression:
    """A value known only while the workflow runs. `kind` names one of the few supported forms.

    execution-id: `<% execution().id %>` · variable: `<% $.NAME %>` · task-state: `<% task(NAME).state %>`
    """

    kind: str
    name: str
    place: Place


# What a task with an action does, as its input says (`embank.task_input` decodes it), without the `run` that all are
# given. Parameters and outputs may hold Expressions.


@dataclass(frozen=True, slots=True)
class Begin:
    """Open the checkpoint, and save a chunk of the resource graph, if there is one."""

    graph: Parameters | None
    chunk: int
    chunks: int


@dataclass(frozen=True, slots=True)
class PluginWork:
    """What a protection plugin is to do. `parameters` runs beside `resources`; `aggregated` tells one resource of
    several from a single one. `poll_interval` is in seconds; None: the default.
    """

    phase: Phase
    resources: tuple[Resource, ...]
    parameters: tuple[Parameters, ...]
    aggregated: bool
    poll_interval: float | None


@dataclass(frozen=True, slots=True)
class Activity(PluginWork):
    """Run an activity."""


@dataclass(frozen=True, slots=True)
class Closer(PluginWork):
    """Run an activity in the cleanup, if the phase that it `closes` is open."""

    closes: Phase


@dataclass(frozen=True, slots=True)
class Complete:
    """Say how the execution ended."""

    status: str


@dataclass(frozen=True, slots=True)
class Echo:
    """Tell people something."""

    output: Json


Does = Begin | Activity | Closer | Complete | Echo


@dataclass(frozen=True, slots=True)
class Retry:
    """How often a failed task is started again, and after how many seconds each time."""

    count: int
    delay: int


@dataclass(frozen=True, slots=True)
class TaskSpec:
    """One task. Exactly one of `action` and `workflow` is set. `input` may hold Expressions: it is what an engine
    calls the action with. What it says is `does`; None when there is nothing to say, or another workflow is run.

    `join` (in a direct workflow): it waits for all tasks that lead to it.
    """

    name: str
    place: Place
    action: str = ""
    workflow: str = ""
    description: str = ""
    input: Parameters = field(default_factory=lambda: EMPTY)
    does: Does | None = None
    requires: tuple[str, ...] = ()
    on_success: tuple[str, ...] = ()
    on_error: tuple[str, ...] = ()
    on_complete: tuple[str, ...] = ()
    join: bool = False
    retry: Retry | None = None
    timeout: int | None = None
    wait_before: int = 0
    wait_after: int = 0
    pause_before: bool = False

    @property
    def resources(self) -> tuple[Resource, ...]:
        """Those that its activity or closer is about; any other task is about none."""
        return self.does.resources if isinstance(self.does, PluginWork) else ()


@dataclass(frozen=True, slots=True)
class WorkflowSpec:
    """One workflow of a document. `tasks` keeps the order of the file."""

    name: str
    flow: Flow
    place: Place
    description: str = ""
    input: tuple[str, ...] = ()
    vars: Parameters = field(default_factory=lambda: EMPTY)
    output: Parameters = field(default_factory=lambda: EMPTY)
    tasks: Mapping[str, TaskSpec] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Document:
    """A whole workflow file. `main` is the workflow that nothing else in the file calls."""

    file: str
    sha256: str
    main: str
    workflows: Mapping[str, WorkflowSpec]

    @property
    def run(self) -> Mapping[str, Json]:
        """The `run` variable of the main workflow: provider, plan, operation, checkpoint, execution."""
        run: Mapping[str, Json] = self.workflows[self.main].vars["run"]
        return run
