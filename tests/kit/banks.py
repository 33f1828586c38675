"""Banks on a file system, opened as a provider file would open them."""

from __future__ import annotations

from pathlib import Path

from oslo_config import cfg

from embank_plugins.banks.filesystem.bank import FilesystemBank


def bank_options(path: Path | str) -> cfg.ConfigOpts:
    """The configuration of a provider file that names this path."""
    conf = cfg.ConfigOpts()
    for section, options in FilesystemBank.options().items():
        conf.register_opts(options, group=section)
    conf.set_override("path", str(path), group="filesystem_bank")
    return conf


def open_bank(path: Path | str) -> FilesystemBank:
    return FilesystemBank(bank_options(path))
