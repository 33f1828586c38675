"""Values of inputs, variables and outputs: data, with the few supported expressions in it."""

from __future__ import annotations

from collections.abc import Collection
from sys import intern

from embank import expressions
from embank.diagnostics import did_you_mean
from embank.document import Expression
from embank.expressions import Form
from embank.inputs.shape import Shape, quoted
from embank.model import Json

SUPPORTED = 'supported are <% execution().id %>, <% $.NAME %>, <% task(NAME).state %> and the text <% "…" %>'


class Values:
    """Reads the values of one workflow. `variables` are the names that `$.NAME` may say there."""

    def __init__(self, shape: Shape, variables: Collection[str]) -> None:
        self.task_states: list[Expression] = []  # the tasks they name may come later in the file
        self._shape = shape
        self._variables = variables

    def read(self, value: Json, container: dict[str, Json] | list[Json], key: str | int) -> Json:
        """The value under a key, with Expressions, and strings for the literals that stand for them.

        What holds neither is returned as it is (not a copy).
        """
        if isinstance(value, str):
            return self._text(value, container, key) if expressions.is_evaluated(value) else value
        if isinstance(value, dict):
            items = {name: self.read(item, value, name) for name, item in value.items()}
            return items if any(items[name] is not item for name, item in value.items()) else value
        if isinstance(value, list):
            members = [self.read(item, value, index) for index, item in enumerate(value)]
            return members if any(new is not old for new, old in zip(members, value, strict=True)) else value
        return value

    def _text(self, value: str, container: dict[str, Json] | list[Json], key: str | int) -> Json:
        parsed = expressions.parse(value)
        if parsed and parsed.form is Form.LITERAL:
            return parsed.text
        place = self._shape.located.place(container, key)
        if parsed is None:
            self._shape.problem("EMB615", f"the expression {quoted(value)} is not supported", place, _reason(value))
            return value
        expression = Expression(parsed.form.value, intern(parsed.text), place)
        if parsed.form is Form.TASK_STATE:
            self.task_states.append(expression)
        elif parsed.form is Form.VARIABLE and parsed.text not in self._variables:
            hint = did_you_mean(parsed.text, self._variables) or "a workflow knows its `input` and its `vars`"
            self._shape.problem("EMB615", f"there is no variable {quoted(parsed.text)} here", place, hint)
        return expression


def _reason(value: str) -> str:
    if "<%" not in value:
        return (
            'Jinja expressions are not supported; text that looks like one is written <% "…" %>, with \\u007b for {'
        )
    if value.count("<%") > 1 or not (value.startswith("<%") and value.endswith("%>")):
        return f"an expression must be the whole value, with no text around it; {SUPPORTED}"
    return SUPPORTED
