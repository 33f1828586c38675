"""Second pass: activities with the same key of their plugin become one task that takes several resources.

docs/reference.md, "The four link rules": "a plugin that handles multiple resources or that aggregates multiple
resources to one task". A closer is merged by its own key, whatever became of the activity that it closes: what is
open is known for each resource, and a closer that takes several runs when one of them is open.
"""

from __future__ import annotations

from dataclasses import replace

from embank.diagnostics import Checked, Diagnostic
from embank.graph import reverse
from embank.model import Body, Kind, Request, Workflow
from embank.passes.merge import merge, merge_problem

Groups = dict[tuple[str, str, str], list[int]]


def aggregate(workflow: Workflow) -> Checked[Workflow]:
    """The body with every group merged at the place of its first member."""
    (body,) = workflow.bodies
    groups, problems = _groups(workflow.request, body)
    if problems or not groups:
        return Checked(workflow, tuple(problems))
    first = list(range(len(body.tasks)))
    for members in groups.values():
        for member in members:
            first[member] = members[0]
    grouped = {member for members in groups.values() for member in members}
    tasks = (replace(task, aggregated=True) if index in grouped else task for index, task in enumerate(body.tasks))
    owners = [task.resources[0] for task in body.tasks]
    problem = merge_problem(body, first, owners, f"these {workflow.request.operation} activities")
    if problem:
        return Checked(workflow, (problem,))
    return Checked(replace(workflow, bodies=(merge(replace(body, tasks=tuple(tasks)), first),)))


def _groups(request: Request, body: Body) -> tuple[Groups, list[Diagnostic]]:
    """Members of every key in file order, by (plugin, phase, key)."""
    groups: Groups = {}
    problems: list[Diagnostic] = []
    graph = request.graph
    nodes = {resource.key: node for node, resource in enumerate(graph.resources)}
    parents = reverse(graph.dependents)
    for index, task in enumerate(body.tasks):
        if task.kind is not Kind.ACTIVITY or task.phase is None:
            continue
        (resource,) = task.resources
        plugin = request.types[resource.type]
        try:
            above = [graph.resources[parent] for parent in parents[nodes[resource.key]]]
            key = plugin.aggregate(task.phase, resource, above)
        except Exception as error:  # a plugin's code: whatever it raises is its author's to hear
            message = f"{plugin.plugin}: aggregate() failed for {resource}: {type(error).__name__}: {error}"
            problems.append(Diagnostic("EMB503", message, hint="this is a fault of the plugin"))
            continue
        if key is not None:
            groups.setdefault((plugin.plugin, task.phase, key), []).append(index)
    return groups, problems
