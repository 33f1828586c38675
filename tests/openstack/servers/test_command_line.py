"""Servers of a real Nova, protected and restored on the command line."""

from __future__ import annotations

import subprocess
import sys
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from embank.cli.main import main
from kit.openstack.servers import TYPE, clear, make_server, seen

pytestmark = [pytest.mark.openstack, pytest.mark.xdist_group("servers on the command line")]


@pytest.fixture
def providers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """`providers(here, there)`: providers p1 and p2, of these tenants, with one bank. The tests are in that place."""
    monkeypatch.chdir(tmp_path)

    def write(*tenants: Any) -> None:
        for number, tenant in enumerate(tenants, start=1):
            head = f"[provider]\nname = p{number}\nid = {uuid.uuid4()}\ndescription = Servers\n"
            bank = "bank = karbor.protections.embank-filesystem-bank-plugin\n"
            plugins = "".join(
                f"plugin = karbor.protections.karbor-{name}-protection-plugin\n"
                for name in ("server", "network", "image")
            )
            place = f"[filesystem_bank]\npath = {tmp_path}/bank\n"
            (tmp_path / "providers.d").mkdir(exist_ok=True)
            text = head + bank + plugins + place + tenant.section
            (tmp_path / "providers.d" / f"p{number}.conf").write_text(text)

    return write


def protect(server: Any, directory: Path) -> str:
    """Protect a server and all below it on the command line. The checkpoint's id."""
    (directory / "plan.yaml").write_text(
        f"version: 1\nname: web\nprovider: p1\nresources:\n  - under: {{type: {TYPE}, id: {server.id}}}\n"
        f"parameters:\n  {TYPE}: {{quiesce: pause}}\n"
    )
    assert main(["discover", "--provider", "p1", "-o", "graph.yaml"]) == 0
    assert main(["compile", "protect", "plan.yaml", "--resources", "graph.yaml", "-o", "protect.yaml"]) == 0
    assert main(["run", "protect.yaml"]) == 0
    (checkpoint,) = [each.name for each in (directory / "bank" / "checkpoints").iterdir()]
    return checkpoint


def compile_(operation: str, provider: str, checkpoint: str) -> None:
    """As `OPERATION.yaml`."""
    line = ["compile", operation, "--provider", provider, "--checkpoint", checkpoint, "-o", f"{operation}.yaml"]
    assert main(line) == 0


def test_through_the_command_line_into_another_project(
    here: Any, make_tenant: Any, flavor: Any, tmp_path: Path, providers: Callable[..., None]
) -> None:
    there, cloud = make_tenant(), here.connection
    clear(cloud)
    server = make_server(cloud, flavor, tags=["prod"])
    providers(here, there)
    checkpoint = protect(server, tmp_path)
    for operation, provider in (("verify", "p1"), ("restore", "p2"), ("delete", "p1")):
        compile_(operation, provider, checkpoint)
        assert main(["run", f"{operation}.yaml"]) == 0
    (was,), (now,) = seen(cloud), seen(there.connection)
    assert {**was, "image": None} == {**now, "image": None}
    assert now["image"] in [image.id for image in there.connection.image.images(owner=there.project_id)]


def test_a_restore_that_was_killed_and_cancelled_leaves_what_was_restored_and_can_be_repeated(
    here: Any, make_tenant: Any, flavor: Any, tmp_path: Path, providers: Callable[..., None]
) -> None:
    there, cloud = make_tenant(), here.connection
    clear(cloud)
    server = make_server(cloud, flavor)
    providers(here, there)
    compile_("restore", "p2", protect(server, tmp_path))
    compute, neutron = there.connection.compute, there.connection.network
    done = set((tmp_path / ".embank" / "executions").iterdir())
    running = subprocess.Popen([sys.executable, "-m", "embank", "run", "restore.yaml"], start_new_session=True)
    while not list(compute.servers()):
        assert running.poll() is None
        time.sleep(0.05)
    running.kill()
    running.wait()
    (killed,) = set((tmp_path / ".embank" / "executions").iterdir()) - done
    assert main(["cancel", killed.name]) == 0
    assert list(compute.servers()) == []
    assert [port.device_owner for port in neutron.ports() if not port.device_owner.startswith("network:")] == []
    assert [network.name for network in neutron.networks(project_id=there.project_id)] == ["net"]
    assert main(["run", "restore.yaml"]) == 0
    assert [each["name"] for each in seen(there.connection)] == ["web"]
