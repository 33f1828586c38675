"""Where OpenStack's packages are, and what else of this machine the cloud needs."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

ROOT = Path(__file__).parents[3]
PROGRAMS = ROOT / "tests" / "services"  # what runs there in other environments than this
ENVIRONMENT = (ROOT / ".venv-openstack").resolve()  # in the user's cache: see openstack-environment.sh
NEEDED = ("mariadbd", "mariadb-install-db", "mariadb", "qemu-img", "setpriv")


class Unusable(Exception):
    """Something is missing here. The message is one line and says what to do."""


def check_needs() -> None:
    """Raises Unusable."""
    if not (ENVIRONMENT / ".ready").exists():
        raise Unusable("there is no OpenStack: run `make services`")
    if os.geteuid():
        raise Unusable(
            "the tests with OpenStack need root: Cinder does so much as root that it does not start without"
        )
    missing = [name for name in NEEDED if not shutil.which(name)]
    if missing:
        packages = "mariadb-server-core mariadb-client-core qemu-utils rabbitmq-server util-linux"
        raise Unusable(f"the tests need {', '.join(missing)}: run `make services` (apt-get install {packages})")
