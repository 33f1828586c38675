"""The main workflow: the one that nothing else runs. Its variables say what all tasks are told."""

from __future__ import annotations

from collections.abc import Mapping

from embank.diagnostics import Related, did_you_mean
from embank.document import Begin, Expression, Flow, WorkflowSpec
from embank.expressions import Form
from embank.inputs.shape import Shape, is_kind, quoted
from embank.inputs.workflow.branches import followers
from embank.model import Json, Operation
from embank.resource_graph import from_chunks
from embank.task_parameters import BEGIN, RUN

OPERATIONS = tuple(map(str, Operation))
COMPILED = "was the file compiled by Embank? Compile it again to see how it should look"


def find_main(shape: Shape, specs: Mapping[str, WorkflowSpec]) -> str | None:
    """The name of the main workflow, when it is clear which it is."""
    called = {task.workflow for spec in specs.values() for task in spec.tasks.values()}
    free = [spec for spec in specs.values() if spec.name not in called]
    if len(free) > 1 and called - {""} <= specs.keys():  # else a misspelt name is to blame, and was reported
        names = ", ".join(quoted(spec.name) for spec in free[:10])
        related = tuple(Related(spec.place, f"{spec.name} is here") for spec in free[1:10])
        message = f"only one workflow may be the main one, which no other runs; here are {len(free)}: {names}"
        shape.problem("EMB617", message, free[0].place, "take out what is not used", related)
    return free[0].name if len(free) == 1 else None


def check_main(shape: Shape, spec: WorkflowSpec) -> None:
    """The type, the input and the variables of the main workflow, and the resource graph that it hands on."""
    mapping = shape.located.value[spec.name]
    if spec.flow is not Flow.DIRECT:
        place = shape.located.place(mapping, "type")
        shape.problem("EMB617", f"the main workflow {quoted(spec.name)} must be of type direct", place, COMPILED)
    if spec.input:
        place = shape.located.place(mapping, "input")
        shape.problem("EMB617", "the main workflow takes no input: nobody gives it any", place, "use `vars`")
    if "run" not in spec.vars or not isinstance(spec.vars["run"], dict):
        message = f"the main workflow {quoted(spec.name)} has no variable `run` that says what it is about"
        shape.problem("EMB614", message, spec.place, f"`vars: {{run: …}}` with {', '.join(RUN)}; {COMPILED}")
    else:
        _check_run(shape, mapping["vars"]["run"], spec.vars["run"])
    if "concurrency" in spec.vars:
        _check_concurrency(shape, mapping["vars"], spec.vars["concurrency"])
    _check_start(shape, spec)
    _check_graph(shape, spec)


def _check_start(shape: Shape, spec: WorkflowSpec) -> None:
    """Where there is a begin, nothing of Embank starts beside it: the checkpoint would not be open yet."""
    led_to = {name for task in spec.tasks.values() for _, name in followers(task)}
    first = [task for task in spec.tasks.values() if task.name not in led_to]
    if shape.problems or not any(task.action == BEGIN for task in first):
        return  # a misspelt name may be to blame, and was reported
    for task in first:
        if task.workflow or (task.action.startswith("embank.") and task.action != BEGIN):
            message = f"no task leads to {quoted(task.name)}: it would start at once, before the checkpoint is open"
            shape.problem("EMB619", message, task.place, "name it in `on-success` of the task that it comes after")


def _check_run(shape: Shape, raw: dict[str, Json], run: Mapping[str, Json]) -> None:
    for name in RUN:
        if name not in run:
            shape.problem("EMB614", f"run has no {name}", shape.located.place(raw), f"it says {', '.join(RUN)}")
    for name, value in run.items():
        if name not in RUN:
            hint = did_you_mean(name, RUN) or f"it says {', '.join(RUN)}"
            shape.problem("EMB614", f"run has no key {quoted(name)}", shape.located.key_place(raw, name), hint)
        elif message := _wrong_in_run(name, value, run.get("operation")):
            hint = did_you_mean(value, OPERATIONS) if name == "operation" and isinstance(value, str) else ""
            shape.problem("EMB614", f"{name} of run {message}", shape.located.place(raw, name), hint)


def _wrong_in_run(name: str, value: Json, operation: Json) -> str:
    own_id = isinstance(value, Expression) and value.kind == Form.EXECUTION_ID
    if name == "execution":
        return "" if own_id else "must be <% execution().id %>"
    if name == "operation":
        return "" if value in OPERATIONS else f"must be one of {', '.join(OPERATIONS)}"
    if name == "checkpoint" and own_id:
        new = operation not in OPERATIONS or operation == Operation.PROTECT
        return "" if new else "must be the id of a checkpoint: only protect makes a new one"
    return "" if isinstance(value, str) and value else "must be text"


def _check_concurrency(shape: Shape, raw: dict[str, Json], limits: Json) -> None:
    if not isinstance(limits, dict):
        place = shape.located.place(raw, "concurrency")
        shape.problem("EMB605", "concurrency must give a number for each resource type", place, "such as {TYPE: 2}")
        return
    for name, limit in limits.items():
        if not is_kind(limit, int) or limit < 1:
            place = shape.located.place(raw["concurrency"], name)
            shape.problem("EMB605", f"the concurrency of {quoted(name)} must be a whole number from 1", place)


def _check_graph(shape: Shape, spec: WorkflowSpec) -> None:
    """The resource graph: whole, in order, and one that Embank can read back from the checkpoint."""
    tasks = [task for task in spec.tasks.values() if task.action == BEGIN]
    begins = [(task.does, task) for task in tasks if isinstance(task.does, Begin)]
    if len(begins) < len(tasks):
        return  # reported with the task
    chunks = [(each.chunk, each.chunks, each.graph, task) for each, task in begins if each.graph is not None]
    if not chunks:
        return
    chunks.sort(key=lambda chunk: chunk[0])
    try:
        if [chunk[:2] for chunk in chunks] != [(index + 1, len(chunks)) for index in range(len(chunks))]:
            raise ValueError("its chunks are not numbered from 1 to the last")
        from_chunks([graph for _, _, graph, _ in chunks])
    except (ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
        task = chunks[0][3]
        place = shape.located.place(shape.located.value[spec.name]["tasks"][task.name]["input"], "graph")
        reason = error if isinstance(error, ValueError) else "its rows are not what they should be"
        shape.problem("EMB616", f"the resource graph cannot be read: {reason}", place, "compile the file again")
