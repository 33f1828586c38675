"""Local::Application: a group of resources that must agree with each other, frozen while they are copied."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from embank.plugins import (
    Checkpoint,
    Context,
    Json,
    Poll,
    ProtectionPlugin,
    Resource,
    closes,
)
from embank_plugins.local import LocalError
from embank_plugins.local.application.section import (
    SECTION,
    TYPE,
    Application,
    application_options,
    read_applications,
)
from embank_plugins.local.command import run
from embank_plugins.local.configuration import configured
from embank_plugins.local.stream import CANCELLED

if TYPE_CHECKING:
    from oslo_config import cfg


class ApplicationPlugin(ProtectionPlugin):
    """Freezes an application while its dependents are copied, and stops it while they are restored."""

    resource_types = (TYPE,)

    def __init__(self, conf: cfg.ConfigOpts) -> None:
        super().__init__(conf)
        self._applications = read_applications(conf)

    @classmethod
    def options(cls) -> Mapping[str, Sequence[cfg.Opt]]:
        """The section [local_application]."""
        return {SECTION: application_options()}

    def saved_schema(self, resource_type: str) -> Mapping[str, Json]:
        """The definition of the application."""
        member = {
            "type": "object",
            "properties": {"type": {"type": "string"}, "id": {"type": "string"}},
            "required": ["type", "id"],
            "additionalProperties": False,
        }
        return {
            "type": "object",
            "properties": {
                "name": {"type": "string"},
                "contains": {"type": "array", "items": member},
                "commands": {"type": "array", "items": {"type": "string"}},
            },
            "required": ["name", "contains", "commands"],
            "additionalProperties": False,
        }

    def activity_protect_pre(
        self, checkpoint: Checkpoint, context: Context, resource: Resource, parameters: Mapping[str, Json]
    ) -> Iterator[Poll]:
        """Freeze the application."""
        self._application(resource)  # one that nobody knows is not frozen, and need not be thawed
        checkpoint.section(resource).note("frozen", True)
        yield from self._halt("freeze", checkpoint, context, resource)

    @closes("pre")
    def activity_protect_ready(
        self, checkpoint: Checkpoint, context: Context, resource: Resource, parameters: Mapping[str, Json]
    ) -> Iterator[Poll]:
        """Thaw the application."""
        if resource.id not in self._applications and checkpoint.section(resource).noted("frozen") is None:
            return
        yield from self._run("thaw", checkpoint, context, resource)  # and no word to the bank, which may hang

    def activity_protect_parallel(
        self, checkpoint: Checkpoint, context: Context, resource: Resource, parameters: Mapping[str, Json]
    ) -> None:
        """Save the definition of the application."""
        checkpoint.section(resource).save(_definition(self._application(resource)))

    def activity_restore_pre(
        self, checkpoint: Checkpoint, context: Context, resource: Resource, parameters: Mapping[str, Json]
    ) -> Iterator[Poll]:
        """Stop the application."""
        if checkpoint.section(resource).load() != _definition(self._application(resource)):
            context.log(f"{resource} is defined otherwise than when it was protected")
        context.record_restored(resource, {"id": resource.id})  # now: starting it must depend on no bank
        yield from self._halt("stop", checkpoint, context, resource)

    @closes("pre")
    def activity_restore_post(
        self, checkpoint: Checkpoint, context: Context, resource: Resource, parameters: Mapping[str, Json]
    ) -> Iterator[Poll]:
        """Start the application."""
        yield from self._run("start", checkpoint, context, resource)

    def activity_verify_parallel(
        self, checkpoint: Checkpoint, context: Context, resource: Resource, parameters: Mapping[str, Json]
    ) -> None:
        """Check that everything the application contains is in the checkpoint."""
        saved = {(member["type"], member["id"]) for member in checkpoint.section(resource).load()["contains"]}
        missing = saved - {(dependent.type, dependent.id) for dependent in checkpoint.dependents(resource)}
        if missing:
            names = ", ".join(f"{kind}#{member}" for kind, member in sorted(missing))
            context.log(f"{resource} also contains what this checkpoint does not have: {names}")

    def activity_delete_parallel(
        self, checkpoint: Checkpoint, context: Context, resource: Resource, parameters: Mapping[str, Json]
    ) -> None:
        """Delete the saved definition."""
        checkpoint.section(resource).clear()

    def _application(self, resource: Resource) -> Application:
        return configured(self._applications, resource.id, SECTION)

    def _halt(self, verb: str, checkpoint: Checkpoint, context: Context, resource: Resource) -> Iterator[Poll]:
        """Freeze or stop, unless the bank took so long until here that the closer has run, and nobody else will."""
        if context.cancelled:
            raise LocalError(CANCELLED)
        yield from self._run(verb, checkpoint, context, resource)

    def _run(self, verb: str, checkpoint: Checkpoint, context: Context, resource: Resource) -> Iterator[Poll]:
        command = self._application(resource).commands.get(verb)
        if command:
            variables = {
                "EMBANK_CHECKPOINT": checkpoint.id,
                "EMBANK_EXECUTION": context.execution,
                "EMBANK_OPERATION": str(context.operation),
                "EMBANK_RESOURCE": resource.id,
            }
            yield from run(verb, command, variables, self.conf[SECTION][f"{verb}_timeout"])


def _definition(application: Application) -> dict[str, Json]:
    """What is saved: not the commands themselves, whose arguments may be nobody else's business."""
    return {
        "name": application.name,
        "contains": [{"type": kind, "id": member} for kind, member in application.contains],
        "commands": sorted(application.commands),
    }
