"""How long every task of a document takes in a rehearsal, and which durations are of no use to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from embank.diagnostics import Diagnostic, Severity, did_you_mean
from embank.document import Document, PluginWork, TaskSpec
from embank.inputs.durations import Durations
from embank.inputs.shape import quoted


def seconds_of(document: Document, durations: Durations) -> Callable[[TaskSpec], float]:
    """What says how long the action of a task takes. An activity of several resources takes as long as its longest
    member would.
    """
    named = {id(spec): durations.tasks[path] for path in durations.tasks if (spec := _task(document, path))}

    def seconds(spec: TaskSpec) -> float:
        if id(spec) in named:
            return named[id(spec)]
        does = spec.does
        if not isinstance(does, PluginWork):
            return durations.default
        return max(durations.of_activity(resource.type, resource.id, does.phase) for resource in does.resources)

    return seconds


def unused(document: Document, durations: Durations) -> Iterator[Diagnostic]:
    """A warning for every key that nothing in the document answers to."""
    specs = [spec for workflow in document.workflows.values() for spec in workflow.tasks.values()]
    keys = [resource.key for spec in specs for resource in spec.resources]
    known = {str(key) for key in keys} | {key.type for key in keys}
    wrong = [(key, did_you_mean(key, sorted(known))) for key in durations.activities if key not in known]
    wrong += [(path, _nearest(document, path)) for path in durations.tasks if _task(document, path) is None]
    for key, hint in wrong:
        message = f"nothing in {document.file} is called {quoted(key)}: its duration has no effect"
        yield Diagnostic("EMB313", message, durations.places[key], hint, severity=Severity.WARNING)


def _task(document: Document, path: str) -> TaskSpec | None:
    """The task of a path: the names from the main workflow down, joined by "/"."""
    workflow, spec = document.main, None
    for name in path.split("/"):
        if workflow not in document.workflows:
            return None
        spec = document.workflows[workflow].tasks.get(name)
        if spec is None:
            return None
        workflow = spec.workflow
    return spec


def _nearest(document: Document, path: str) -> str:
    """A hint from the workflow that the path leads into before it goes wrong."""
    above, _, name = path.rpartition("/")
    spec = _task(document, above) if above else None
    workflow = document.workflows.get(spec.workflow if spec else document.main)
    hint = did_you_mean(name, workflow.tasks if workflow else ())
    return hint or 'a task is named by its path, such as "activities/sqlite_orders_ready"'
