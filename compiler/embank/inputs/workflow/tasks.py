"""One task of a workflow file, key by key."""

from __future__ import annotations

from embank.diagnostics import Place
from embank.document import Flow, Retry, TaskSpec
from embank.inputs.shape import Shape, quoted
from embank.inputs.workflow import keys
from embank.inputs.workflow.actions import check_action, read_input
from embank.inputs.workflow.fields import Fields
from embank.inputs.workflow.values import Values
from embank.model import EMPTY, Json, Parameters

REFUSED = {flow: {**keys.NOT_SUPPORTED_IN_TASK, **keys.MISPLACED[flow]} for flow in Flow}


def read_task(
    shape: Shape, values: Values, flow: Flow, name: str, mapping: dict[str, Json], place: Place
) -> TaskSpec:
    """A task, as far as it is right; what is wrong with it goes to `shape`."""
    what = f"task {quoted(name)}"
    fields = Fields(shape, mapping, what)
    fields.only(keys.TASK, REFUSED[flow])
    action, workflow = fields.text("action"), fields.text("workflow")
    does = None
    given: Parameters = values.read(fields.mapping("input"), mapping, "input") if "input" in mapping else EMPTY
    if action and workflow:
        fields.problem("EMB605", "a task runs an action or a workflow, not both", "workflow", "make two tasks of it")
    elif action:
        if check_action(shape, mapping, what):
            does = read_input(shape, mapping, given, what)
    elif "action" not in mapping and "workflow" not in mapping:
        fields.needs("action", "say what it runs: `action` or `workflow`; std.noop does nothing")
    return TaskSpec(
        name=name,
        place=place,
        action=action,
        workflow=workflow,
        description=fields.text("description"),
        input=given,
        does=does,
        **_order(fields, flow),
        join=_join(fields),
        retry=_retry(shape, fields, what),
        timeout=fields.seconds("timeout", 1),
        wait_before=fields.seconds("wait-before", 0) or 0,
        wait_after=fields.seconds("wait-after", 0) or 0,
        pause_before=fields.flag("pause-before"),
    )


def _order(fields: Fields, flow: Flow) -> dict[str, tuple[str, ...]]:
    """What the flow of the workflow knows of; the other keys were refused."""
    if flow is Flow.REVERSE:
        return {"requires": fields.names("requires")}
    return {key.replace("-", "_"): fields.names(key) for key in ("on-success", "on-error", "on-complete")}


def _join(task: Fields) -> bool:
    """`join: all`. One that waits for some of the tasks before it would have to say for how many."""
    word = task.text("join")
    if word not in ("", "all"):
        task.problem("EMB605", f"join must be `all`, not {quoted(word)}", "join")
    return word == "all"


def _retry(shape: Shape, task: Fields, what: str) -> Retry | None:
    mapping = task.mapping("retry")
    if not mapping:
        return None
    fields = Fields(shape, mapping, f"retry of {what}")
    fields.only(keys.RETRY, keys.NOT_SUPPORTED_IN_RETRY)
    there = [fields.needs(key, "retry needs both: {count: 3, delay: 1}") for key in keys.RETRY]
    count, delay = fields.number("count", 0), fields.seconds("delay", 0)
    return Retry(count or 0, delay or 0) if all(there) else None
