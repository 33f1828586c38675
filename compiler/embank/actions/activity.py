"""Drives one activity of a protection plugin, for the runner and for an engine's executor alike.

    find the method ──► reveal secrets ──► check parameters ──► mark started ──► call, step ──► mark closed

Written as a generator: each step of it is a step of the activity, and closing it closes the activity.
"""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Awaitable, Coroutine, Generator, Iterator, Mapping
from contextlib import closing
from typing import Any

from embank.actions.banks import Banks
from embank.actions.context import ActivityContext, Control
from embank.actions.secrets import Scrubber, reveal
from embank.checkpoint.checkpoint import Checkpoint
from embank.checkpoint.section.fitness import check_fits
from embank.document import PluginWork
from embank.errors import EmbankError, ExitCode
from embank.model import ActivitySpec, Phase
from embank.plugins import Poll
from embank.task_input import BadInput, Run

POLL_INTERVAL = 1.0  # s, when neither the activity nor its policy says


class Abandoned(EmbankError):
    """The activity timed out, or the execution was stopped, before the plugin was called."""

    exit_code = ExitCode.FAILED


class RunningActivity:
    """An activity, with the plugin that does it and everything that the plugin needs. One in the `cleanup`
    may write whoever has taken the lease.
    """

    def __init__(self, banks: Banks, run: Run, work: PluginWork, control: Control, *, cleanup: bool = False) -> None:
        provider = banks.provider(run)
        types = dict.fromkeys(resource.type for resource in work.resources)
        loaded = {name: provider.plugins.get(name) for name in types}
        if missing := [name for name, plugin in loaded.items() if plugin is None]:
            raise BadInput(f"the provider {provider.name!r} has no plugin for {missing[0]}")
        found = loaded[work.resources[0].type]
        if found is None or any(plugin is not found for plugin in loaded.values()):
            raise BadInput("the resources of one activity belong to different plugins")
        self._run = run
        self._work = work
        self.specs: Mapping[Phase, ActivitySpec] = found.activities[run.operation]
        if work.phase not in self.specs:
            raise BadInput(
                f"the plugin {found.path} has no activity_{run.operation}_{work.phase}: "
                "the workflow was compiled with another version of it"
            )
        schemas = [found.plugin.parameters_schema(run.operation, resource.type) for resource in work.resources]
        revealed = [reveal(given, schema) for given, schema in zip(work.parameters, schemas, strict=True)]
        self.scrubber: Scrubber = banks.scrubber(run, [value for each in revealed for value in each.values])
        for resource, schema, each in zip(work.resources, schemas, revealed, strict=True):
            check_fits(each.parameters, schema, f"the parameters of {resource}")
        checkpoint = banks.checkpoint(run, look=False)
        self.checkpoint: Checkpoint = checkpoint.unfenced() if cleanup else checkpoint
        self._method = getattr(found.plugin, f"activity_{run.operation}_{work.phase}")
        self._parameters = tuple(each.parameters for each in revealed)
        self._context = ActivityContext(
            run.execution, run.operation, self.checkpoint, control, self.scrubber, closing=cleanup
        )

    def steps(self) -> Iterator[Poll]:
        """Run it, step by step, with the marks that its closers need. Raises Abandoned."""
        self._check_wanted()
        self.mark_started()
        self._check_wanted()
        yield from self.call_plugin()
        self.mark_closed()

    def _check_wanted(self) -> None:
        """Raise Abandoned when the bank took so long that its closers may have run: what it opens would stay open."""
        if self._context.cancelled:
            raise Abandoned("given up before it began")

    def mark_started(self) -> None:
        """Say that it is about to start, if anything closes it. Raises BankError, CheckpointError."""
        if any(spec.closes is self._work.phase for spec in self.specs.values()):
            for resource in self._work.resources:
                self.checkpoint.mark_started(self._run.execution, resource.key, self._work.phase)

    def mark_closed(self) -> None:
        """Say that what it closes is closed, if it closes anything. Raises BankError, CheckpointMissing."""
        closed = self.specs[self._work.phase].closes
        if closed is not None:
            for resource in self._work.resources:
                self.checkpoint.mark_closed(self._run.execution, resource.key, closed)

    def call_plugin(self) -> Iterator[Poll]:
        """The activity itself, step by step."""
        resources, aggregated = self._work.resources, self._work.aggregated
        resource: Any = resources if aggregated else resources[0]
        parameters: Any = self._parameters if aggregated else self._parameters[0]
        steps = self._method(self.checkpoint, self._context, resource, parameters)
        if isinstance(steps, Awaitable | AsyncIterator | Iterator) and not isinstance(steps, Generator):
            if isinstance(steps, Coroutine):
                steps.close()  # or Python complains that nobody awaits it
            raise TypeError(f"the activity returned a {type(steps).__name__}, and has done nothing: let it yield")
        if not isinstance(steps, Generator):
            return
        with closing(steps):
            for asked in steps:
                yield self._poll(asked)

    def _poll(self, asked: object) -> Poll:
        """What was yielded, made whole."""
        poll = Poll() if asked is None else asked
        if not isinstance(poll, Poll):
            raise TypeError(f"the activity yielded a {type(asked).__name__}: it may yield nothing or a Poll")
        default = POLL_INTERVAL if self._work.poll_interval is None else self._work.poll_interval
        after = float(default if poll.after is None else poll.after)
        progress = None if poll.progress is None else float(poll.progress)
        if not math.isfinite(after) or not (progress is None or math.isfinite(progress)):
            raise ValueError("the activity yielded a Poll whose numbers are not finite")
        return Poll(max(after, 0.0), progress, self.scrubber.clean(str(poll.message)))
