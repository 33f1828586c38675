"""What the author of a protection plugin writes, and what Embank hands to it.

    from embank.plugins import Poll, ProtectionPlugin, closes

    class VolumePlugin(ProtectionPlugin):
        resource_types = ("Example::Volume",)

        def activity_protect_parallel(self, checkpoint, context, resource, parameters):
            '''Copy the volume to the bank.'''
            copy = start_copy(resource.id)
            while not copy.done:
                yield Poll(after=30, progress=copy.progress)
            checkpoint.section(resource).save({"size": copy.size})

docs/reference.md: "Protection Plugin" and "Protection Plugin Operation Activities".
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, TypeVar

from embank.model import Json, Operation, Phase, Resource

if TYPE_CHECKING:
    from oslo_config import cfg

Activity = TypeVar("Activity", bound=Callable[..., Any])
NO_PARAMETERS: Mapping[str, Json] = {"type": "object", "additionalProperties": False}


@dataclass(frozen=True, slots=True)
class Poll:
    """Yielded by an activity that is not done: ask again after `after` seconds (None: the policy's poll
    interval). `progress` runs from 0 to 1; `message` is for people ("42 of 105 GiB").
    """

    after: float | None = None
    progress: float | None = None
    message: str = ""


@dataclass(frozen=True, slots=True)
class DataInfo:
    """What is known of data written to a bank section: bytes, hex digest, number of segments."""

    size: int
    sha256: str
    segments: int


@dataclass(frozen=True, slots=True)
class Started:
    """What `Context.once` knows: the token that was given to `start`, and what that returned.

    `value` is None when nobody can tell whether it was started: look for something with this token.
    """

    token: str
    value: Json = None


class BankSection(Protocol):
    """The part of a checkpoint that belongs to one resource. Nothing else can be reached through it."""

    def save(self, information: Mapping[str, Json]) -> None:
        """Save the resource's information. Raises when it does not fit the plugin's schema."""

    def load(self) -> Mapping[str, Json]:
        """The saved information, checked against the schema. Raises when there is none."""

    def write(self, name: str, chunks: Iterable[bytes]) -> DataInfo:
        """Stream `chunks` to the bank in segments, and publish them under `name` at the end.

        Whatever an earlier, unfinished or repeated, write of this name left is replaced.
        """

    def read(self, name: str) -> Iterator[bytes]:
        """Stream the data back. Raises when a segment is missing or its sha256 differs."""

    def names(self) -> Sequence[str]:
        """The names of the data that were written completely, sorted."""

    def note(self, name: str, value: Json) -> None:
        """Remember something small, such as the id of what was started, before the first poll."""

    def noted(self, name: str) -> Json:
        """What `note` remembered last under this name; None when nothing was."""

    def clear(self) -> None:
        """Delete everything in this section (the delete operation)."""


class Checkpoint(Protocol):
    """A checkpoint, as an activity sees it."""

    @property
    def id(self) -> str:
        """The checkpoint's id."""

    def section(self, resource: Resource) -> BankSection:
        """The bank section of a resource."""

    def dependents(self, resource: Resource) -> Sequence[Resource]:
        """The dependents of a resource in the saved resource graph."""

    def parents(self, resource: Resource) -> Sequence[Resource]:
        """The resources that a resource is a dependent of."""


class Context(Protocol):
    """The execution that an activity is part of."""

    @property
    def execution(self) -> str:
        """The id of the execution."""

    @property
    def operation(self) -> Operation:
        """The operation of the execution."""

    @property
    def cancelled(self) -> bool:
        """True when a long activity should stop early (it may raise, or return when nothing is lost)."""

    @property
    def closing(self) -> bool:
        """True in the cleanup, after a failure, a cancellation or a kill: a closer that has other work to do in the
        normal order (the last phase of a restore, say) then only closes (decision PLUGIN-2).
        """

    def log(self, message: str) -> None:
        """Tell the person who watches. Never a secret."""

    def record_restored(self, resource: Resource, information: Mapping[str, Json]) -> None:
        """Say what a resource was restored as, for the activities of other resources, on any worker."""

    def restored(self, resource: Resource) -> Mapping[str, Json]:
        """What `record_restored` said of a resource in this execution. Raises when nothing was said."""

    def once(self, resource: Resource | Sequence[Resource], name: str, start: Callable[[str], Json]) -> Json:
        """Start something elsewhere once in this execution, however often the activity is killed and repeated.

            backup = context.once(resource, "backup", lambda token: cinder.create_backup(volume, name=token).id)

        What an earlier run has started under this name, for this resource (or these, together), is returned, and
        `start` is not called. Otherwise `start(token)` is, and what it returns (JSON, not None, no secret) is kept.

        Killed between starting and keeping, the next run calls `start` again, with the same token: it should look
        for what has this token before it makes anything, or use a service that takes the same token only once.
        A token is `embank-` and 32 hexadecimal digits: a name that any service takes.
        """

    def started(
        self, resource: Resource | Sequence[Resource], name: str, *, protecting: bool = False
    ) -> Started | None:
        """What `once` has started in this execution, in whatever phase; None: certainly nothing. For closers.

        `protecting`: what the execution that made the checkpoint has started. For its deletion.
        """

    def forget(self, resource: Resource | Sequence[Resource], name: str) -> None:
        """What `once` started came to nothing (or is removed): next time start anew, with another token."""


class ProtectionPlugin:
    """Base class of protection plugins. Every activity is optional: a method that is not there is a no-op.

    Activities are methods `activity_<operation>_<phase>(self, checkpoint, context, resource, parameters)`,
    plain or generators. The first line of the docstring describes the task in the workflow file. An
    activity runs at least once: it must do no harm when it runs again.
    """

    resource_types: ClassVar[tuple[str, ...]] = ()

    def __init__(self, conf: cfg.ConfigOpts) -> None:
        """`conf` has the values of the options that this class declares, and of nobody else's secrets.

        Raise ValueError for mistakes in them, a line for each: `[section] key = value: why` is shown at its line.
        """
        self.conf = conf

    @classmethod
    def options(cls) -> Mapping[str, Sequence[cfg.Opt]]:
        """The oslo.config options of this plugin, by section of the provider's configuration file."""
        return {}

    def parameters_schema(self, operation: Operation, resource_type: str) -> Mapping[str, Json]:
        """The JSON Schema (draft 2020-12) of an operation's parameters for a type. Mark secrets `writeOnly`."""
        return NO_PARAMETERS

    def saved_schema(self, resource_type: str) -> Mapping[str, Json]:
        """The JSON Schema of the information this plugin saves in a checkpoint."""
        return {"type": "object"}

    def aggregate(
        self, operation: Operation, phase: Phase, resource: Resource, parents: Sequence[Resource]
    ) -> str | None:
        """A key: the activities of this phase with the same key become one task. None: a task of its own.

        `parents` are those that the resource is a dependent of, in the graph's order (decision PLUGIN-1). An
        aggregated activity is called with tuples: `resource` of Resources, `parameters` beside it.
        """
        return None


def closes(phase: str) -> Callable[[Activity], Activity]:
    """Mark an activity as the one that closes what `phase` of the same resource opened.

    Once that phase was started, the closer runs, even if anything else fails, times out or is
    cancelled. It must be idempotent. Raises ValueError for a word that is no phase.
    """
    closed = Phase(phase)

    def mark(activity: Activity) -> Activity:
        activity.__dict__["embank_closes"] = closed
        return activity

    return mark
