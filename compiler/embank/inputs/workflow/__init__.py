"""Reads workflow files, also those that people edited: what is not supported is refused, with place and reason.

    Located ──► specs (keys, types, values: `specs`, `tasks`, `actions`, `values`) ──► Document
                   └──► rules over all of it (`order`, `calls`, `main`)

keys      which keys Mistral has, and which of them a file may use
fields    the keys of one mapping, taken one by one
values    inputs, variables and outputs
actions   the actions that a task may run, and their inputs
tasks     one task
specs     the workflows
branches  which tasks of a direct workflow come together
order     what leads nowhere, circles, tasks that would never run
calls     which workflow runs which
main      the one that nothing else runs, and what it tells all tasks

Checks are direct and linear: a file has 300,000 tasks (docs/field-notes.md, 4: "Validating").
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress

from embank.diagnostics import Checked, Diagnostic, has_errors
from embank.document import Document, WorkflowSpec
from embank.inputs.shape import Shape, TooManyProblems
from embank.inputs.workflow.calls import check_calls
from embank.inputs.workflow.main import check_main, find_main
from embank.inputs.workflow.order import check_order
from embank.inputs.workflow.specs import read_specs
from embank.inputs.yaml import DEEPEST, Located, parse, read

__all__ = ["Rule", "parse_workflow", "read_workflow"]

# What else somebody wants to know of a document without errors, such as whether an engine copes with it.
Rule = Callable[[Document, Located], Iterable[Diagnostic]]

NESTED = DEEPEST + 10  # parameters stand deeper here than in the plan that they come from


def parse_workflow(data: bytes, file: str, rules: Sequence[Rule] = ()) -> Checked[Document]:
    """Read a workflow file from memory. `file` is the name that places show."""
    return _checked(parse(data, file, deepest=NESTED, portable=True), rules)


def read_workflow(file: str, rules: Sequence[Rule] = ()) -> Checked[Document]:
    """Read a workflow file; `-` is stdin. Raises InputUnreadable when there is nothing to read."""
    return _checked(read(file, deepest=NESTED, portable=True), rules)


def _checked(found: Checked[Located], rules: Sequence[Rule]) -> Checked[Document]:
    """The document, when there is no error in it, and all that is wrong."""
    if found.value is None:
        return Checked(None, found.diagnostics)
    shape = Shape(found.value)
    main: str | None = None
    specs: dict[str, WorkflowSpec] = {}
    with suppress(TooManyProblems):
        specs = read_specs(shape)
        main = _follow_rules(shape, specs)
    problems = (*found.diagnostics, *shape.problems)
    if main is None or has_errors(problems):
        return Checked(None, problems)
    document = Document(shape.located.file, shape.located.sha256, main, specs)
    problems += tuple(problem for rule in rules for problem in rule(document, shape.located))
    return Checked(None if has_errors(problems) else document, problems)


def _follow_rules(shape: Shape, specs: dict[str, WorkflowSpec]) -> str | None:
    targets = check_calls(shape, specs)
    for spec in specs.values():
        check_order(shape, spec, targets.get(spec.name, ()))
    main = find_main(shape, specs)
    if main is not None:
        check_main(shape, specs[main])
    return main
