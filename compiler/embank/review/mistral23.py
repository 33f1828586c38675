"""What a workflow file that Embank can run may meet in OpenStack Mistral 23.0.0.

The reader refuses whatever Mistral's own parser refuses. Here is what Mistral takes, and then fails at, ignores, or
does in another way than the reference runner. What Embank's own files have anyway is a note; `--strict` passes it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

from embank.diagnostics import Diagnostic, Place, Related, Severity
from embank.document import Activity, Document, Expression, Flow, TaskSpec, WorkflowSpec
from embank.expressions import Form
from embank.graph import depth_first, reverse
from embank.inputs.shape import quoted
from embank.inputs.workflow import Rule
from embank.inputs.workflow.branches import followers
from embank.inputs.yaml import Located
from embank.model import Json
from embank.review.mistral23_sizes import check_sizes

# Names that Mistral puts beside the variables of a workflow (workflow/data_flow.py).
OPENSTACK = "openstack"
HIDDEN = "__"
MOST = 300  # tasks, which cost a hundred CPU-seconds of Mistral's (docs/mistral.md, "What it costs")
ASKING = 100  # tasks that ask for the states of others and are looked at: each costs a walk through the workflow
SHOWN = 5  # other places of a note
RESUME = (
    "the execution stands still until somebody says: openstack workflow execution update --state RUNNING EXECUTION"
)


def check_names(document: Document, located: Located) -> Iterator[Diagnostic]:
    """Variables and inputs that would hide what Mistral keeps beside them, or be hidden by it."""
    for spec in document.workflows.values():
        mapping = located.value[spec.name]
        places = {name: located.key_place(mapping["vars"], name) for name in spec.vars}
        places |= {name: located.place(mapping["input"], index) for index, name in enumerate(spec.input)}
        for name, place in places.items():
            if name == OPENSTACK or name.startswith(HIDDEN):
                message = (
                    f"workflow {quoted(spec.name)}: Mistral keeps something of its own under the name {quoted(name)}"
                )
                yield Diagnostic("EMB652", message, place, "choose another name")


def check_concurrency(document: Document, located: Located) -> Iterator[Diagnostic]:
    """Limits of resource types: the runner keeps them."""
    if "concurrency" in document.workflows[document.main].vars:
        place = located.key_place(located.value[document.main]["vars"], "concurrency")
        message = "Mistral knows no limits of resource types: it runs at once whatever can run"
        hint = "`executor_thread_pool_size` limits what runs on one executor; or let one task require another"
        yield Diagnostic("EMB653", message, place, hint, severity=Severity.WARNING)


def check_pauses(document: Document, located: Located) -> Iterator[Diagnostic]:
    """`pause-before`: the runner asks, Mistral stands still."""
    for spec, task in _tasks(document):
        if task.pause_before:
            place = located.key_place(located.value[spec.name]["tasks"][task.name], "pause-before")
            message = (
                f"task {quoted(task.name)}: Mistral asks nobody before it starts this task; what is frozen stays so"
            )
            yield Diagnostic("EMB654", message, place, RESUME, severity=Severity.WARNING)


def check_timeouts(document: Document, located: Located) -> Iterator[Diagnostic]:
    """Mistral arms the timer of a task once (engine/tasks.py: _run_existing runs no policy)."""
    found = [
        located.key_place(located.value[spec.name]["tasks"][task.name], "timeout")
        for spec, task in _tasks(document)
        if task.timeout and task.retry and task.retry.count
    ]
    if found:
        message = (
            f"{_count(found, 'task has', 'tasks have')} retry and timeout: Mistral counts the time once, from the "
            "start of the first attempt; after that the attempts that are left have no limit"
        )
        hint = "nothing to do if activities end by themselves; else make the timeout long enough for all attempts"
        yield _note("EMB654", message, found, hint)


def check_endless(document: Document, located: Located) -> Iterator[Diagnostic]:
    """Activities without a timeout, by which alone a lost executor is known where Mistral uses Keystone."""
    found = [
        located.key_place(located.value[spec.name]["tasks"], task.name)
        for spec, task in _tasks(document)
        if isinstance(task.does, Activity) and not task.timeout
    ]
    if found:
        message = (
            f"{_count(found, 'activity has', 'activities have')} no timeout: without Mistral's check of heartbeats, "
            "which does not work where it uses Keystone, nobody notices when an executor dies"
        )
        hint = "give the resource type a timeout, and a retry, in the plan's policies"
        yield _note("EMB657", message, found, hint)


def check_task_counts(document: Document, located: Located) -> Iterator[Diagnostic]:
    """Workflows that take Mistral too long."""
    for spec in document.workflows.values():
        if len(spec.tasks) > MOST:
            name = quoted(spec.name)
            message = (
                f"workflow {name} has {len(spec.tasks)} tasks: Mistral's time grows with the square of their number"
            )
            hint = f"compile with a smaller --max-tasks, which cuts it into parts; more than {MOST} take too long"
            yield Diagnostic("EMB655", message, spec.place, hint, severity=Severity.WARNING)


def check_false_success(document: Document, located: Located) -> Iterator[Diagnostic]:
    """Several engines at one reverse workflow may end it without having run all of it (seen in 5 of 126)."""
    found = [spec.place for spec in document.workflows.values() if spec.flow is Flow.REVERSE]
    if found:
        message = (
            f"{_count(found, 'workflow is', 'workflows are')} of type reverse: with more than one engine "
            "process Mistral may end such a workflow with SUCCESS although tasks of it have not run"
        )
        hint = "run one engine (executors may be many), or compile with --lower direct; `watch` finds what is missing"
        yield _note("EMB656", message, found, hint)


def check_task_states(document: Document, located: Located) -> Iterator[Diagnostic]:
    """`task(NAME).state` of a task that has not begun is an error in Mistral, which fails the whole execution."""
    for spec in document.workflows.values():
        found = ((task.name, _states(task.input)) for task in spec.tasks.values())
        asking = dict(islice(((name, states) for name, states in found if states), ASKING))
        before = _before(spec, list(asking))
        unsure = [state for name, states in asking.items() for state in states if state.name not in before[name]]
        for state in (*_states(spec.vars), *unsure):
            message = f"task {quoted(state.name)} may not have begun here: the whole execution fails in Mistral then"
            yield Diagnostic("EMB654", message, state.place, "ask for the state of a task that comes before")


def _before(spec: WorkflowSpec, names: Sequence[str]) -> dict[str, set[str]]:
    """For each of these tasks those that come before it, and itself."""
    every = list(spec.tasks)
    number = {name: index for index, name in enumerate(every)}
    if spec.flow is Flow.REVERSE:
        edges = [[number[name] for name in task.requires] for task in spec.tasks.values()]
    else:
        after = [[number[name] for _, name in followers(task) if name in number] for task in spec.tasks.values()]
        edges = reverse(after)
    return {name: {every[index] for index in depth_first(edges, [number[name]])} for name in names}


def _states(value: Json) -> list[Expression]:
    return [each for each in _expressions(value) if each.kind == Form.TASK_STATE]


def _expressions(value: Json) -> Iterator[Expression]:
    if isinstance(value, Expression):
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from _expressions(item)
    elif hasattr(value, "values"):
        for item in value.values():
            yield from _expressions(item)


def _tasks(document: Document) -> Iterator[tuple[WorkflowSpec, TaskSpec]]:
    for spec in document.workflows.values():
        for task in spec.tasks.values():
            yield spec, task


def _note(code: str, message: str, found: Sequence[Place], hint: str) -> Diagnostic:
    """One for all of the places; the first few are shown."""
    related = tuple(Related(place, "another one") for place in found[1 : 1 + SHOWN])
    return Diagnostic(code, message, found[0], hint, related, Severity.NOTE)


def _count(found: Sequence[object], one: str, many: str) -> str:
    return f"{len(found)} {one if len(found) == 1 else many}"


RULES: tuple[Rule, ...] = (
    check_names,
    check_sizes,
    check_task_states,
    check_concurrency,
    check_pauses,
    check_task_counts,
    check_timeouts,
    check_endless,
    check_false_success,
)
