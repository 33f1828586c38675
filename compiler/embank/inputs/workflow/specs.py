"""The workflows of a file, one by one."""

from __future__ import annotations

from embank.diagnostics import did_you_mean
from embank.document import Flow, TaskSpec, WorkflowSpec
from embank.inputs.kinds import LOOKS_LIKE, Kind, kind_of
from embank.inputs.shape import Shape, named, quoted
from embank.inputs.workflow import keys
from embank.inputs.workflow.fields import Fields
from embank.inputs.workflow.tasks import read_task
from embank.inputs.workflow.values import Values
from embank.model import Json

FLOWS = tuple(map(str, Flow))
WRITTEN_BY = "a workflow file is written by `embank compile`"


def read_specs(shape: Shape) -> dict[str, WorkflowSpec]:
    """Every workflow of the file, as far as it is right. {} when this is no workflow file at all."""
    file = shape.located.value
    if not any(isinstance(value, dict) and "tasks" in value for value in file.values()):
        place = shape.located.place(file)
        shape.problem("EMB601", "this is no workflow file: there are no workflows in it", place, _guess(file))
        return {}
    _check_version(shape)
    refused = {key: hint for key, hint in keys.NOT_SUPPORTED_IN_FILE.items() if not _has_tasks(file.get(key))}
    specs = {}
    for name, value in file.items():
        place = shape.located.key_place(file, name)
        if name in refused:
            shape.problem("EMB604", f"`{name}` is not supported", place, refused[name])
        elif name != "version" and not isinstance(value, dict):
            message = f"{quoted(name)} should be a workflow, not {named(value)}"
            shape.problem("EMB605", message, place, f"a file holds `version` and workflows; {WRITTEN_BY}")
        elif name != "version":
            specs[name] = _read_spec(shape, name, value)
    return specs


def _read_spec(shape: Shape, name: str, mapping: dict[str, Json]) -> WorkflowSpec:
    what = f"workflow {quoted(name)}"
    place = shape.located.key_place(shape.located.value, name)
    if not keys.WORKFLOW_NAME.fullmatch(name) or keys.UUID_LIKE.fullmatch(name):
        hint = "engines want letters, digits, `_`, `.` and `-`, and nothing that looks like a UUID"
        shape.problem("EMB607", f"{quoted(name)} cannot be the name of a workflow", place, hint)
    fields = Fields(shape, mapping, what)
    fields.only(keys.WORKFLOW, keys.NOT_SUPPORTED_IN_WORKFLOW)
    flow = _flow(fields)
    wanted, variables, output = fields.names("input", single=False), fields.mapping("vars"), fields.mapping("output")
    values = Values(shape, {*wanted, *variables})
    inputs = Values(shape, wanted)  # variables cannot be made of each other
    return WorkflowSpec(
        name=name,
        flow=flow,
        place=place,
        description=fields.text("description"),
        input=wanted,
        vars=inputs.read(variables, mapping, "vars"),
        output=values.read(output, mapping, "output"),
        tasks=_read_tasks(shape, fields, values, flow),
    )


def _flow(fields: Fields) -> Flow:
    """The type; as in Mistral `direct` when it is not said."""
    word = fields.text("type")
    if word and word not in FLOWS:
        hint = did_you_mean(word, FLOWS)
        fields.problem("EMB605", f"the type must be direct or reverse, not {quoted(word)}", "type", hint)
    return Flow(word) if word in FLOWS else Flow.DIRECT


def _read_tasks(shape: Shape, fields: Fields, values: Values, flow: Flow) -> dict[str, TaskSpec]:
    if not fields.needs("tasks", "a workflow without tasks does nothing: take it out"):
        return {}
    tasks = fields.mapping("tasks")
    specs: dict[str, TaskSpec] = {}
    for name, value in tasks.items():
        place = shape.located.key_place(tasks, name)
        if name in keys.RESERVED[flow]:
            shape.problem(
                "EMB607", f"the name {quoted(name)} has a meaning of its own in engines", place, "rename the task"
            )
        elif not keys.TASK_NAME.fullmatch(name):
            hint = "a letter or `_`, then letters, digits and `_` (ASCII), at most 255"
            shape.problem("EMB607", f"{quoted(name)} cannot be the name of a task", place, hint)
        if isinstance(value, dict):
            specs[name] = read_task(shape, values, flow, name, value, place)
        else:
            message = f"task {quoted(name)} should be keys and values, not {named(value)}"
            shape.problem("EMB605", message, place, "say what it runs: `action` or `workflow`")
            specs[name] = TaskSpec(name, place)  # so that nobody misses it
    for expression in values.task_states:
        if expression.name not in specs:
            hint = did_you_mean(expression.name, list(specs)[:1000])
            shape.problem("EMB608", f"there is no task {quoted(expression.name)} here", expression.place, hint)
    return specs


def _check_version(shape: Shape) -> None:
    file = shape.located.value
    if "version" not in file:
        place = shape.located.place(file)
        shape.problem("EMB602", "the file does not say its version", place, f"begin with `version: '{keys.VERSION}'`")
    elif file["version"] not in keys.VERSIONS or isinstance(file["version"], bool):
        place = shape.located.place(file, "version")
        shape.problem("EMB605", f"the version must be '{keys.VERSION}', Mistral's second language", place, WRITTEN_BY)


def _has_tasks(value: Json) -> bool:
    return isinstance(value, dict) and "tasks" in value


def _guess(file: dict[str, Json]) -> str:
    """What the person may have meant."""
    kind = kind_of(file)
    if kind is Kind.PLAN:
        return "this looks like a plan: `embank compile protect` makes a workflow of it"
    if kind is Kind.RESOURCES:
        return LOOKS_LIKE[kind]
    if "workflows" in file:
        return keys.NOT_SUPPORTED_IN_FILE["workflows"]
    return WRITTEN_BY
