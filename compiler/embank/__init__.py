"""Embank compiles data-protection plans into reviewable workflow files, and runs them.

The folders are in docs/house.md, in the order in which data pass through them. What all of them use is here:

model            the compiler's values: resources, activities, tasks, workflows
resource_graph   a resource graph as data: its one form, in chunks, and back
graph            algorithms without domain words
document         a workflow file as read
expressions      the few expressions of workflow files, and data that looks like one
task_parameters  what each action of a task may be given: one table
task_input       decodes it
diagnostics      what is wrong, where, and what to do; codes: which kinds there are
errors           what ends a command, and the exit codes
reasons          exceptions as one short reason for a person
plaintext        texts of others, safe for a terminal
clock            the time, injected; timers
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    __version__: str
else:

    def __getattr__(name: str) -> str:
        """`__version__` is what was installed (docs/releasing.md), read when it is asked for, which takes a while."""
        if name != "__version__":
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from importlib.metadata import PackageNotFoundError, version

        try:
            found = version("embank")
        except PackageNotFoundError:
            found = "0+unknown"
        globals()[name] = found
        return found
