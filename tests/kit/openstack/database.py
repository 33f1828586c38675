"""The MariaDB of the tests' OpenStack."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator

from kit.openstack.processes import PATIENCE, NotStarted, Processes, Program


@contextlib.contextmanager
def start_database(processes: Processes) -> Iterator[None]:
    """MariaDB, with the data that are in the directory or new ones, until the end of the block."""
    data = processes.site.home / "mysql"
    account = () if os.geteuid() else ("--user=root",)
    if not data.exists():
        processes.run(
            "mariadb-install-db", "--no-defaults", f"--datadir={data}", "--auth-root-authentication-method=normal",
            "--skip-test-db", *account,
        )  # fmt: skip
    processes.launch(
        "mariadb",
        Program(
            (
                "mariadbd", "--no-defaults", *account, f"--datadir={data}", f"--socket={processes.site.socket}",
                "--skip-networking", "--max-connections=500", "--character-set-server=utf8mb4", "--skip-log-bin",
                "--performance-schema=off", "--innodb-log-file-size=16M", "--innodb-buffer-pool-size=128M",
                "--innodb-flush-log-at-trx-commit=0", "--innodb-doublewrite=0", "--innodb-flush-method=nosync",
            )
        ),
    )  # fmt: skip
    try:
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                sql(processes, "SELECT 1")
                break
            except NotStarted:
                processes.check("mariadb")
                if time.monotonic() > deadline:
                    raise
            time.sleep(0.1)
        yield
    finally:
        processes.end("mariadb")


def sql(processes: Processes, script: str) -> None:
    """Run SQL as root."""
    processes.run("mariadb", "--no-defaults", f"--socket={processes.site.socket}", "--user=root", text=script)
