"""The plugin of the `openstack` client: `openstack embank compile protect …` is `embank compile protect …`.

The client imports this module whenever it starts, and takes the commands from the entry points of the group
`openstack.embank.v1`. No command of Embank asks the client to log in.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

from embank.errors import ExitCode

API_NAME = "embank"
API_VERSION_OPTION = "os_embank_api_version"
API_VERSIONS = ("1",)
DEFAULT_API_VERSION = "1"


def make_client(instance: object) -> None:
    """None: there is no service of this name."""


def build_option_parser(parser: argparse.ArgumentParser) -> argparse.ArgumentParser:
    """No options for all of the client's commands."""
    return parser


def adapt(parser: Any, client: Any) -> None:
    """Let a command's parser do in the client what it does in `embank`.

    The client takes --os-cloud for itself wherever it stands, and a wrong command line exits with 2 there, which here
    means that there are differences.
    """
    parse = parser.parse_args
    chosen = [word for word in client.command_options if word.split("=")[0] == "--os-cloud"]

    def parse_args(argv: Sequence[str]) -> argparse.Namespace:
        try:
            arguments: argparse.Namespace = parse(argv)
            if chosen and hasattr(arguments, "os_cloud"):
                arguments = parse(["--os-cloud", client.options.cloud, *argv])
            return arguments
        except SystemExit as stop:
            raise SystemExit(int(ExitCode.USAGE) if stop.code else 0) from stop

    parser.parse_args = parse_args
