"""As whom servers run that refuse to be run by root."""

from __future__ import annotations

import os
from typing import TypedDict


class Account(TypedDict, total=False):
    """For subprocess."""

    user: str
    group: str
    extra_groups: list[str]


def not_root(name: str) -> Account:
    """The account of this name, which its package has made, when we are root; else ours."""
    return {} if os.geteuid() else {"user": name, "group": name, "extra_groups": []}
