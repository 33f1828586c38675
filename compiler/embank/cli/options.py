"""Options that several commands share."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from embank.cli.report import need
from embank.errors import UsageError

if TYPE_CHECKING:
    from embank.checkpoint.checkpoints import Checkpoints
    from embank.inputs.provider.find import Provider


DIGITS = 9  # of a whole number; nobody means more of anything that options count
OS_CLOUD = "EMBANK_OS_CLOUD"  # where the plugins for OpenStack look for it


def add_directory(parser: argparse.ArgumentParser) -> None:
    """`--provider-config-dir`."""
    parser.add_argument(
        "--provider-config-dir",
        metavar="DIRECTORY",
        help="where the providers' .conf files are "
        "(default: $EMBANK_PROVIDER_CONFIG_DIR, ./providers.d, /etc/karbor/providers.d)",
    )


def add_state_directory(parser: argparse.ArgumentParser) -> None:
    """`--state-dir`."""
    parser.add_argument(
        "--state-dir", metavar="DIRECTORY", help="where executions are kept (default: $EMBANK_STATE_DIR, .embank)"
    )


def add_plan(parser: argparse.ArgumentParser) -> None:
    """A plan and the resource graph that it selects from."""
    parser.add_argument("plan", metavar="PLAN", help="the plan's file ('-': standard input)")
    parser.add_argument("--resources", metavar="FILE", required=True, help="the resource graph's file")


def add_provider(parser: argparse.ArgumentParser) -> None:
    """`--provider` and where to look for it."""
    parser.add_argument("--provider", metavar="PROVIDER", required=True, help="a provider, by id or name")
    add_directory(parser)


def add_cloud(parser: argparse.ArgumentParser) -> None:
    """`--os-cloud`, for the commands that call plugins."""
    parser.add_argument(
        "--os-cloud",
        metavar="CLOUD",
        action=_ChooseCloud,
        help="an entry of clouds.yaml, for the plugins that work in OpenStack (default: $EMBANK_OS_CLOUD, "
        "then [openstack] of the provider's file, then the OS_* variables)",
    )


class _ChooseCloud(argparse.Action):
    """Plugins come to know it by the environment of this process."""

    def __call__(
        self, parser: argparse.ArgumentParser, namespace: argparse.Namespace, values: Any, option: str | None = None
    ) -> None:
        os.environ[OS_CLOUD] = values
        setattr(namespace, self.dest, values)


def whole(least: int) -> Callable[[str], int]:
    """The type of an option that takes a whole number from `least`, for argparse."""

    def number(text: str) -> int:
        if not text.isascii() or not text.isdigit() or len(text) > DIGITS or int(text) < least:
            most = 10**DIGITS - 1
            raise argparse.ArgumentTypeError(f"a whole number from {least} to {most} is needed, not {text!r}")
        return int(text)

    return number


def provider_of(arguments: argparse.Namespace) -> Provider:
    """The provider that `--provider` names. Raises Reported."""
    from embank.inputs.provider.find import find_provider, load_providers

    files = need(load_providers(arguments.provider_config_dir))
    return need(find_provider(files, arguments.provider))


def checkpoints_of(provider: Provider) -> Checkpoints:
    """The checkpoints of a provider's bank, readable and writable. Raises BankError."""
    from embank.actions.guarded_bank import GuardedBank
    from embank.checkpoint.checkpoints import Checkpoints

    bank = GuardedBank(provider.open_bank(), provider.without_secrets)
    bank.check()
    return Checkpoints(bank, provider.saved_schema)


def checkpoint_id(checkpoints: Checkpoints, given: str) -> str:
    """The id that a person means: whole, or a beginning that only one has. Raises CheckpointMissing."""
    if not given:
        raise UsageError("the id of a checkpoint is empty")
    return checkpoints.resolve(given)
