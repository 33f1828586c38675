"""Projects, on real services: what is saved with which role, and what takes an administrator to restore."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from embank.conformance.driver import Driver, filesystem_bank
from embank.conformance.plugin import Subject
from embank.plugins import Operation, Resource
from embank_plugins.openstack import PROJECT, OpenStackError
from embank_plugins.openstack.project import ProjectPlugin
from kit.http_proxy import Answer, Proxy
from kit.openstack.cloud import Cloud
from kit.openstack.conformance import Killed, OnCloud
from kit.openstack.projects import temporary_tenant
from kit.openstack.tenant import Tenant

pytestmark = [pytest.mark.openstack, pytest.mark.xdist_group("projects")]

EVERYTHING = {Operation.RESTORE: {"quotas": True, "metadata": True}}
CHANGED = (
    ("compute", "/os-quota-sets", {"quota_set": {"cores": 7, "instances": 3}}),
    ("block_storage", "/os-quota-sets", {"quota_set": {"volumes": 4}}),
    ("network", "/quotas", {"quota": {"network": 5}}),
)


def quotas(tenant: Any) -> dict[str, Any]:
    return {
        name: getattr(tenant.connection, name).get(f"{path}/{tenant.project_id}").json()[next(iter(body))]
        for name, path, body in CHANGED
    }


def describe(admin: Any, tenant: Any, description: str, tags: list[str]) -> None:
    body = {"project": {"description": description, "tags": tags}}
    answer = admin.identity.patch(f"/projects/{tenant.project_id}", json=body)
    assert answer.status_code == 200, answer.text


def description(tenant: Any) -> tuple[str, list[str]]:
    project = tenant.connection.identity.get(f"/projects/{tenant.project_id}").json()["project"]
    return project["description"], sorted(project["tags"])


def change(admin: Any, tenant: Any) -> None:
    describe(admin, tenant, "changed", [])
    for name, path, body in CHANGED:
        answer = getattr(admin, name).put(f"{path}/{tenant.project_id}", json=body)
        assert answer.status_code == 200, answer.text


def subject_of(tenant: Any, **more: Any) -> Subject:
    plugin = ProjectPlugin(tenant.conf(ProjectPlugin))
    resource = Resource(PROJECT, tenant.project_id, tenant.project_name)
    return Subject(plugin, resource, **{"destroy": lambda: None, "compare": lambda: None, **more})


@pytest.fixture
def bank(tmp_path: Path) -> Any:
    return filesystem_bank(tmp_path / "bank")


@pytest.fixture(scope="module")
def powerful(openstack_services: Cloud, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tenant]:
    """A project whose user may change it."""
    directory = tmp_path_factory.mktemp("tenant")
    with temporary_tenant(openstack_services, directory, roles=("member", "admin")) as tenant:
        yield tenant


class Powerful:
    """As a subject, that project."""

    @pytest.fixture
    def subject(self, resource_id: str, powerful: Any, openstack_services: Any) -> Subject:
        tenant, admin = powerful, openstack_services.admin
        describe(admin, tenant, "Ours – “important”", ["shop", "ü"])
        before = quotas(tenant)

        def compare() -> None:
            assert quotas(tenant) == before
            assert description(tenant) == ("Ours – “important”", ["shop", "ü"])

        return subject_of(tenant, destroy=lambda: change(admin, tenant), compare=compare, parameters=EVERYTHING)


class TestConformance(Powerful, OnCloud):
    KILLED, KILLED_RESTORING = 2, 27


@pytest.mark.nightly
class TestKilledAtEveryStep(Powerful, Killed):
    pass


def test_a_member_saves_all_and_restores_nothing(tenant: Any, openstack_services: Any, bank: Any) -> None:
    """Which takes an administrator."""
    admin, before = openstack_services.admin, quotas(tenant)
    subject = subject_of(tenant)
    driver = Driver(subject, bank)
    checkpoint = driver.protect()
    saved = driver.again(checkpoint, "look").section(subject.resource).load()
    assert saved["name"] == tenant.project_name
    assert saved["quotas"]["compute"]["cores"] == before["compute"]["cores"]
    assert saved["quotas"]["block_storage"]["volumes"] == before["block_storage"]["volumes"]
    assert saved["quotas"]["network"]["network"] == before["network"]["network"]
    change(admin, tenant)
    lower = quotas(tenant)
    context = driver.run(Operation.RESTORE, driver.again(checkpoint, "restore"))
    assert context.restored(subject.resource) == {"project_id": tenant.project_id}
    assert quotas(tenant) == lower, "nobody asked for it"
    for asked, said in (
        ("quotas", r"cannot set the quotas of compute \(cores, instances\), which takes the role admin: Policy"),
        (
            "metadata",
            "cannot change the description and tags of the project, which takes the role admin: You are not",
        ),
    ):
        subject.parameters = {Operation.RESTORE: {asked: True}}
        with pytest.raises(OpenStackError, match=said):
            driver.run(Operation.RESTORE, driver.again(checkpoint, asked))
    assert quotas(tenant) == lower


def test_what_may_not_be_read_is_said(tenant: Any, bank: Any) -> None:
    driver = Driver(subject_of(tenant), bank)
    checkpoint = driver.begin()
    with Proxy() as proxy, pytest.MonkeyPatch.context() as environment:
        for name, value in proxy.environment.items():
            environment.setenv(name, value)
        forbidden = Answer(403, {}, b'{"forbidden": {"message": "not for readers"}}')
        proxy.rule = lambda method, url: forbidden if "/v3/" in url and "/os-quota-sets" in url else None
        context = driver.run(Operation.PROTECT, checkpoint)
        broken = Answer(500, {}, b'{"computeFault": {"message": "a bug"}}')
        proxy.rule = lambda method, url: broken if "/os-quota-sets" in url else None
        with pytest.raises(OpenStackError, match=r"cannot read the quotas of compute: a bug \(HTTP 500\)"):
            driver.run(Operation.PROTECT, checkpoint)
    assert "the quotas of block_storage are not saved: not for readers (HTTP 403)" in context.messages[0]
    again = driver.run(Operation.VERIFY, driver.again(checkpoint, "verify"))
    assert again.messages == [f"{driver.subject.resource}: the quotas of block_storage were not saved"]


def test_another_project_is_refused(tenant: Any, bank: Any) -> None:
    """Also to an administrator: a plan says what is protected, and the login where."""
    subject = subject_of(tenant)
    subject.resource = Resource(PROJECT, "0" * 32, "another")
    with pytest.raises(OpenStackError, match=f"the login is for the project {tenant.project_id}"):
        Driver(subject, bank).protect()
