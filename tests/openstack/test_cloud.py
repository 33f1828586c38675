"""Logging in: every way there is, the mistakes of tired people, tokens that end, services that ask to wait."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest
import yaml
from keystoneauth1.exceptions import ConnectFailure
from openstack.exceptions import HttpException
from oslo_config import cfg

from embank_plugins.openstack import OpenStackError
from embank_plugins.openstack.cloud import CHOSEN, SECTION, Cloud, cloud_options, connect_arguments
from embank_plugins.openstack.refusals import told
from embank_plugins.openstack.waiting import created
from kit.http_proxy import Answer, Cut
from kit.openstack.projects import temporary_tenant

pytestmark = pytest.mark.xdist_group("logging in")
NOWHERE = {"auth_url": "http://127.0.0.1:1/v3", "username": "u", "password": "s3cret", "project_name": "p"}


@pytest.fixture(scope="module")
def tenant(openstack_services: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """One for all tests here."""
    with temporary_tenant(openstack_services, tmp_path_factory.mktemp("tenant")) as tenant:
        yield tenant


@pytest.fixture(scope="module")
def other(openstack_services: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Somebody who has no role in the project of `tenant`."""
    with temporary_tenant(openstack_services, tmp_path_factory.mktemp("other")) as other:
        yield other


@pytest.fixture(autouse=True)
def _nothing_in_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in (*filter(lambda name: name.startswith("OS_"), os.environ), CHOSEN):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)


def section(**options: str | None) -> cfg.ConfigOpts:
    conf = cfg.ConfigOpts()
    for name, declared in cloud_options().items():
        conf.register_opts(declared, group=name)
    conf([], default_config_files=[])
    for key, value in options.items():
        conf.set_override(key, value, group=SECTION)
    return conf


def refusal(**options: str | None) -> str:
    """What somebody reads who cannot log in. Never a secret."""
    with pytest.raises((OpenStackError, ValueError)) as raised:
        assert Cloud(section(**options)).connection
    said = str(raised.value)
    assert not any(options.get(secret) and str(options[secret]) in said for secret in SECRETS)
    return said


SECRETS = ("password", "application_credential_secret")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"username": "u"}, "[openstack] has no auth_url and no password; nothing else"),
        ({**NOWHERE, "password": None}, "[openstack] has no password"),
        ({**NOWHERE, "project_name": None}, "[openstack] names no project: add project_name"),
        ({**NOWHERE, "trust_id": "t"}, "[openstack] project_name: a trust is for one project"),
        ({"auth_url": "x", "application_credential_id": "i"}, "[openstack] has no application_credential_secret"),
        (
            {"auth_url": "x", "application_credential_secret": "s", "project_id": "p"},
            "[openstack] project_id: an application credential is for one project",
        ),
    ],
)
def test_sections_that_nobody_can_log_in_with(options: dict[str, str | None], said: str) -> None:
    """Known before anything is asked, so that the line of the provider's file can be shown."""
    with pytest.raises(ValueError, match=r"^\[openstack\]") as raised:
        Cloud(section(**options))
    assert said in str(raised.value)


def test_nothing_says_how_to_log_in() -> None:
    assert refusal().startswith(
        "nothing says how to log in to OpenStack. Name a cloud of clouds.yaml with --os-cloud"
    )


def test_no_keystone_there() -> None:
    said = refusal(**NOWHERE)
    assert said.startswith("Keystone (http://127.0.0.1:1/v3) does not answer. Is it up")
    assert "[openstack]" in said


def test_a_cloud_that_is_in_no_file(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "there is no clouds.yaml in ., ~/.config/openstack or /etc/openstack" in refusal(cloud="production")
    Path("c.yaml").write_text("clouds: {staging: {auth: {password: s3cret}}, prod: {auth: {}}}")
    monkeypatch.setenv("OS_CLIENT_CONFIG_FILE", "c.yaml")
    said = refusal(cloud="production")
    assert "Cloud production was not found" in said
    assert said.endswith("c.yaml has: prod, staging")
    monkeypatch.setenv(CHOSEN, "stagign")
    assert refusal(**NOWHERE).startswith("the cloud 'stagign' of clouds.yaml (--os-cloud or EMBANK_OS_CLOUD)")


def test_what_a_provider_says_is_complete() -> None:
    """No variable of somebody's shell goes into another project."""
    shell = {"OS_CLOUD": "mine", "OS_AUTH_URL": "x", "OS_PROJECT_NAME": "mine", "OS_REGION_NAME": "mine"}
    arguments = connect_arguments(NOWHERE, shell)
    assert arguments["load_envvars"] is arguments["load_yaml_config"] is False
    assert arguments["auth"]["project_name"] == "p"
    assert "cloud" not in arguments
    chosen = connect_arguments({**NOWHERE, "region_name": "there"}, {**shell, CHOSEN: "other"})
    assert chosen["cloud"] == "other"
    assert "auth" not in chosen
    assert "region_name" not in chosen


def own(cloud: Cloud) -> list[str]:
    """The names of the project's networks."""
    return sorted(each.name for each in cloud.connection.network.networks(project_id=cloud.project_id))


def remove_networks(cloud: Cloud) -> None:
    for network in cloud.connection.network.networks(project_id=cloud.project_id):
        cloud.connection.network.delete_network(network)


def reached(conf: cfg.ConfigOpts) -> tuple[str, list[str]]:
    """The project that a login is for, and what it sees there."""
    cloud = Cloud(conf)
    return cloud.project_id, own(cloud)


@pytest.mark.openstack
class TestLogin:
    def test_password(self, tenant: Any) -> None:
        assert reached(tenant.conf(cloud_class())) == (tenant.project_id, [])

    def test_variables(self, tenant: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        for name, value in tenant.options.items():
            monkeypatch.setenv(f"OS_{name.upper()}", value)
        assert reached(section()) == (tenant.project_id, [])
        monkeypatch.setenv("OS_PASSWORD", "wrong-secret")
        said = refusal()
        assert "refuses the login of the variables OS_*" in said
        assert "wrong-secret" not in said
        monkeypatch.delenv("OS_PASSWORD")
        assert "cannot log in to OpenStack as the variables OS_* says: password is a required" in refusal()

    def test_clouds_yaml(self, tenant: Any, other: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        clouds = {name: clouds_entry(one) for name, one in (("mine", tenant), ("theirs", other))}
        Path("c.yaml").write_text(yaml.safe_dump({"clouds": clouds}))
        monkeypatch.setenv("OS_CLIENT_CONFIG_FILE", "c.yaml")
        assert reached(section(cloud="mine"))[0] == tenant.project_id
        monkeypatch.setenv("OS_CLOUD", "theirs")
        assert reached(section())[0] == other.project_id
        assert reached(section(cloud="mine"))[0] == tenant.project_id
        monkeypatch.setenv(CHOSEN, "theirs")
        assert reached(tenant.conf(cloud_class()))[0] == other.project_id
        assert reached(section(cloud="mine"))[0] == other.project_id

    def test_application_credential(self, tenant: Any, proxy: Any) -> None:
        identity, user = tenant.connection.identity, tenant.connection.current_user_id
        made = identity.create_application_credential(user, name="embank", roles=[{"name": "member"}])
        options = {
            "auth_url": tenant.auth_url,
            "application_credential_id": made.id,
            "application_credential_secret": made.secret,
        }
        assert reached(section(**options)) == (tenant.project_id, [])
        assert "or the application credential" in refusal(**{**options, "application_credential_secret": "s3cret"})
        cloud = Cloud(section(**options))
        assert own(cloud) == []
        identity.delete_application_credential(user, made)
        proxy.ended.add(cloud.connection.session.get_token())
        assert "(any more): Could not find Application Credential" in refusal(**options)
        with pytest.raises(OpenStackError, match="cannot list: Could not find Application Credential"), told("list"):
            list(cloud.connection.compute.servers())

    def test_trust(self, tenant: Any, other: Any, proxy: Any, openstack_services: Any) -> None:
        """Unattended: a service's user, with its own password, as the tenant."""
        trust = entrust(tenant, other.user_id, openstack_services.admin)
        options = {
            "auth_url": tenant.auth_url,
            "username": other.user_name,
            "password": other.password,
            "trust_id": trust,
        }
        cloud = Cloud(section(**options))
        assert cloud.project_id == tenant.project_id
        assert cloud.connection.current_user_id == tenant.user_id, "impersonated"
        assert cloud.connection.network.create_network(name="n").project_id == tenant.project_id
        proxy.ended.add(cloud.connection.session.get_token())
        assert own(cloud) == ["n"], "logged in again"
        remove_networks(cloud)
        tenant.connection.identity.delete_trust(trust)
        assert "trust has ended" in refusal(**options)

    def test_mistakes(self, tenant: Any, other: Any) -> None:
        options = tenant.options
        assert refusal(**{**options, "password": "s3cret"}).startswith(
            f"Keystone ({tenant.auth_url}) refuses the login of the section [openstack] of the provider's file: the"
        )
        assert "or the project is wrong" in refusal(**{**options, "project_name": "no such"})
        assert "no role in the project" in refusal(**{**options, "project_name": other.project_name})
        assert refusal(**{**options, "region_name": "Atlantis"}).endswith("no region 'Atlantis'; known: RegionOne")
        wrong = tenant.auth_url.replace("/v3", "/nothing")
        assert refusal(**{**options, "auth_url": wrong}).startswith(f"there is no Keystone at {wrong}")

    def test_no_project(self, tenant: Any, openstack_services: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        answer = openstack_services.admin.identity.patch(
            f"/users/{tenant.user_id}", json={"user": {"default_project_id": None}}
        )
        assert answer.status_code == 200, answer.text
        for name, value in tenant.options.items():
            if "project" not in name:
                monkeypatch.setenv(f"OS_{name.upper()}", value)
        assert "is for no project: add project_name" in refusal()


@pytest.mark.openstack
class TestRequests:
    @pytest.fixture
    def cloud(self, tenant: Any, proxy: Any) -> Iterator[Cloud]:
        cloud = Cloud(tenant.conf(cloud_class()))
        assert own(cloud) == []  # the endpoint is known
        proxy.seen.clear()
        yield cloud
        proxy.rule = lambda method, url: None
        remove_networks(cloud)

    def test_a_token_that_ends_is_renewed(self, cloud: Cloud, proxy: Any) -> None:
        proxy.ended.add(cloud.connection.session.get_token())
        assert own(cloud) == []
        assert [asked.split()[0] for asked in proxy.seen] == ["GET", "POST", "GET"]  # 401, a new token, again
        assert cloud.connection.network.create_network(name="n").name == "n"

    @pytest.mark.parametrize("status", [429, 503])
    @pytest.mark.parametrize("wanted", [lambda: "3", lambda: formatdate(time.time() + 4, usegmt=True)])
    def test_a_service_that_asks_to_wait_is_obeyed(
        self, cloud: Cloud, proxy: Any, status: int, wanted: Callable[[], str]
    ) -> None:
        proxy.rule = once(Answer(status, {"Retry-After": wanted()}))
        before = time.monotonic()
        assert own(cloud) == []
        assert time.monotonic() - before >= 3  # without the header it is asked again after half a second
        assert proxy.count("GET", "/networks") == 2

    @pytest.mark.parametrize("wanted", ["86400", "9" * 400, "Fri, 01 Jan 2100 00:00:00 GMT"])
    def test_a_service_that_asks_to_wait_for_too_long_is_not(self, cloud: Cloud, proxy: Any, wanted: str) -> None:
        """Something may stand still meanwhile."""
        proxy.rule = lambda method, url: Answer(503, {"Retry-After": wanted})
        with (
            pytest.raises(OpenStackError, match=r"list: .*HTTP 503.*again in (\d+|inf) s, and is waited for 90 s"),
            told("list"),
        ):
            own(cloud)
        assert proxy.count("GET", "/networks") == 1

    def test_something_is_made_once(self, cloud: Cloud, proxy: Any) -> None:
        """With 429 nothing was done. With 503 it may have been: somebody has to look."""
        neutron = cloud.connection.network

        def make() -> str:
            return str(created(lambda: neutron.create_network(name="n").name, lambda: next(iter(own(cloud)), None)))

        proxy.rule = once(Answer(429, {"Retry-After": "0"}))
        assert neutron.create_network(name="n").name == "n"
        assert proxy.count("POST", "/networks") == 2
        for late in (False, True):
            remove_networks(cloud)
            proxy.seen.clear()
            proxy.rule = once(Answer(503, {"Retry-After": "0"}, late=late))
            assert make() == "n"
            assert own(cloud) == ["n"]
            assert proxy.count("POST", "/networks") == (1 if late else 2)
        proxy.rule = once(Answer(503, {"Retry-After": "0"}, late=True))
        with pytest.raises(HttpException):
            neutron.create_network(name="m")
        assert own(cloud) == ["m", "n"]

    def test_a_service_that_never_has_time(self, cloud: Cloud, proxy: Any) -> None:
        proxy.rule = lambda method, url: Answer(503, {"Retry-After": "0"}) if "networks" in url else None
        with (
            pytest.raises(OpenStackError, match=r"cannot list: .*HTTP 503.*also after several attempts"),
            told("list"),
        ):
            own(cloud)
        assert proxy.count("GET", "/networks") == 5

    def test_a_question_that_was_not_answered_is_asked_again(self, cloud: Cloud, proxy: Any) -> None:
        proxy.rule = once(Cut(-1))
        assert own(cloud) == []
        assert proxy.count("GET", "/networks") == 2

    def test_a_creation_that_was_not_answered_is_not_repeated(self, cloud: Cloud, proxy: Any) -> None:
        """It was carried out: a second one would make something that nobody knows of."""
        proxy.rule = once(Cut(-1))
        with pytest.raises(ConnectFailure):
            cloud.connection.network.create_network(name="n")
        assert proxy.count("POST", "/networks") == 1
        assert own(cloud) == ["n"]

    def test_threads_share_a_connection(self, tenant: Any, proxy: Any) -> None:
        """Also when it is new, so that every thread wants to find the endpoints, and when its token ends."""
        cloud = Cloud(tenant.conf(cloud_class()))
        names = {f"n{number}" for number in range(16)}

        def work(name: str) -> tuple[str, str]:
            made = cloud.connection.network.create_network(name=name)
            assert list(cloud.connection.compute.servers()) == []
            return name, cloud.connection.network.get_network(made.id).name

        with ThreadPoolExecutor(8) as threads:
            first = list(threads.map(work, sorted(names)[:8]))
            proxy.ended.add(cloud.connection.session.get_token())
            first += threads.map(work, sorted(names)[8:])
        assert all(asked == got for asked, got in first)
        assert own(cloud) == sorted(names)
        remove_networks(cloud)

    def test_a_forked_process_has_a_connection_of_its_own(self, cloud: Cloud, proxy: Any) -> None:
        before = cloud.connection
        child = os.fork()
        if not child:
            code = 1
            try:
                same = cloud.connection is before
                code = 0 if not same and own(cloud) == [] else 2
            finally:
                os._exit(code)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert cloud.connection is before
        assert own(cloud) == []


def cloud_class() -> type[Any]:
    """Something with the options of [openstack]."""
    return type("Options", (), {"options": staticmethod(cloud_options)})


def clouds_entry(tenant: Any) -> dict[str, Any]:
    auth = {key: value for key, value in tenant.options.items() if key != "region_name"}
    return {"auth": auth, "region_name": tenant.region}


def entrust(tenant: Any, trustee: str, admin: Any) -> str:
    """A trust: `trustee` may act as the tenant's user, in the tenant's project."""
    body = {
        "impersonation": True,
        "trustor_user_id": tenant.user_id,
        "trustee_user_id": trustee,
        "project_id": tenant.project_id,
        "roles": [{"id": admin.identity.find_role("member").id}],
    }
    answer = tenant.connection.identity.post("/OS-TRUST/trusts", json={"trust": body})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["trust"]["id"])


def once(told: Any) -> Callable[[str, str], Any]:
    left = [told]
    return lambda method, url: left.pop() if left and "/networks" in url else None
