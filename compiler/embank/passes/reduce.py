"""Drop the `requires` that other `requires` imply.

After pruning, because contraction is what makes most of them; before outlining, because every edge that is left
becomes an edge between parts. What is in doubt after a linear effort stays: one `requires` too many is harmless
(decision PASS-4).
"""

from __future__ import annotations

from dataclasses import replace

from embank.diagnostics import Checked
from embank.model import Body, Workflow
from embank.passes.reachability import transitive_reduction


def reduce(workflow: Workflow) -> Checked[Workflow]:
    """The workflow with the same order and fewer `requires`. The same object when there is none to drop."""
    bodies = tuple(map(_reduced, workflow.bodies))
    cleanup = tuple(map(_reduced, workflow.cleanup))
    if bodies == workflow.bodies and cleanup == workflow.cleanup:
        return Checked(workflow)
    return Checked(replace(workflow, bodies=bodies, cleanup=cleanup))


def _reduced(body: Body) -> Body:
    requires = tuple(map(tuple, transitive_reduction(body.requires)))
    return body if requires == body.requires else replace(body, requires=requires)
