"""OS::Keystone::Project: its metadata and quotas. Whatever belongs to a project has a plugin of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from embank.plugins import NO_PARAMETERS, Checkpoint, Context, Json, Operation, Resource
from embank_plugins.openstack import PROJECT, OpenStackError
from embank_plugins.openstack.plugin import CloudPlugin
from embank_plugins.openstack.refusals import reason, told

METADATA = ("description", "tags")


@dataclass(frozen=True, slots=True)
class Quotas:
    """Where a service has the quotas of a project. `name` is also that of its client in a Connection."""

    name: str
    path: str
    key: str
    microversion: str | None = None


QUOTAS = (
    Quotas("compute", "/os-quota-sets", "quota_set", "2.57"),  # the first without what is Neutron's today
    Quotas("block_storage", "/os-quota-sets", "quota_set"),
    Quotas("network", "/quotas", "quota"),
)


class ProjectPlugin(CloudPlugin):
    """Saves what a project is allowed to use. Restores it on request: that takes an administrator."""

    resource_types = (PROJECT,)

    def parameters_schema(self, operation: Operation, resource_type: str) -> Mapping[str, Json]:
        """What a restore may be told."""
        return RESTORE_PARAMETERS if operation is Operation.RESTORE else NO_PARAMETERS

    def saved_schema(self, resource_type: str) -> Mapping[str, Json]:
        """Metadata, and the quotas by service."""
        return SAVED

    def activity_protect_parallel(
        self, checkpoint: Checkpoint, context: Context, resource: Resource, parameters: Mapping[str, Json]
    ) -> None:
        """Save the metadata and quotas of the project."""
        if resource.id != self._cloud.project_id:
            raise OpenStackError(f"the login is for the project {self._cloud.project_id}, not for {resource}")
        with told("read the project"):
            project = self._answer("identity", "get", f"/projects/{resource.id}")["project"]
        quotas = {}
        for each in QUOTAS:
            found = self._readable(each, context)
            if found is not None:
                quotas[each.name] = found
        metadata = {name: project.get(name) for name in ("name", *METADATA)}
        checkpoint.section(resource).save({**metadata, "domain": project.get("domain_id"), "quotas": quotas})

    def activity_restore_pre(
        self, checkpoint: Checkpoint, context: Context, resource: Resource, parameters: Mapping[str, Json]
    ) -> None:
        """Restore the project's quotas and metadata if asked to, before anything in it is restored."""
        saved = checkpoint.section(resource).load()
        if parameters.get("metadata", False):
            self._restore_metadata(saved)
        if parameters.get("quotas", False):  # in `pre`, on request: decision CLOUD-12
            for each in QUOTAS:
                self._restore_quotas(each, saved["quotas"].get(each.name, {}), context)
        context.record_restored(resource, {"project_id": self._cloud.project_id})

    def activity_verify_parallel(
        self, checkpoint: Checkpoint, context: Context, resource: Resource, parameters: Mapping[str, Json]
    ) -> None:
        """Read what was saved, and say what it lacks."""
        saved = checkpoint.section(resource).load()
        if lacking := [each.name for each in QUOTAS if each.name not in saved["quotas"]]:
            context.log(f"{resource}: the quotas of {', '.join(lacking)} were not saved")

    def activity_delete_parallel(
        self, checkpoint: Checkpoint, context: Context, resource: Resource, parameters: Mapping[str, Json]
    ) -> None:
        """Delete what was saved."""
        checkpoint.section(resource).clear()

    def _readable(self, quotas: Quotas, context: Context) -> Mapping[str, Json] | None:
        """The quotas of the project in a service; None, and a word about it, when the login may not read them."""
        from openstack.exceptions import ForbiddenException, ServiceDisabledException

        with told(f"read the quotas of {quotas.name}"):
            try:
                return self._quotas(quotas)
            except (ForbiddenException, ServiceDisabledException) as error:
                context.log(f"the quotas of {quotas.name} are not saved: {reason(error)}")
                return None

    def _quotas(self, quotas: Quotas) -> Mapping[str, Json]:
        answer = self._answer(quotas.name, "get", self._path(quotas), microversion=quotas.microversion)
        return {name: limit for name, limit in answer[quotas.key].items() if isinstance(limit, int)}

    def _restore_quotas(self, quotas: Quotas, saved: Mapping[str, Json], context: Context) -> None:
        if not saved:
            return
        with told(f"read the quotas of {quotas.name}"):
            now = self._quotas(quotas)
        if unknown := sorted(set(saved) - set(now)):
            context.log(f"this cloud has no such quotas of {quotas.name}: {', '.join(unknown)}")
        changed = {name: limit for name, limit in saved.items() if name in now and limit != now[name]}
        if changed:
            with told(f"set the quotas of {quotas.name} ({', '.join(sorted(changed))}), which takes the role admin"):
                body = {quotas.key: changed}
                self._answer(quotas.name, "put", self._path(quotas), json=body, microversion=quotas.microversion)

    def _restore_metadata(self, saved: Mapping[str, Json]) -> None:
        body = {"project": {name: saved[name] for name in METADATA}}
        with told("change the description and tags of the project, which takes the role admin"):
            self._answer("identity", "patch", f"/projects/{self._cloud.project_id}", json=body)

    def _path(self, quotas: Quotas) -> str:
        return f"{quotas.path}/{self._cloud.project_id}"

    def _answer(self, service: str, method: str, path: str, **options: Any) -> dict[str, Json]:
        from openstack.exceptions import raise_from_response

        response = getattr(getattr(self._cloud.connection, service), method)(path, **options)
        raise_from_response(response)
        answer: dict[str, Json] = response.json()
        return answer


RESTORE_PARAMETERS: Mapping[str, Json] = {
    "type": "object",
    "properties": {
        "quotas": {
            "type": "boolean",
            "default": False,
            "description": "Set the quotas of the target project to what they were. Takes an administrator.",
        },
        "metadata": {
            "type": "boolean",
            "default": False,
            "description": "Set its description and tags to what they were (never its name). Takes an administrator.",
        },
    },
    "additionalProperties": False,
}
_LIMITS: Mapping[str, Json] = {"type": "object", "additionalProperties": {"type": "integer"}}
SAVED: Mapping[str, Json] = {
    "type": "object",
    "properties": {
        "name": {"type": "string"},
        "domain": {"type": ["string", "null"]},
        "description": {"type": ["string", "null"]},
        "tags": {"type": "array", "items": {"type": "string"}},
        "quotas": {
            "type": "object",
            "properties": {each.name: _LIMITS for each in QUOTAS},
            "additionalProperties": False,
        },
    },
    "required": ["name", "domain", "description", "tags", "quotas"],
    "additionalProperties": False,
}
