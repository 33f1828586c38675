"""The example in a cloud: built, protected, restored in another project, lost, restored where it was, deleted.

By `embank run` in every run, and by Mistral nightly.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kit.openstack import three_tier

pytestmark = pytest.mark.openstack
PATIENCE = 180  # s


@pytest.fixture
def work(make_tenant: Callable[..., Any], tenant: Any, openstack_services: Any, tmp_path: Path) -> Any:
    """The example's directory. Its user has a role in another project, too."""
    identity = openstack_services.admin.identity
    there = make_tenant()
    member = identity.find_role("member", ignore_missing=False)
    identity.assign_project_role_to_user(there.project_id, tenant.user_id, member.id)
    return three_tier.Work(tmp_path, tenant, there, make_tenant())


def test_the_example(openstack_services: Any, work: Any, flavor: Any) -> None:
    before = work.build(flavor.id)
    work.embank("run", "protect.yaml")
    assert work.seen("here") == before
    assert list(work.here.connection.block_storage.snapshots()) == []
    checkpoint = work.checkpoint()
    work.embank("run", work.compile("verify", checkpoint))
    restore = work.compile("restore", checkpoint)

    work.embank("run", restore, "--os-cloud", "there")
    assert work.seen("there") == before
    assert work.seen("here") == before

    work.lose(openstack_services.admin)
    work.embank("run", restore)
    assert work.seen("here") == before
    assert work.has_data("here")

    work.embank("run", work.compile("delete", checkpoint))
    assert nothing_is_left(work)


@pytest.mark.nightly
def test_the_example_in_mistral(openstack_services: Any, mistral: Any, work: Any, flavor: Any) -> None:
    """Mistral dies, with its executors, while Cinder makes the backups. No secret ever comes to it."""
    before = work.build(flavor.id)
    work.configure(mistral.providers)
    storage = work.here.connection.block_storage
    watching = work.begin("submit", "protect.yaml", "--watch")
    wait_for(lambda: polls_backups(mistral) and "creating" in [each.status for each in storage.backups()])
    mistral.restart(kill=True)
    assert "asking again" in work.end(watching)[1]
    assert len(list(storage.backups())) == 2  # those that were being made
    assert list(storage.snapshots()) == []
    assert work.seen("here") == before
    checkpoint = work.checkpoint()
    work.embank("submit", work.compile("verify", checkpoint), "--watch")

    work.embank("submit", work.compile("restore", checkpoint, three_tier.OTHER), "--watch")
    assert work.seen("there") == before
    assert work.seen("here") == before

    work.lose(openstack_services.admin)
    work.embank("submit", work.compile("restore", checkpoint), "--watch")
    assert work.seen("here") == before
    assert work.has_data("here")

    work.embank("submit", work.compile("delete", checkpoint), "--watch")
    assert nothing_is_left(work)
    database = b"".join(file.read_bytes() for file in sorted(mistral.home.glob("mistral.sqlite*")))
    for known in (database, mistral.log.read_bytes()):
        assert checkpoint.encode() in known
        assert work.here.password.encode() not in known
        assert work.bank.password.encode() not in known


def polls_backups(mistral: Any) -> bool:
    """Whether that is all that it does. A task that is about to begin would be forgotten (tests/mistral)."""
    rows = mistral.request("GET", "/tasks?fields=name,state")["tasks"]
    names = {row["name"] for row in rows if row["state"] in ("IDLE", "DELAYED", "RUNNING")} - {"activities"}
    return bool(names) and all(re.fullmatch(r"volume_\w+_parallel", name) for name in names)


def nothing_is_left(work: Any) -> bool:
    """Of the checkpoint: neither in Cinder nor in the bank."""
    backups = list(work.here.connection.block_storage.backups())
    return [*backups, *work.bank.connection.object_store.objects(three_tier.NAME)] == []


def wait_for(done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not done():
        assert time.monotonic() < deadline, f"it is not so after {PATIENCE} s"
        time.sleep(0.3)
