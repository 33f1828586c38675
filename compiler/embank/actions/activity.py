"""Drives one activity of a protection plugin, for the runner and for an engine's executor alike.

    find the method ──► reveal secrets ──► check parameters ──► mark started ──► call, step ──► mark closed

Written as a generator: each step of it is a step of the activity, and closing it closes the activity.
"""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Awaitable, Coroutine, Generator, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from embank.actions.banks import BadInput, Banks, Run
from embank.actions.context import ActivityContext, Control
from embank.actions.secrets import Scrubber, reveal
from embank.checkpoint.checkpoint import Checkpoint
from embank.checkpoint.fitness import check_fits
from embank.errors import EmbankError, ExitCode
from embank.model import ActivitySpec, Json, Phase, Resource
from embank.plugins import Poll

POLL_INTERVAL = 1.0  # s, when neither the activity nor its policy says


class GivenUp(EmbankError):
    """The activity timed out, or the execution was stopped, before the plugin was called."""

    exit_code = ExitCode.FAILED


@dataclass(frozen=True, slots=True)
class Call:
    """One activity, as the input of a task gives it: `parameters` runs beside `resources`."""

    run: Run
    phase: Phase
    resources: tuple[Resource, ...]
    parameters: tuple[Mapping[str, Json], ...]
    aggregated: bool
    poll_interval: float


def parse_call(run: Run, given: Mapping[str, Json]) -> Call:
    """The call that an action's input describes. Raises BadInput."""
    members = given.get("resources", [given.get("resource")])
    if not isinstance(members, list | tuple) or not members:
        raise BadInput("`resources` must list at least one resource")
    aggregated = "resources" in given
    parameters = [member.get("parameters", {}) if isinstance(member, Mapping) else {} for member in members]
    if not aggregated:
        parameters = [given.get("parameters", {})]
    if not all(isinstance(each, Mapping) for each in parameters):
        raise BadInput("`parameters` must be a mapping")
    interval = given.get("poll_interval", POLL_INTERVAL)
    if type(interval) not in (int, float) or not interval > 0:
        raise BadInput(f"`poll_interval` must be a number of seconds above 0, not {interval!r:.60}")
    resources = tuple(map(_resource, members))
    return Call(run, phase_of(given.get("activity")), resources, tuple(parameters), aggregated, float(interval))


def phase_of(word: Json) -> Phase:
    """The phase of this name. Raises BadInput."""
    try:
        return Phase(word)
    except ValueError:
        raise BadInput(f"{word!r:.60} is no phase: there are {', '.join(Phase)}") from None


def _resource(value: Json) -> Resource:
    if not isinstance(value, Mapping) or not all(isinstance(value.get(name), str) for name in ("type", "id")):
        raise BadInput("a resource must give `type` and `id`, each as text")
    return Resource(value["type"], value["id"], str(value.get("name", value["id"])))


class Activity:
    """A call, with the plugin that answers it and everything that the plugin needs. One in the `cleanup`
    may write whoever has taken the lease.
    """

    def __init__(self, banks: Banks, call: Call, control: Control, *, cleanup: bool = False) -> None:
        provider = banks.provider(call.run)
        types = dict.fromkeys(resource.type for resource in call.resources)
        loaded = {name: provider.plugins.get(name) for name in types}
        if missing := [name for name, plugin in loaded.items() if plugin is None]:
            raise BadInput(f"the provider {provider.name!r} has no plugin for {missing[0]}")
        found = loaded[call.resources[0].type]
        if found is None or any(plugin is not found for plugin in loaded.values()):
            raise BadInput("the resources of one activity belong to different plugins")
        self.call = call
        self.specs: Mapping[Phase, ActivitySpec] = found.activities[call.run.operation]
        if call.phase not in self.specs:
            raise BadInput(
                f"the plugin {found.path} has no activity_{call.run.operation}_{call.phase}: "
                "the workflow was compiled with another version of it"
            )
        schemas = [found.plugin.parameters_schema(call.run.operation, resource.type) for resource in call.resources]
        revealed = [reveal(given, schema) for given, schema in zip(call.parameters, schemas, strict=True)]
        self.scrubber: Scrubber = banks.scrubber(call.run, [value for each in revealed for value in each.values])
        for resource, schema, each in zip(call.resources, schemas, revealed, strict=True):
            check_fits(each.parameters, schema, f"the parameters of {resource}")
        checkpoint = banks.checkpoint(call.run, look=False)
        self.checkpoint: Checkpoint = checkpoint.unfenced() if cleanup else checkpoint
        self._method = getattr(found.plugin, f"activity_{call.run.operation}_{call.phase}")
        self._parameters = tuple(each.parameters for each in revealed)
        self._context = ActivityContext(
            call.run.execution, call.run.operation, self.checkpoint, control, self.scrubber, closing=cleanup
        )

    def steps(self) -> Iterator[Poll]:
        """Run it, step by step, with the marks that its closers need. Raises GivenUp."""
        self._check_wanted()
        self.mark_started()
        self._check_wanted()
        yield from self.call_plugin()
        self.mark_closed()

    def _check_wanted(self) -> None:
        """Raise GivenUp when the bank took so long that its closers may have run: what it opens would stay open."""
        if self._context.cancelled:
            raise GivenUp("given up before it began")

    def mark_started(self) -> None:
        """Say that it is about to start, if anything closes it. Raises BankError, CheckpointError."""
        if any(spec.closes is self.call.phase for spec in self.specs.values()):
            for resource in self.call.resources:
                self.checkpoint.mark_started(self.call.run.execution, resource.key, self.call.phase)

    def mark_closed(self) -> None:
        """Say that what it closes is closed, if it closes anything. Raises BankError, CheckpointMissing."""
        closed = self.specs[self.call.phase].closes
        if closed is not None:
            for resource in self.call.resources:
                self.checkpoint.mark_closed(self.call.run.execution, resource.key, closed)

    def call_plugin(self) -> Iterator[Poll]:
        """The activity itself, step by step."""
        call = self.call
        resource: Any = call.resources if call.aggregated else call.resources[0]
        parameters: Any = self._parameters if call.aggregated else self._parameters[0]
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
        after = self.call.poll_interval if poll.after is None else float(poll.after)
        progress = None if poll.progress is None else float(poll.progress)
        if not math.isfinite(after) or not (progress is None or math.isfinite(progress)):
            raise ValueError("the activity yielded a Poll whose numbers are not finite")
        return Poll(max(after, 0.0), progress, self.scrubber.clean(str(poll.message)))
