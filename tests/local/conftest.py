"""Fixtures of the local plugins' tests: configuration files, checkpoints, and trees to compare."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from oslo_config import cfg

from embank.conformance.driver import Driver, Subject, filesystem_bank
from embank.plugins import Bank, Operation, ProtectionPlugin, Resource

Configure = Callable[[type[Any], str], Any]


@pytest.fixture
def configure(tmp_path: Path) -> Configure:
    """`configure(Class, text)`: an instance with a provider configuration file of this text."""

    def build(kind: type[Any], text: str) -> Any:
        file = tmp_path / "provider.conf"
        file.write_text(text)
        conf = cfg.ConfigOpts()
        conf.register_opt(cfg.StrOpt("here", default=str(tmp_path)))
        for section, options in kind.options().items():
            conf.register_opts(options, group=section)
        conf([], default_config_files=[str(file)])
        return kind(conf)

    return build


def word(text: str) -> str:
    """Any text as one word of a line of the configuration file: oslo.config expands $, we split words."""
    return "".join(f"\\{char}" if char in "\\\"' `#" else char for char in text).replace("$", "$$")


@pytest.fixture
def as_word() -> Callable[[str], str]:
    return word


@pytest.fixture
def bank(tmp_path: Path) -> Bank:
    return filesystem_bank(tmp_path / "bank")


@pytest.fixture
def drive(bank: Bank) -> Callable[..., Driver]:
    """`drive(plugin, resource, **parameters by operation)`: runs operations on a checkpoint in a bank."""

    def build(plugin: ProtectionPlugin, resource: Resource, **parameters: dict[str, Any]) -> Driver:
        by_operation = {Operation(name): values for name, values in parameters.items()}
        return Driver(Subject(plugin, resource, lambda: None, lambda: None, by_operation), bank)

    return build


def describe(root: Path) -> dict[str, tuple[Any, ...]]:
    """All that a file system says of a tree: what a round trip must bring back. Links by their first name."""
    found: dict[str, tuple[Any, ...]] = {}
    first: dict[tuple[int, int], str] = {}
    for path in [root, *sorted(root.rglob("*"))]:
        info = path.lstat()
        name = str(path.relative_to(root))
        content: Any = path.readlink() if path.is_symlink() else None
        xattrs = {}
        if stat.S_ISREG(info.st_mode):
            content = (info.st_size, hashlib.sha256(path.read_bytes()).hexdigest())
        if stat.S_ISREG(info.st_mode) or stat.S_ISDIR(info.st_mode):
            xattrs = {key: os.getxattr(path, key) for key in os.listxattr(path)}
        link = first.setdefault((info.st_dev, info.st_ino), name)
        found[name] = (info.st_mode, info.st_uid, info.st_gid, info.st_mtime_ns, link, content, xattrs)
    return found


@pytest.fixture(scope="session")
def describe_tree() -> Callable[[Path], dict[str, tuple[Any, ...]]]:
    return describe
