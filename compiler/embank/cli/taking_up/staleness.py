"""The provider with which a kept execution began, and whether all is as it was."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

from embank.cli.options import OS_CLOUD
from embank.cli.report import need
from embank.errors import EmbankError, ExitCode
from embank.plaintext import plain

if TYPE_CHECKING:
    from embank.inputs.provider.find import Provider
    from embank.journal.heading import Heading
    from embank.journal.kept import KeptExecution


class Stale(EmbankError):
    """Something is not as it was when the execution began."""

    exit_code = ExitCode.STALE


def same_provider(found: KeptExecution, arguments: argparse.Namespace, *, may_have_changed: bool) -> Provider:
    """The provider that the execution began with. Raises Stale when it has changed and may not (RUN-2)."""
    from embank.inputs.provider.find import find_provider, load_providers

    heading = found.heading
    if heading.cloud:  # what was begun in a cloud goes on there, unless somebody says otherwise
        os.environ.setdefault(OS_CLOUD, heading.cloud)
    files = need(load_providers(arguments.provider_config_dir or heading.providers))
    provider = need(find_provider(files, heading.provider))
    changes = list(_changes(heading, found, provider))
    if changes and not (may_have_changed or arguments.allow_stale):
        raise Stale(
            f"the execution {found.directory.id} cannot simply go on: {'; '.join(changes)}. Make it as it was, go on "
            f"with --allow-stale, or close and end it with `{found.directory.command('cancel')}`"
        )
    for change in changes:
        sys.stderr.write(f"warning: {plain(change)}\n")
    return provider


def _changes(heading: Heading, found: KeptExecution, provider: Provider) -> Iterator[str]:
    from embank.journal.heading import heading_of
    from embank.journal.kept import source_changed

    if source_changed(heading):
        sys.stderr.write(
            f"{plain(heading.file)} has changed since; the execution goes on with what it began with "
            f"({plain(str(found.directory.workflow))})\n"
        )
    now = heading_of(
        found.document,
        provider,
        heading.execution,
        providers=heading.providers,
        parallel=heading.parallel,
        fail_fast=heading.fail_fast,
        cloud=os.environ.get(OS_CLOUD, ""),
    )
    yield from heading.changes(now)
