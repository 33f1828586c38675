"""The engines that workflow files can be checked for, and the rules for each."""

from __future__ import annotations

from collections.abc import Mapping

from embank.diagnostics import did_you_mean
from embank.errors import UsageError
from embank.inputs.workflow import Rule
from embank.review import mistral23

ENGINES: Mapping[str, tuple[Rule, ...]] = {"mistral:23": mistral23.RULES}


def rules_for(engine: str) -> tuple[Rule, ...]:
    """The rules of an engine, by its name and major version. Raises UsageError for one that is not known."""
    if engine not in ENGINES:
        hint = did_you_mean(engine, ENGINES) or f"known are: {', '.join(ENGINES)}"
        raise UsageError(f"there are no rules for the engine {engine!r}; {hint}")
    return ENGINES[engine]
