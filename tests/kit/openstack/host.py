"""The process that a cloud lives in: `python -m kit.openstack.host`, which says in one line of JSON where it is.

Every process that uses the cloud has a connection to the socket that is named there, and asks for what it wants by
lines of JSON. The cloud ends with the last of these connections: whoever is killed leaves none. It ends, too, when
this process is asked to, and its services do when this process is killed (decision PROJECT-3).
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import selectors
import signal
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from keystoneauth1.exceptions import ClientException
from openstack.exceptions import SDKException

from kit.openstack import state
from kit.openstack.accounts import move_catalogue
from kit.openstack.database import sql, start_database
from kit.openstack.environment import ENVIRONMENT, Unusable, check_needs
from kit.openstack.processes import NotStarted, Processes
from kit.openstack.services import Services
from kit.openstack.site import new_site
from kit.rabbitmq import start_rabbitmq

USED = ENVIRONMENT.with_name(f"{ENVIRONMENT.name}.used")  # nobody removes it meanwhile
PATIENCE = 60  # s, for the first who wants to use it
FAILURES = (NotStarted, OSError, SDKException, ClientException)


@contextlib.contextmanager
def start_openstack() -> Iterator[Services]:
    """The cloud, and nothing left of it afterwards. Raises Unusable or NotStarted."""
    check_needs()
    with contextlib.ExitStack() as stack:
        used = stack.enter_context(USED.open("a"))
        fcntl.flock(used, fcntl.LOCK_SH)
        saved = state.saved_state()
        try:
            services = stack.enter_context(_started(saved))
        except FAILURES:  # once more: what was saved may be broken
            state.forget(saved)
            services = stack.enter_context(_started(state.saved_state()))
        yield services


@contextlib.contextmanager
def _started(saved: Path) -> Iterator[Services]:
    """All services, with a copy of the saved state."""
    with state.scratch() as home, start_rabbitmq(wait=False) as broker:
        state.copy(saved, home)
        site = new_site(home, ENVIRONMENT, broker.url)
        state.write_files(site)
        processes = Processes(site)
        with start_database(processes):
            services = Services(site, processes)
            with services.killed_at_last():
                sql(processes, move_catalogue(site.catalogue))
                services.start(wait_for=broker.wait)
                services.greet()
                yield services


class Door:
    """The socket, and all who have come in by it."""

    def __init__(self, services: Services, path: Path) -> None:
        self._services = services
        self._selector = selectors.DefaultSelector()
        self._listening = socket.socket(socket.AF_UNIX)
        self._listening.bind(str(path))
        self._listening.listen()
        self._selector.register(self._listening, selectors.EVENT_READ)
        self._guests: dict[socket.socket, IO[bytes]] = {}

    def serve(self) -> None:
        """Until the last one has gone."""
        while ready := self._selector.select(None if self._guests else PATIENCE):
            for key, _ in ready:
                if key.fileobj is self._listening:
                    self._welcome()
                elif not self._answer(key.fileobj):  # type: ignore[arg-type]
                    return

    def _welcome(self) -> None:
        guest, _ = self._listening.accept()
        self._guests[guest] = guest.makefile("rb")
        self._selector.register(guest, selectors.EVENT_READ)

    def _answer(self, guest: socket.socket) -> bool:
        """Do what is wanted. Whether there is anybody left."""
        line = b""
        with contextlib.suppress(ConnectionError):
            line = self._guests[guest].readline()
        if not line:
            self._selector.unregister(guest)
            if len(self._guests) > 1:
                self._guests.pop(guest).close()
                guest.close()
                return True
            return False  # the last one is answered when all is gone
        asked = json.loads(line)
        error = ""
        try:
            getattr(self._services, asked["do"])(*asked["with"])
        except FAILURES as failure:
            error = str(failure)
        with contextlib.suppress(ConnectionError):
            guest.sendall(json.dumps({"error": error}).encode() + b"\n")
        return True


def main() -> None:
    """Start the cloud, say where it is, and serve."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    try:
        with start_openstack() as services:
            home = services.site.home
            door = Door(services, home / "door")
            where = {"door": str(home / "door"), "auth_url": services.site.url("keystone"), "logs": str(home / "log")}
            say(where)
            door.serve()
    except (Unusable, *FAILURES) as failure:
        say({"error": str(failure)})


def say(what: dict[str, str]) -> None:
    """To who has started this."""
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
