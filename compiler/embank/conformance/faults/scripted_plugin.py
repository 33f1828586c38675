"""A protection plugin that does what it is told to do wrong. For tests of what runs plugins.

    [scripted]
    world = $here/world     # a Scripted::Thing is a file `<id>.data` in this directory
    fault = 7 stall         # the 7th step of any activity hangs, then fails; `7 stall always`: and those that follow

A thing is frozen (pre, until ready) and copied in several polls from a file that is staged (parallel, until post).
While it is restored it is stopped (pre, until post). Every call and every poll of an activity is a step. Steps have
the faults of `faulty_bank`; one that is `late` does what it should, but does not return in time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from embank.conformance.faults.faulty_bank import AT_ONCE, Fault, Kind, Script
from embank.plugins import Checkpoint, Context, Json, Poll, ProtectionPlugin, Resource, closes

if TYPE_CHECKING:
    from oslo_config import cfg

SECTION = "scripted"
TYPE = "Scripted::Thing"
PIECE = 1000  # bytes between two polls
Given = Mapping[str, Json]


class Injected(Exception):
    """What the script tells the plugin to raise."""


def read_fault(text: str) -> Fault | None:
    """`STEP KIND` or `STEP KIND always`; "" is None. Raises ValueError."""
    if not text:
        return None
    number, kind, *always = text.split()
    if always not in ([], ["always"]):
        raise ValueError(f"[{SECTION}] fault = {text}: should be STEP KIND, or STEP KIND always")
    return Fault(Kind(kind), int(number), times=None if always else 1)


class ScriptedPlugin(ProtectionPlugin):
    """Things that can be frozen, copied, stopped and put back."""

    resource_types = (TYPE,)

    def __init__(self, conf: cfg.ConfigOpts) -> None:
        super().__init__(conf)
        self._world = Path(conf[SECTION].world)
        self.script = Script(read_fault(conf[SECTION].fault))

    @classmethod
    def options(cls) -> Mapping[str, Sequence[cfg.Opt]]:
        """The section [scripted]."""
        from oslo_config import cfg

        world = cfg.StrOpt("world", required=True, help="The directory in which everything is.")
        return {SECTION: [world, cfg.StrOpt("fault", default="", help="STEP KIND, or STEP KIND always.")]}

    def saved_schema(self, resource_type: str) -> Mapping[str, Json]:
        """How big the thing is."""
        size = {"type": "integer", "minimum": 0}
        return {"type": "object", "properties": {"size": size}, "required": ["size"], "additionalProperties": False}

    def release(self) -> None:
        """Let every step that hangs go on, now and later."""
        self.script.release()

    def file(self, resource: Resource, state: str) -> Path:
        """Where the data of a thing are, or the file that says that it is frozen, staged, stopped."""
        return self._world / f"{quote(resource.id, safe='')}.{state}"

    def activity_protect_pre(self, checkpoint: Checkpoint, context: Context, resource: Resource, given: Given) -> Any:
        """Freeze the thing."""
        with self._step("freeze", resource) as rubbish:
            self.file(resource, "frozen").touch()
        return rubbish

    @closes("pre")
    def activity_protect_ready(
        self, checkpoint: Checkpoint, context: Context, resource: Resource, given: Given
    ) -> Any:
        """Thaw the thing."""
        with self._step("thaw", resource) as rubbish:
            self.file(resource, "frozen").unlink(missing_ok=True)
        return rubbish

    def activity_protect_parallel(
        self, checkpoint: Checkpoint, context: Context, resource: Resource, given: Given
    ) -> Iterator[Any]:
        """Copy the thing."""
        staged = self.file(resource, "staged")
        with self._step("stage", resource) as rubbish:
            staged.write_bytes(data := self.file(resource, "data").read_bytes())
        yield rubbish or Poll(0.01)
        with self._step("copy", resource) as rubbish:
            pieces = [data[place : place + PIECE] for place in range(0, len(data), PIECE)]
            checkpoint.section(resource).write("data", pieces)
        yield rubbish or Poll(0.01, 0.5, "half of it")
        with self._step("save", resource):
            checkpoint.section(resource).save({"size": len(data)})

    @closes("parallel")
    def activity_protect_post(
        self, checkpoint: Checkpoint, context: Context, resource: Resource, given: Given
    ) -> Any:
        """Remove what was staged."""
        with self._step("unstage", resource) as rubbish:
            self.file(resource, "staged").unlink(missing_ok=True)
        return rubbish

    def activity_restore_pre(self, checkpoint: Checkpoint, context: Context, resource: Resource, given: Given) -> Any:
        """Stop the thing."""
        with self._step("stop", resource) as rubbish:
            self.file(resource, "stopped").touch()
        return rubbish

    def activity_restore_parallel(
        self, checkpoint: Checkpoint, context: Context, resource: Resource, given: Given
    ) -> Iterator[Any]:
        """Put the thing back."""
        data, fresh = self.file(resource, "data"), self.file(resource, "fresh")
        try:
            with self._step("fetch", resource) as rubbish:
                fresh.write_bytes(b"".join(checkpoint.section(resource).read("data")))
            yield rubbish or Poll(0.01)
            with self._step("replace", resource):
                fresh.replace(data)
                context.record_restored(resource, {"path": str(data)})
        finally:
            fresh.unlink(missing_ok=True)

    @closes("pre")
    def activity_restore_post(
        self, checkpoint: Checkpoint, context: Context, resource: Resource, given: Given
    ) -> Any:
        """Start the thing."""
        with self._step("start", resource) as rubbish:
            self.file(resource, "stopped").unlink(missing_ok=True)
        return rubbish

    def activity_verify_parallel(
        self, checkpoint: Checkpoint, context: Context, resource: Resource, given: Given
    ) -> Iterator[Any]:
        """Read the copy back."""
        section = checkpoint.section(resource)
        with self._step("load", resource) as rubbish:
            saved = section.load()["size"]
        yield rubbish or Poll(0.01)
        with self._step("read", resource):
            if sum(map(len, section.read("data"))) != saved:
                raise Injected(f"{resource} had {saved} bytes")

    def activity_delete_parallel(
        self, checkpoint: Checkpoint, context: Context, resource: Resource, given: Given
    ) -> Any:
        """Delete the copy."""
        with self._step("delete", resource) as rubbish:
            checkpoint.section(resource).clear()
        return rubbish

    @contextmanager
    def _step(self, verb: str, resource: Resource) -> Iterator[Any]:
        """One step, with its fault if it has one. Gives what to yield or return instead of something sensible."""
        call, kind = self.script.next(verb, resource.id)
        if kind is Kind.STALL:
            self.script.stall()
        if kind in AT_ONCE:
            raise self.script.failure(call, Injected)
        yield iter(["rubbish"]) if kind is Kind.RUBBISH else None
        if kind is Kind.LATE:
            self.script.stall()
        if kind in (Kind.LOSE, Kind.TEAR, Kind.CUT):
            raise self.script.failure(call, Injected)
