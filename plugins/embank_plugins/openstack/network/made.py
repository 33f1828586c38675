"""Things in Neutron that a restore makes, each of them once.

Until the restore is complete, what it made has a description of its own: the token of the restore and the id of what
it was made from. By that it is found again after a kill, on any worker (decision CLOUD-5). Then it gets the saved
description and tags.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from embank.plugins import Context, Poll, Resource
from embank_plugins.openstack.network.definition import Definition
from embank_plugins.openstack.refusals import told
from embank_plugins.openstack.waiting import created

TOKEN = "token"
KINDS = {
    "network": "network",
    "subnet": "subnet",
    "security_group": "security group",
    "router": "router",
    "port": "port",
}


def begin(neutron: Any, project: str, context: Context, resource: Resource | Sequence[Resource]) -> Made:
    """The restore of these resources in this execution, whether it begins or goes on."""
    fresh = context.started(resource, TOKEN) is None
    return Made(neutron, project, str(context.once(resource, TOKEN, lambda token: token)), fresh)


@dataclass
class Made:
    """What a restore with this token makes. `new` has the new ids by kind and saved id, also of what it reuses.

    `fresh`: nobody has used this token before, so that there is nothing to look for.
    """

    neutron: Any
    project: str
    token: str
    fresh: bool = False
    new: dict[str, dict[str, str]] = field(default_factory=lambda: {kind: {} for kind in KINDS})
    unfinished: list[dict[str, Any]] = field(default_factory=list)
    _marked: dict[str, dict[str, str]] = field(default_factory=dict)

    def make(self, kind: str, saved: Definition, body: Mapping[str, Any]) -> str:
        """The id of what is made like this, now or by an earlier run. Raises what openstacksdk raises."""
        mark = f"{self.token}/{saved['id']}"
        found = self.marked(kind).get(mark)
        if not found:
            found = created(
                lambda: str(getattr(self.neutron, f"create_{kind}")(**body, description=mark).id),
                lambda: self._described(kind).get(mark),
            )
        self.new[kind][saved["id"]] = found
        kept = {name: saved[name] for name in ("name", "description", "tags")}
        self.unfinished.append({"kind": kind, "id": found, **kept})
        return found

    def finish(self) -> Iterator[Poll]:
        """Give all that was made its description and tags."""
        for each in self.unfinished:
            yield Poll(after=0, message=f"completing {KINDS[each['kind']]} {each['name']}")
            with told(f"complete the {KINDS[each['kind']]} {each['name']!r}"):
                found = getattr(self.neutron, f"get_{each['kind']}")(each["id"])
                if found.description != each["description"]:
                    getattr(self.neutron, f"update_{each['kind']}")(found.id, description=each["description"])
                if sorted(found.tags or ()) != each["tags"]:
                    self.neutron.set_tags(found, each["tags"])

    def visible(self, kind: str, wanted: str) -> Any:
        """What has this id, if this project can use it, or None."""
        from openstack.exceptions import NotFoundException

        with told(f"look for the {KINDS[kind]} {wanted}"), suppress(NotFoundException):
            found = getattr(self.neutron, f"get_{kind}")(wanted)
            shared = getattr(found, "is_shared", False) or getattr(found, "is_router_external", False)
            return found if shared or found.project_id == self.project else None
        return None

    def marked(self, kind: str) -> dict[str, str]:
        """What earlier runs made and did not finish: ids by description."""
        if self.fresh:
            return {}
        if kind not in self._marked:
            self._marked[kind] = self._described(kind)
        return self._marked[kind]

    def _described(self, kind: str) -> dict[str, str]:
        with told(f"list what there is of the kind {KINDS[kind]}"):
            there = getattr(self.neutron, f"{kind}s")(project_id=self.project)
            found = [(each.description or "", str(each.id)) for each in there]
        return {description: each for description, each in found if description.startswith(self.token)}
