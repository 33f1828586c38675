"""Security groups and their rules. All groups first: the rules of one may refer to another."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from embank.plugins import Poll
from embank_plugins.openstack import OpenStackError
from embank_plugins.openstack.network.definition import DEFAULT, Definition, body, rule_definition
from embank_plugins.openstack.network.errors import RULE_EXISTS, refusal
from embank_plugins.openstack.network.made import Made
from embank_plugins.openstack.refusals import told
from embank_plugins.openstack.waiting import created


def restore_groups(
    made: Made, saved: Sequence[tuple[Definition, bool]], log: Callable[[str], None]
) -> Iterator[Poll]:
    """Groups, each with whether it is reused where it still exists. `made.new` has all of them afterwards."""
    lacking = []
    for group, reuse in saved:
        yield Poll(after=0, message=f"security group {group['name']}")
        existing = made.visible("security_group", group["id"]) if reuse or group["name"] == DEFAULT else None
        if existing:
            made.new["security_group"][group["id"]] = existing.id
            continue
        lacking.append(group)
        if group["name"] == DEFAULT:
            made.new["security_group"][group["id"]] = _default(made)
        else:
            with told(f"create the security group {group['name']!r}"):
                made.make("security_group", group, body("security_group", group))
    for group in lacking:
        yield Poll(after=0, message=f"rules of the security group {group['name']}")
        with told(f"restore the rules of the security group {group['name']!r}"):
            _restore_rules(made, group, log)


def _default(made: Made) -> str:
    with told("look for the default security group"):
        found = list(made.neutron.security_groups(name=DEFAULT, project_id=made.project))
    if not found:
        raise OpenStackError("this project has no default security group")
    return str(found[0].id)


def _restore_rules(made: Made, group: Definition, log: Callable[[str], None]) -> None:
    """A group that was made gets exactly the saved rules; the default group those that it does not have."""
    new = made.new["security_group"]
    wanted = [{**rule, **_remote(rule, new)} for rule in group["rules"]]
    found = made.neutron.get_security_group(new[group["id"]]).security_group_rules
    present = {_key(rule_definition(rule)): rule["id"] for rule in found}
    missing = [rule for rule in wanted if _key(rule) not in present]
    for rule in missing:
        _add_rule(made, new[group["id"]], rule)
    if group["name"] == DEFAULT:
        if missing:
            log(f"added {len(missing)} saved rules to the project's default security group")
        return
    keys = {_key(rule) for rule in wanted}
    for key, rule_id in present.items():
        if key not in keys:
            made.neutron.delete_security_group_rule(rule_id)


def _remote(rule: Mapping[str, Any], new: Mapping[str, str]) -> dict[str, str]:
    """The new id of the group that a rule refers to; a group that was not saved is left to Neutron to find."""
    remote = rule.get("remote_group_id")
    return {"remote_group_id": new.get(remote, remote)} if remote else {}


def _add_rule(made: Made, group_id: str, rule: Mapping[str, Any]) -> None:
    from openstack.exceptions import ConflictException

    try:
        created(  # a second one is refused
            lambda: made.neutron.create_security_group_rule(security_group_id=group_id, **rule), lambda: None
        )
    except ConflictException as error:
        if refusal(error) != RULE_EXISTS:
            raise


def _key(rule: Mapping[str, Any]) -> frozenset[tuple[str, Any]]:
    return frozenset((field, value) for field, value in rule.items() if field != "description")
