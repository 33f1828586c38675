"""OS::Nova::Server: held still while its volumes are snapshotted, saved as a definition, and created again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from embank.plugins import Checkpoint, Context, Json, Operation, Poll, Resource, closes
from embank_plugins.openstack import IMAGE, NETWORK, SERVER, VOLUME, OpenStackError
from embank_plugins.openstack.network.made import TOKEN, Made, begin
from embank_plugins.openstack.network.port import ADDRESSES
from embank_plugins.openstack.plugin import CloudPlugin, was_restored
from embank_plugins.openstack.server.definition import read_server, saved_schema
from embank_plugins.openstack.server.discard import discard
from embank_plugins.openstack.server.floating import FLOATING
from embank_plugins.openstack.server.freeze import Freezer
from embank_plugins.openstack.server.needs import Needs
from embank_plugins.openstack.server.restore import ServerRestore
from embank_plugins.openstack.server.section import SECTION, read_server_commands, server_options
from embank_plugins.openstack.server.states import known_server
from embank_plugins.openstack.server.targets import Targets

if TYPE_CHECKING:
    from oslo_config import cfg

NAME: Json = {"type": "string", "minLength": 1}


class ServerPlugin(CloudPlugin):
    """Holds a server while its volumes are snapshotted, saves its definition, and creates it again."""

    resource_types = (SERVER,)

    def __init__(self, conf: cfg.ConfigOpts) -> None:
        super().__init__(conf)
        self._commands = read_server_commands(conf)

    @classmethod
    def options(cls) -> Mapping[str, Sequence[cfg.Opt]]:
        """The sections [openstack] and [server]."""
        return {**super().options(), SECTION: server_options()}

    def parameters_schema(self, operation: Operation, resource_type: str) -> Mapping[str, Json]:
        """How a server is held, with the commands that the operator allows; what a restored one gets."""
        schema: dict[str, Json] = {"type": "object", "properties": {}, "additionalProperties": False}
        if operation is Operation.PROTECT:
            named = {"enum": sorted(self._commands)} if self._commands else False
            schema["properties"] = {
                "quiesce": {"enum": ["none", "pause", "suspend", "command"], "default": "none"},
                "quiesce_command": named,
            }
            with_command = {"properties": {"quiesce": {"const": "command"}}, "required": ["quiesce"]}
            schema |= {"if": with_command, "then": {"required": ["quiesce_command"]}}
            schema["dependentSchemas"] = {"quiesce_command": with_command}
        elif operation is Operation.RESTORE:
            schema["properties"] = {
                "existing": {"enum": ["refuse", "reuse"], "default": "refuse"},
                "volumes": {"enum": ["all", "restored"], "default": "all"},
                "addresses": {"enum": list(ADDRESSES), "default": "when-free"},
                "floating_addresses": {"enum": list(FLOATING), "default": "when-free"},
                "external_network": NAME,
                "flavor": NAME,
                "key_name": {"type": ["string", "null"], "minLength": 1},
            }
        return schema

    def saved_schema(self, resource_type: str) -> Mapping[str, Json]:
        """The definition of the server."""
        return saved_schema()

    def activity_protect_pre(
        self, checkpoint: Checkpoint, context: Context, resource: Resource, parameters: Mapping[str, Json]
    ) -> Iterator[Poll]:
        """Hold the server still, if the plan says so."""
        if freezer := self._freezer(checkpoint, context, resource, parameters):
            yield from freezer.freeze()

    @closes("pre")
    def activity_protect_ready(
        self, checkpoint: Checkpoint, context: Context, resource: Resource, parameters: Mapping[str, Json]
    ) -> Iterator[Poll]:
        """Let the server go on."""
        if freezer := self._freezer(checkpoint, context, resource, parameters):
            yield from freezer.thaw()

    def activity_protect_parallel(
        self, checkpoint: Checkpoint, context: Context, resource: Resource, parameters: Mapping[str, Json]
    ) -> None:
        """Save the definition of the server, with its ports, addresses and attachments."""
        cloud = self._cloud.connection
        checkpoint.section(resource).save(read_server(cloud, known_server(cloud.compute, resource.id)))

    def activity_restore_pre(
        self, checkpoint: Checkpoint, context: Context, resource: Resource, parameters: Mapping[str, Json]
    ) -> None:
        """Check, before anything is restored, that the server can be created here."""
        made = Made(self._cloud.connection.network, self._cloud.project_id, token="")  # it makes nothing
        self._restore(checkpoint, context, resource, parameters, made).check()

    @closes("pre")
    def activity_restore_post(
        self, checkpoint: Checkpoint, context: Context, resource: Resource, parameters: Mapping[str, Json]
    ) -> Iterator[Poll]:
        """Create the server from what was restored below it; in the cleanup, remove what was not completed."""
        if context.closing and (was_restored(context, resource) or not context.started(resource, TOKEN)):
            return
        made = begin(self._cloud.connection.network, self._cloud.project_id, context, resource)
        if context.closing:
            timeout = self.conf[SECTION].state_timeout
            yield from discard(self._cloud.connection, made, context, resource, timeout)
            return
        server_id = yield from self._restore(checkpoint, context, resource, parameters, made).run()
        context.record_restored(resource, {"server_id": server_id})

    def activity_verify_parallel(
        self, checkpoint: Checkpoint, context: Context, resource: Resource, parameters: Mapping[str, Json]
    ) -> None:
        """Check that the checkpoint has all that the server consists of."""
        saved = checkpoint.section(resource).load()
        needed = {(VOLUME, volume["volume_id"]) for volume in saved["volumes"]}
        needed |= {(NETWORK, port["network_id"]) for port in saved["ports"]}
        needed |= {(IMAGE, saved["image"])} if saved["image"] else set()
        missing = needed - {(dependent.type, dependent.id) for dependent in checkpoint.dependents(resource)}
        if missing:
            names = ", ".join(f"{kind}#{member}" for kind, member in sorted(missing))
            context.log(f"{resource} also needs what this checkpoint does not have: {names}")

    def activity_delete_parallel(
        self, checkpoint: Checkpoint, context: Context, resource: Resource, parameters: Mapping[str, Json]
    ) -> None:
        """Delete the saved definition."""
        checkpoint.section(resource).clear()

    def _restore(
        self,
        checkpoint: Checkpoint,
        context: Context,
        resource: Resource,
        parameters: Mapping[str, Json],
        made: Made,
    ) -> ServerRestore:
        cloud, saved = self._cloud.connection, checkpoint.section(resource).load()
        reuse = parameters.get("existing") == "reuse"
        targets = Targets(cloud, made, reuse, context, checkpoint.dependents(resource))
        return ServerRestore(
            cloud=cloud,
            made=made,
            targets=targets,
            needs=Needs(cloud.compute, targets, context, saved, parameters),
            context=context,
            resource=resource,
            saved=saved,
            wishes=parameters,
            build_timeout=self.conf[SECTION].build_timeout,
            state_timeout=self.conf[SECTION].state_timeout,
        )

    def _freezer(
        self, checkpoint: Checkpoint, context: Context, resource: Resource, parameters: Mapping[str, Json]
    ) -> Freezer | None:
        how = parameters.get("quiesce", "none")
        if how == "none":
            return None
        name, section = parameters.get("quiesce_command", ""), self.conf[SECTION]
        if how == "command" and name not in self._commands:
            raise OpenStackError(f"the section [{SECTION}] of the provider has no commands {name!r}")
        return Freezer(
            compute=self._cloud.connection.compute,
            resource=resource,
            how=how,
            checkpoint=checkpoint.id,
            context=context,
            timeout=section.state_timeout,
            commands=self._commands.get(name, {}),
            command_timeouts={"freeze": section.freeze_timeout, "thaw": section.thaw_timeout},
        )
