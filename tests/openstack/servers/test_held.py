"""Servers of a real Nova that are held while their volumes would be snapshotted."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from embank_plugins.openstack import OpenStackError
from kit.openstack.servers import MARK, Server, clear, eventually, make_server, remove

pytestmark = [pytest.mark.openstack, pytest.mark.xdist_group("servers held")]


@pytest.fixture
def web(here: Any, flavor: Any, tmp_path: Path) -> Iterator[Server]:
    clear(here.connection)
    yield Server(tmp_path, here, make_server(here.connection, flavor, metadata={"a": "b"}))
    clear(here.connection)


def test_a_server_is_held_and_let_go_again(web: Server) -> None:
    for how, status in (("pause", "PAUSED"), ("suspend", "SUSPENDED")):
        for _ in range(2):
            web.freeze(quiesce=how)
            assert web.now == (status, {"a": "b", MARK: web.checkpoint.id})
        for _ in range(2):
            web.thaw(quiesce=how)
            assert web.now == ("ACTIVE", {"a": "b"})
    web.compute.reboot_server(web.id, "SOFT")
    web.freeze(quiesce="pause")  # when it is no longer busy
    assert web.now[0] == "PAUSED"
    web.thaw(quiesce="pause")
    with pytest.raises(Exception, match="given up"):
        web.freeze(quiesce="pause", cancelled=True)
    web.thaw(quiesce="pause")
    assert web.now == ("ACTIVE", {"a": "b"})


def test_a_server_that_its_owner_paused_stays_so(web: Server) -> None:
    web.compute.pause_server(web.id)
    eventually(lambda: web.compute.get_server(web.id), "PAUSED")
    context = web.freeze(quiesce="suspend")
    assert context.messages == [f"the server 'web' ({web.id}) is PAUSED already, and stays so"]
    web.thaw(quiesce="suspend")
    web.thaw(quiesce="pause")
    assert web.now == ("PAUSED", {"a": "b"})


def test_a_server_that_cannot_go_on_is_told_and_one_that_vanishes_is_no_failure(
    web: Server, openstack_services: Any
) -> None:
    admin = openstack_services.admin.compute
    web.freeze(quiesce="pause")
    admin.lock_server(web.id)
    with pytest.raises(OpenStackError, match=r"cannot unpause the server 'web'.*locked"):
        web.thaw(quiesce="pause")
    assert web.now[0] == "PAUSED"
    admin.unlock_server(web.id)
    remove(web.compute)
    context = web.thaw(quiesce="pause")
    assert context.messages == [f"the server {web.id} has gone: there is nothing to let go on"]
    with pytest.raises(OpenStackError, match=f"the server {web.id} does not exist"):
        web.freeze(quiesce="pause")
    with pytest.raises(OpenStackError, match=f"the server {web.id} does not exist"):
        web.save()


def test_commands_that_the_operator_allows(here: Any, web: Server, tmp_path: Path) -> None:
    script = tmp_path / "guestctl"
    script.write_text(f'#!/bin/sh\necho "$1 $EMBANK_RESOURCE_NAME $EMBANK_RESOURCE" >> {tmp_path}/said\n')
    script.chmod(0o755)
    (tmp_path / "own").mkdir()
    section = {"freeze": f"database {script} freeze", "thaw": f"database {script} thaw"}
    server = Server(tmp_path / "own", here, web.compute.get_server(web.id), server=section)
    wishes = {"quiesce": "command", "quiesce_command": "database"}
    server.freeze(**wishes)
    assert server.now == ("ACTIVE", {"a": "b", MARK: server.checkpoint.id})
    server.thaw(**wishes)
    assert (tmp_path / "said").read_text() == f"freeze web {web.id}\nthaw web {web.id}\n"
    assert server.now == ("ACTIVE", {"a": "b"})
    script.write_text("#!/bin/sh\necho no such database\nexit 3\n")
    with pytest.raises(Exception, match="the freeze command exited with 3: no such database"):
        server.freeze(**wishes)
    with pytest.raises(Exception, match="the thaw command exited with 3"):
        server.thaw(**wishes)
    remove(server.compute)
    assert server.thaw(**wishes).messages == [f"the server {web.id} has gone: there is nothing to let go on"]
