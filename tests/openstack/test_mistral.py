"""A Mistral that wants to be asked with tokens, found in Keystone's catalogue."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.openstack, pytest.mark.xdist_group("mistral")]
EMBANK = Path(sys.executable).parent / "embank"
Embank = Callable[..., subprocess.CompletedProcess[str]]

PROVIDER = """
[provider]
name = local
id = {id}
description = An application
bank = karbor.protections.embank-filesystem-bank-plugin
plugin = karbor.protections.embank-application-protection-plugin
[filesystem_bank]
path = {work}/bank
[local_application]
application = shop
freeze = shop /bin/touch {work}/frozen
thaw = shop /bin/rm {work}/frozen
"""
IN_CLOUD = """
[provider]
name = local
id = {id}
description = A project
bank = karbor.protections.embank-filesystem-bank-plugin
plugin = karbor.protections.karbor-project-protection-plugin
[filesystem_bank]
path = {work}/bank
"""
VIGILANT = "[action_heartbeat]\ncheck_interval = 1\nmax_missed_heartbeats = 5\nfirst_heartbeat_timeout = 5\n"
PLAN = "version: 1\nname: shop\nprovider: local\nresources: [{type: Local::Application, id: shop}]\n"
RESOURCES = "version: 1\nresources: [{type: Local::Application, id: shop}]\n"


@pytest.fixture
def vigilant(mistral: Any) -> Iterator[None]:
    """Mistral notices within seconds that an executor is gone."""
    before = mistral.configuration.read_text()
    mistral.configuration.write_text(before + VIGILANT)
    mistral.restart()
    yield
    mistral.configuration.write_text(before)
    mistral.restart()


@pytest.fixture
def embank(tmp_path: Path, mistral: Any, tenant: Any) -> Embank:
    """`embank("submit", ...)` as the tenant's user, by the `OS_*` variables, in a directory with a workflow."""
    provider = PROVIDER.format(work=tmp_path, id=uuid.uuid4())
    (mistral.providers / "local.conf").write_text(provider)
    (tmp_path / "providers.d").mkdir()
    (tmp_path / "providers.d" / "local.conf").write_text(provider)
    (tmp_path / "plan.yaml").write_text(PLAN)
    (tmp_path / "resources.yaml").write_text(RESOURCES)
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("EMBANK_", "OS_"))}
    own = {f"OS_{key.upper()}": value for key, value in tenant.options.items()}

    def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [EMBANK, *arguments], cwd=tmp_path, env=kept | own | environment, capture_output=True, text=True,
            timeout=300, check=False,
        )  # fmt: skip

    done = run("compile", "protect", "plan.yaml", "--resources", "resources.yaml", "-o", "shop.yaml")
    assert done.returncode == 0, done.stderr
    return run


def status(embank: Embank, checkpoint: str) -> Any:
    shown = embank("checkpoint", "show", "--provider", "local", checkpoint, "-f", "json")
    return json.loads(shown.stdout)["status"]


def test_mistral_is_found_and_asked_as_the_variables_say(mistral: Any, embank: Embank) -> None:
    done = embank("submit", "shop.yaml", "--watch")
    assert done.returncode == 0, done.stdout + done.stderr
    (id_,) = embank("execution", "list", "-f", "value", "-c", "id").stdout.split()
    assert mistral.url in done.stderr
    assert status(embank, id_) == "available"


def test_mistral_is_found_and_asked_as_a_cloud_says(tmp_path: Path, tenant: Any, embank: Embank) -> None:
    auth = {key: value for key, value in tenant.options.items() if key != "region_name"}
    cloud = {"auth": auth, "region_name": tenant.region}
    (tmp_path / "clouds.yaml").write_text(json.dumps({"clouds": {"mine": cloud}}))
    without = dict.fromkeys((f"OS_{key.upper()}" for key in tenant.options), "")
    done = embank("submit", "shop.yaml", "--watch", "--os-cloud", "mine", **without)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_password_that_is_wrong(tenant: Any, embank: Embank) -> None:
    done = embank("submit", "shop.yaml", OS_PASSWORD="mistaken-secret")
    assert done.returncode == 8
    assert "cannot log in" in done.stderr
    assert "mistaken-secret" not in done.stdout + done.stderr


def test_another_project_does_not_see_it(embank: Embank, make_tenant: Callable[..., Any]) -> None:
    done = embank("submit", "shop.yaml", "--watch")
    assert done.returncode == 0, done.stderr
    (id_,) = embank("execution", "list", "-f", "value", "-c", "id").stdout.split()
    other = {f"OS_{key.upper()}": value for key, value in make_tenant().options.items()}
    done = embank("watch", id_, "--state-dir", "elsewhere", **other)
    assert done.returncode == 8
    assert f"has no execution {id_}" in done.stderr


def test_a_schedule_goes_on_without_the_user(mistral: Any, tenant: Any, embank: Embank) -> None:
    """Mistral keeps a trust for it, and has the user's token no more when it starts the workflow."""
    assert embank("schedule", "shop.yaml", "--cron", "* * * * *", "--count", "1").returncode == 0
    trusts = list(tenant.connection.identity.trusts(trustor_user_id=tenant.user_id))
    assert len(trusts) == 1
    deadline = time.monotonic() + 150
    started: list[Any] = []
    while not started and time.monotonic() < deadline:
        time.sleep(1)
        path = f"{mistral.url}/executions?workflow_name=shop_protect"
        started = tenant.connection.session.get(path).json()["executions"]
    (execution,) = started
    watched = embank("watch", execution["id"])
    assert watched.returncode == 0, watched.stdout + watched.stderr
    assert status(embank, execution["id"]) == "available"


def killed(tmp_path: Path, mistral: Any, embank: Embank, policy: str) -> str:
    """An execution, and Mistral with it, in the middle of `pre`; Mistral is up again. Its id."""
    script = tmp_path / "freeze.sh"
    script.write_text(f"touch {tmp_path}/frozen; [ -e {tmp_path}/died ] || exec sleep 300\n")
    text = (mistral.providers / "local.conf").read_text()
    text = text.replace(f"/bin/touch {tmp_path}/frozen", f"/bin/sh {script}")
    for directory in (mistral.providers, tmp_path / "providers.d"):
        (directory / "local.conf").write_text(text)
    (tmp_path / "plan.yaml").write_text(f"{PLAN}policies: {{Local::Application: {policy}}}\n")
    done = embank("compile", "protect", "plan.yaml", "--resources", "resources.yaml", "-o", "shop.yaml")
    assert done.returncode == 0, done.stderr
    id_ = embank("submit", "shop.yaml").stdout.strip()
    deadline = time.monotonic() + 60
    while not (tmp_path / "frozen").exists():
        assert time.monotonic() < deadline
        time.sleep(0.1)
    (tmp_path / "died").touch()
    mistral.restart(kill=True)
    return id_


def test_an_executor_that_dies_is_known_by_the_timeout(tmp_path: Path, mistral: Any, embank: Embank) -> None:
    watched = embank("watch", killed(tmp_path, mistral, embank, "{timeout: 8}"))
    assert watched.returncode == 4, watched.stdout + watched.stderr
    assert "timed out" in watched.stdout
    assert not (tmp_path / "frozen").exists()


@pytest.mark.nightly
@pytest.mark.usefixtures("vigilant")
def test_an_executor_that_dies_is_known_by_its_heartbeats(
    tmp_path: Path, mistral: Any, openstack_services: Any, embank: Embank
) -> None:
    """Then Mistral acts in no project: it does not find the closers, nor does the user find what it does."""
    id_ = killed(tmp_path, mistral, embank, "{timeout: 600}")
    watched = embank("watch", id_)
    assert watched.returncode == 8
    assert f"A user with the role admin in the same project can look (embank watch {id_})" in watched.stderr
    assert embank("cancel", id_).returncode == 8
    auth = openstack_services.admin.config.get_auth_args()
    admin = {"OS_USERNAME": auth["username"], "OS_PASSWORD": auth["password"]}
    watched = embank("watch", id_, **admin)
    assert watched.returncode == 5, watched.stdout + watched.stderr
    assert "Failed to find workflow" in watched.stdout
    assert (tmp_path / "frozen").exists()
    closed = embank("cancel", id_, **admin)
    assert closed.returncode == 0, closed.stdout + closed.stderr
    assert not (tmp_path / "frozen").exists()


def test_an_executor_that_has_no_login(tmp_path: Path, mistral: Any, tenant: Any, embank: Embank) -> None:
    """That of the user's is for Mistral. The summary says what to do."""
    provider = IN_CLOUD.format(work=tmp_path, id=uuid.uuid4())
    for directory in (mistral.providers, tmp_path / "providers.d"):
        (directory / "local.conf").write_text(provider)
    project = f"resources: [{{type: OS::Keystone::Project, id: {tenant.project_id}}}]\n"
    (tmp_path / "plan.yaml").write_text(f"version: 1\nname: mine\nprovider: local\n{project}")
    (tmp_path / "resources.yaml").write_text(f"version: 1\n{project}")
    done = embank("compile", "protect", "plan.yaml", "--resources", "resources.yaml", "-o", "mine.yaml")
    assert done.returncode == 0, done.stderr
    done = embank("submit", "mine.yaml", "--watch")
    assert done.returncode == 4, done.stdout + done.stderr
    assert "give the provider's file there a section [openstack]" in done.stdout
    (mistral.providers / "local.conf").write_text(provider + tenant.section)  # which is read without a restart
    done = embank("submit", "mine.yaml", "--watch")
    assert done.returncode == 0, done.stdout + done.stderr
