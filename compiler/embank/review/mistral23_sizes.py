"""How large Mistral finds what a workflow file holds, and what it takes.

Mistral measures an input or output as the memory that Python needs for its text, `sys.getsizeof(str(value))`, where
one character beyond Latin-1 doubles the size of all of it, and one beyond U+FFFF makes it fourfold
(db/v2/sqlalchemy/models.py: validate_long_type_length).
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping

from embank.diagnostics import Diagnostic, Severity
from embank.document import Document, Expression
from embank.expressions import Form
from embank.inputs.shape import quoted
from embank.inputs.yaml import Located
from embank.model import Json
from embank.outputs.sizes import human_size

FIELD = 1024  # KiB: execution_field_size_limit_kb, unless the engines are configured otherwise
SPEC = 2**24 - 1  # bytes: a MEDIUMTEXT of MySQL and MariaDB, which holds a workflow
AN_ID = "00000000-0000-0000-0000-000000000000"


def check_sizes(document: Document, located: Located) -> Iterator[Diagnostic]:
    """Inputs and variables that Mistral refuses when it gets to them; workflows that its database may not hold."""
    variables = {name: _evaluated(value, {}) for name, value in document.workflows[document.main].vars.items()}
    for spec in document.workflows.values():
        mapping = located.value[spec.name]
        # Without `output` the variables are the output.
        if "vars" in mapping and _too_large(_evaluated(spec.vars, {})):
            place = located.key_place(mapping, "vars")
            yield _problem(f"the vars of workflow {quoted(spec.name)}", _evaluated(spec.vars, {}), place)
        for task in spec.tasks.values():
            given = _evaluated(task.input, variables)
            if _too_large(given):
                place = located.key_place(mapping["tasks"][task.name], "input")
                yield _problem(f"the input of task {quoted(task.name)}", given, place)
        size = len(json.dumps(mapping))
        if size > SPEC:
            message = (
                f"workflow {quoted(spec.name)} has {human_size(size)}: on MySQL or MariaDB Mistral cannot store it"
            )
            hint = "16.0 MiB is the most; PostgreSQL has no such limit"
            yield Diagnostic("EMB651", message, spec.place, hint, severity=Severity.WARNING)


def measured(value: Json) -> int:
    """KiB, as Mistral counts them."""
    return sys.getsizeof(str(value)) // 1024


def _too_large(value: Json) -> bool:
    return measured(value) > FIELD


def _problem(what: str, value: Json, place: Json) -> Diagnostic:
    message = f"{what} has {measured(value):,} KiB as Mistral counts, which takes {FIELD:,}"
    wide = "; a character beyond Latin-1 makes all of it count double or fourfold" if _wide(value) else ""
    hint = f"let the resources have smaller parameters, or raise execution_field_size_limit_kb of the engines{wide}"
    return Diagnostic("EMB651", message, place, hint)


def _wide(value: Json) -> bool:
    return sys.getsizeof(str(value)) > len(str(value)) + sys.getsizeof("é")


def _evaluated(value: Json, variables: Mapping[str, Json]) -> Json:
    """As it is measured: expressions replaced by what they stand for, or by something of that size."""
    if isinstance(value, Expression):
        return variables.get(value.name, AN_ID) if value.kind == Form.VARIABLE else AN_ID
    if isinstance(value, Mapping):
        return {name: _evaluated(item, variables) for name, item in value.items()}
    if isinstance(value, list):
        return [_evaluated(item, variables) for item in value]
    return value
