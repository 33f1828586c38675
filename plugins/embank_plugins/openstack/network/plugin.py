"""OS::Neutron::Network: a network and what belongs to it, saved as a definition and built again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from embank.plugins import Checkpoint, Context, Json, Operation, Phase, Poll, Resource, closes
from embank_plugins.openstack import NETWORK, OpenStackError
from embank_plugins.openstack.network.definition import saved_schema
from embank_plugins.openstack.network.discard import discard
from embank_plugins.openstack.network.made import TOKEN, Made, begin
from embank_plugins.openstack.network.port import ADDRESSES
from embank_plugins.openstack.network.reading import read_network
from embank_plugins.openstack.network.restore import SavedNetwork, rebuild, restored
from embank_plugins.openstack.plugin import CloudPlugin, was_restored

if TYPE_CHECKING:
    pass

TOGETHER = "topology"


class NetworkPlugin(CloudPlugin):
    """Saves the definition of a network, its subnets, routers, ports without a server, and security groups."""

    resource_types = (NETWORK,)

    def parameters_schema(self, operation: Operation, resource_type: str) -> Mapping[str, Json]:
        """What a restore does with what exists, and which networks it uses that it cannot make."""
        wishes: Mapping[str, Json] = {
            "existing": {"enum": ["reuse", "create"], "default": "reuse"},
            "network": {"type": "string", "minLength": 1},
            "external_network": {"type": "string", "minLength": 1},
            "addresses": {"enum": list(ADDRESSES), "default": "keep"},
        }
        properties = wishes if operation is Operation.RESTORE else {}
        return {"type": "object", "properties": properties, "additionalProperties": False}

    def saved_schema(self, resource_type: str) -> Mapping[str, Json]:
        """The definitions."""
        return saved_schema()

    def aggregate(
        self, operation: Operation, phase: Phase, resource: Resource, parents: Sequence[Resource]
    ) -> str | None:
        """Restored together: routers and security groups belong to several networks."""
        return TOGETHER if operation is Operation.RESTORE else None

    def activity_protect_parallel(
        self, checkpoint: Checkpoint, context: Context, resource: Resource, parameters: Mapping[str, Json]
    ) -> Iterator[Poll]:
        """Save the network's definition, with subnets, routers, ports and security groups."""
        saved = yield from read_network(self._cloud.connection, resource.id, context.log)
        checkpoint.section(resource).save(saved)

    def activity_restore_parallel(
        self,
        checkpoint: Checkpoint,
        context: Context,
        resource: Sequence[Resource],
        parameters: Sequence[Mapping[str, Json]],
    ) -> Iterator[Poll]:
        """Build the networks again, with subnets, security groups, routers and ports."""
        networks = [
            SavedNetwork.of(checkpoint.section(each).load(), wishes)
            for each, wishes in zip(resource, parameters, strict=True)
        ]
        made = begin(self._cloud.connection.network, self._cloud.project_id, context, resource)
        built = context.started(resource, TOGETHER)
        if not (built and built.value):
            yield from rebuild(made, networks, context.log)
        known = context.once(resource, TOGETHER, lambda _: {"new": made.new, "unfinished": made.unfinished})
        made.new, made.unfinished = known["new"], known["unfinished"]
        yield from made.finish()
        for each, network in zip(resource, networks, strict=True):
            context.record_restored(each, restored(made, network.saved))

    @closes("parallel")
    def activity_restore_post(
        self,
        checkpoint: Checkpoint,
        context: Context,
        resource: Sequence[Resource],
        parameters: Sequence[Mapping[str, Json]],
    ) -> Iterator[Poll]:
        """Remove networks whose restore did not come to its end."""
        token, built = context.started(resource, TOKEN), context.started(resource, TOGETHER)
        if not token:
            return
        known = built.value if built and built.value else {"new": {}, "unfinished": []}
        made = Made(self._cloud.connection.network, self._cloud.project_id, token.token, new=known["new"])
        missing = [each for each in resource if not was_restored(context, each)]
        if len(missing) < len(resource):  # all of it is complete, and was being recorded
            for each in missing:
                context.record_restored(each, restored(made, checkpoint.section(each).load()))
        else:
            yield from discard(made, known["unfinished"])
            context.forget(resource, TOGETHER)

    def activity_verify_parallel(
        self, checkpoint: Checkpoint, context: Context, resource: Resource, parameters: Mapping[str, Json]
    ) -> None:
        """Check that the saved definition has all that it refers to."""
        saved = checkpoint.section(resource).load()
        subnets = {subnet["id"] for subnet in saved["subnets"]}
        groups = {group["id"] for group in saved["security_groups"]}
        for port in saved["ports"]:
            used = {address["subnet_id"] for address in port.get("fixed_ips", ())}
            if used - subnets or set(port.get("security_groups", ())) - groups:
                raise OpenStackError(
                    f"the saved port {port['id']} refers to a subnet or a security group that is not saved: "
                    "it changed while it was being saved; protect the network again"
                )

    def activity_delete_parallel(
        self, checkpoint: Checkpoint, context: Context, resource: Resource, parameters: Mapping[str, Json]
    ) -> None:
        """Delete the saved definition."""
        checkpoint.section(resource).clear()
