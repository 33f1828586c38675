"""Ports of the loopback for servers that do not choose one themselves. No two get the same, in whichever process."""

from __future__ import annotations

import os
import socket

PORTS = range(20_000, 32_000)  # below those that the kernel gives to who asks for any
_taken: list[socket.socket] = []  # while this process lives


def free_port() -> int:
    """One that nobody listens at, and that nobody else is told of."""
    for number in range(len(PORTS)):
        port = PORTS[(os.getpid() * 7 + number) % len(PORTS)]
        claim = socket.socket(socket.AF_UNIX)
        try:
            claim.bind(f"\0embank-test-port-{port}")  # a name that only one can have, and that goes with its owner
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", port))
        except OSError:
            claim.close()
            continue
        _taken.append(claim)
        return port
    raise AssertionError("there is no free port")
