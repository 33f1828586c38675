"""The first line of a journal: what is executed, and with what. A resumed execution must go on with the same."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace

from embank import __version__
from embank.document import Document
from embank.inputs.provider.find import Provider
from embank.journal.file import JournalDamaged
from embank.model import Json


@dataclass(frozen=True, slots=True)
class Heading:
    """`plugins`: for each resource type of the workflow the plugin, as [path, version, sha256 of its contract].

    `file` is where the workflow was read from. No secret is part of any digest. `engine` is "" when the runner here
    executes it; else it is imported, from the engine at that URL. `cloud` is what `--os-cloud` said.
    """

    execution: str
    workflow: str
    file: str
    sha256: str
    embank: str
    provider: str
    provider_sha256: str
    providers: str
    plugins: Mapping[str, tuple[str, str, str]]
    parallel: int
    fail_fast: bool
    engine: str = ""
    engine_url: str = ""
    engine_namespace: str = ""
    cloud: str = ""

    def to_json(self) -> dict[str, Json]:
        """As it stands in the journal."""
        return asdict(self)

    def changes(self, now: Heading) -> Iterator[str]:
        """What is not as it was when the execution began, for a person."""
        if self.embank != now.embank:
            yield f"it began with Embank {self.embank}, this is {now.embank}"
        if self.provider_sha256 and self.provider_sha256 != now.provider_sha256:
            yield "the configuration of its provider has changed"
        if self.cloud != now.cloud:
            yield f"it began with {_choice(self.cloud)}, this is with {_choice(now.cloud)}"
        for kind, (path, version, digest) in self.plugins.items():
            if kind not in now.plugins:
                yield f"the provider has no plugin for {kind} any more"
                continue
            new_path, new_version, new_digest = now.plugins[kind]
            if new_path != path:
                yield f"{kind} was protected by {path}, now it is {new_path}"
            elif new_version != version:
                yield f"the plugin {path} was version {version}, now it is {new_version}"
            elif new_digest != digest:
                yield f"the plugin {path} {version} has other activities or schemas now"


def heading_of(
    document: Document,
    provider: Provider,
    execution: str,
    *,
    providers: str,
    parallel: int,
    fail_fast: bool,
    cloud: str = "",
) -> Heading:
    """The heading of an execution that begins now. `providers`: the directory of the provider files."""
    types = {
        resource.type
        for workflow in document.workflows.values()
        for task in workflow.tasks.values()
        for resource in task.resources
    }
    plugins = {
        kind: (loaded.path, loaded.version, loaded.sha256)
        for kind, loaded in sorted(provider.plugins.items())
        if kind in types
    }
    return replace(
        bare_heading(document, execution),
        provider=provider.id,
        provider_sha256=provider.sha256,
        providers=providers,
        plugins=plugins,
        parallel=parallel,
        fail_fast=fail_fast,
        cloud=cloud,
    )


def bare_heading(document: Document, execution: str) -> Heading:
    """All that the document alone says. Enough for closers: they run with whatever is there now."""
    return Heading(
        execution=execution,
        workflow=document.main,
        file=document.file,
        sha256=document.sha256,
        embank=__version__,
        provider=str(document.run["provider"]),
        provider_sha256="",
        providers="",
        plugins={},
        parallel=4,
        fail_fast=False,
    )


def read_heading(entries: tuple[Mapping[str, Json], ...], where: str) -> Heading:
    """The heading of a journal. Raises JournalDamaged."""
    try:
        first = dict(entries[0])
        if first["event"] != "execution":
            raise KeyError("event")
        fields = {name: first[name] for name in Heading.__dataclass_fields__ if name in first}
        fields["plugins"] = {kind: tuple(each) for kind, each in fields["plugins"].items()}
        return Heading(**fields)
    except (IndexError, KeyError, TypeError, AttributeError) as error:
        raise JournalDamaged(f"{where}: the journal does not begin with what Embank writes first") from error


def _choice(cloud: str) -> str:
    return f"--os-cloud {cloud}" if cloud else "no --os-cloud"
