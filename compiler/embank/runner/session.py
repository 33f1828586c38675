"""One runner's time with an execution: from its start, or from where another runner left off."""

from __future__ import annotations

from dataclasses import dataclass

from embank.clock import Clock
from embank.conductor.conductor import Conductor
from embank.conductor.execution import Execution
from embank.journal.recorder import Recorder
from embank.reporting.reporter import Reporter
from embank.runner.options import Options


@dataclass(frozen=True, slots=True)
class Session:
    """What all of the runner works with: who decides, who is told, what is written down, the time, the options."""

    conductor: Conductor
    reporter: Reporter
    recorder: Recorder
    clock: Clock
    options: Options

    @property
    def execution(self) -> Execution:
        """The execution that the conductor leads."""
        return self.conductor.execution
