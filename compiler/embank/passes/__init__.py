"""The compiler: a literal list of passes, each from a workflow to a workflow, each pure.

A pass sees the request (plan, resource graph, plugins' activities) and nothing of the world. The same list
compiles protect, restore, delete and verify.

traverse, aggregate, bracket, prune, reduce, outline, name
              the passes, in their order; the list says why in this one
merge         several tasks become one: for aggregate and bracket
outlining/    where to cut: for outline
reachability  what can be reached from what: for prune, reduce and outline
"""

from __future__ import annotations

from collections.abc import Callable

from embank.diagnostics import Checked, Diagnostic, has_errors
from embank.model import Request, Workflow
from embank.passes.aggregate import aggregate
from embank.passes.bracket import bracket
from embank.passes.name import name
from embank.passes.outline import outline
from embank.passes.prune import prune
from embank.passes.reduce import reduce
from embank.passes.traverse import traverse

Pass = Callable[[Workflow], Checked[Workflow]]

PASSES: tuple[Pass, ...] = (
    traverse,  # everything else needs the tasks and their whole order
    aggregate,  # before closers are looked for: an aggregated activity can be one
    bracket,  # while the no-ops are there, so that the closers' order passes through them
    prune,  # before reducing: contraction makes edges that other edges imply
    reduce,  # before outlining: an implied edge between two parts would order the parts for nothing
    outline,  # on the final tasks and edges: it counts tasks and cuts where few edges are
    name,  # last: parts and joins have names too
)


def compile_workflow(request: Request) -> Checked[Workflow]:
    """Run all passes. A pass that reports an error ends the compilation: the next would repeat it."""
    workflow = Workflow(request)
    found: list[Diagnostic] = []
    for run in PASSES:
        checked = run(workflow)
        found += checked.diagnostics
        if checked.value is None or has_errors(checked.diagnostics):
            return Checked(None, tuple(found))
        workflow = checked.value
    return Checked(workflow, tuple(found))
