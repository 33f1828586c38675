"""Hypothesis profiles: `ci` draws the same examples each time, `random` others, `nightly` ten times as many others.

A failure prints the line that repeats it.
"""

from __future__ import annotations

from typing import Any

from hypothesis import settings

CI_EXAMPLES = 100


def register() -> None:
    """Make the profiles known; `ci` counts until `--hypothesis-profile` names another."""
    settings.register_profile(
        "ci", max_examples=CI_EXAMPLES, derandomize=True, database=None, deadline=None, print_blob=True
    )
    settings.register_profile("random", max_examples=CI_EXAMPLES, derandomize=False, deadline=None, print_blob=True)
    settings.register_profile(
        "nightly", max_examples=10 * CI_EXAMPLES, derandomize=False, deadline=None, print_blob=True
    )
    settings.load_profile("ci")


def examples(count: int, **more: Any) -> settings:
    """`@examples(250)`: so many under `ci`, and in proportion under any other profile."""
    return settings(max_examples=max(1, round(count * settings().max_examples / CI_EXAMPLES)), **more)
