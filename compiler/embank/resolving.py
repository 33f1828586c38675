"""The values of expressions, while a workflow runs. Everything else in an input is data, whatever it looks like."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from embank.document import Expression
from embank.model import Json


def resolve(value: Json, evaluate: Callable[[Expression], Json]) -> Json:
    """`value` with every Expression in it replaced; what holds none is returned as it is (not a copy)."""
    if isinstance(value, Expression):
        return evaluate(value)
    if isinstance(value, Mapping):
        items = {key: resolve(item, evaluate) for key, item in value.items()}
        return items if any(items[key] is not value[key] for key in items) else value
    if isinstance(value, list | tuple):
        members = [resolve(item, evaluate) for item in value]
        return members if any(new is not old for new, old in zip(members, value, strict=True)) else value
    return value


def describe(expression: Expression) -> str:
    """The expression as it stands in a workflow file."""
    forms = {
        "execution-id": "<% execution().id %>",
        "variable": f"<% $.{expression.name} %>",
        "task-state": f"<% task({expression.name}).state %>",
    }
    return forms[expression.kind]
