"""`embank provider list|show`."""

from __future__ import annotations

import argparse
from typing import Any

from cliff.lister import Lister
from cliff.show import ShowOne

from embank.cli.app import EmbankCommand
from embank.cli.columns import Text, Words
from embank.cli.options import add_directory, provider_of
from embank.cli.report import need


class ProviderList(EmbankCommand, Lister):
    """`embank provider list`: every provider file, usable or not."""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """The options."""
        parser = super().get_parser(prog_name)
        add_directory(parser)
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> tuple[tuple[str, ...], list[tuple[Any, ...]]]:
        """A row a file."""
        from embank.inputs.provider.find import check_providers, load_providers

        files = need(load_providers(parsed_args.provider_config_dir))
        rows = []
        for file in files:
            problems = len(check_providers([file]))
            state = f"{problems} problem{'s' * (problems != 1)}" if problems else "usable"
            rows.append((Text(file.name), Text(file.id), state if file.enabled else "off", Text(str(file.file))))
        return ("name", "id", "state", "file"), rows


class ProviderShow(EmbankCommand, ShowOne):
    """`embank provider show`: one provider, or what is wrong with it."""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """The options."""
        parser = super().get_parser(prog_name)
        parser.add_argument("provider", metavar="PROVIDER", help="a provider, by id or name")
        add_directory(parser)
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> tuple[tuple[str, ...], tuple[Any, ...]]:
        """Its facts, without any value of its configuration."""
        provider = provider_of(parsed_args)
        plugins = [f"{kind}: {plugin.name} {plugin.version}" for kind, plugin in sorted(provider.plugins.items())]
        facts = {
            "name": Text(provider.name),
            "id": Text(provider.id),
            "description": Text(provider.description),
            "file": Text(str(provider.file)),
            "bank": Text(f"{provider.bank.name} {provider.bank.version}"),
            "plugins": Words(plugins),
            "sha256": provider.sha256,
        }
        return tuple(facts), tuple(facts.values())
