"""A provider with a small plugin and a real bank, and what is done on it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import pytest
from oslo_config import cfg

from embank.actions.actions import Actions
from embank.checkpoint.checkpoints import Checkpoints
from embank.checkpoint.records.status import Status
from embank.conductor.execution import Job
from embank.inputs.provider.find import Provider
from embank.model import Phase, Resource, ResourceKey
from embank.plugins import Bank, Poll, ProtectionPlugin, closes
from embank.plugins.checks import activities
from embank.plugins.registry import LoadedBank, LoadedPlugin
from embank.reasons import ActionFailed
from embank.resource_graph import canonical, to_chunks
from embank_plugins.banks.filesystem.bank import FilesystemBank
from kit.banks import open_bank

APP = Resource("Test::App", "a", "shop")
GIVEN = {"type": APP.type, "id": APP.id, "name": APP.name}
SCHEMA = {
    "type": "object",
    "properties": {
        "password": {"type": "string", "writeOnly": True},
        "fail": {"type": "string"},
        "yields": {},
        "deep": {"type": "array", "items": {"type": "object", "properties": {"key": {"writeOnly": True}}}},
    },
    "additionalProperties": False,
}


class AppPlugin(ProtectionPlugin):
    """Freezes, copies, thaws. `did` is what it has done."""

    resource_types: ClassVar[tuple[str, ...]] = (APP.type, "Test::Other")

    def __init__(self, conf: cfg.ConfigOpts) -> None:
        super().__init__(conf)
        self.did: list[Any] = []
        self.when_thawed: Callable[[Any, Any], None] = lambda checkpoint, resource: None

    @classmethod
    def options(cls) -> Mapping[str, Sequence[cfg.Opt]]:
        return {"app": [cfg.StrOpt("token", secret=True), cfg.StrOpt("place")]}

    def parameters_schema(self, operation: Any, resource_type: str) -> Mapping[str, Any]:
        return SCHEMA

    def activity_protect_pre(self, checkpoint: Any, context: Any, resource: Any, parameters: Any) -> None:
        """Freeze."""
        self.did.append("freeze")
        if fail := parameters.get("fail"):
            raise RuntimeError(fail.format(password=parameters.get("password")))

    @closes("pre")
    def activity_protect_ready(self, checkpoint: Any, context: Any, resource: Any, parameters: Any) -> None:
        """Thaw."""
        self.did.append("thaw")
        self.when_thawed(checkpoint, resource)

    def activity_protect_parallel(
        self, checkpoint: Any, context: Any, resource: Any, parameters: Any
    ) -> Iterator[Poll | None]:
        """Copy."""
        context.log(f"copying with {parameters.get('password')}")
        try:
            yield parameters.get("yields")
            yield Poll(after=3, progress=0.5, message=f"at {parameters.get('password')}")
        finally:
            self.did.append("cancelled" if context.cancelled else "ended")
        checkpoint.section(resource).save({"size": 1})

    def activity_protect_post(self, checkpoint: Any, context: Any, resource: Any, parameters: Any) -> None:
        """Everything at once."""
        self.did.append((resource, parameters))

    def activity_restore_parallel(self, checkpoint: Any, context: Any, resource: Any, parameters: Any) -> None:
        """Restore."""
        context.record_restored(resource, {"id": "new"})
        self.did.append(context.restored(resource))

    def activity_delete_parallel(self, checkpoint: Any, context: Any, resource: Any, parameters: Any) -> None:
        """Delete."""
        checkpoint.section(resource).clear()


class Site:
    """A provider with a bank, and what happens on it."""

    def __init__(self, path: Path) -> None:
        conf = cfg.ConfigOpts()
        for group, options in AppPlugin.options().items():
            conf.register_opts(options, group=group)
        conf([], default_config_files=[], default_config_dirs=[])
        conf.set_override("token", "s3cr3t-token", group="app")
        self.plugin = AppPlugin(conf)
        loaded = LoadedPlugin("app", "karbor.protections.app", "1", self.plugin, activities(AppPlugin), "0" * 64)
        self.path = path / "bank"
        bank = open_bank(self.path)
        self.checkpoints = Checkpoints(bank)
        self.loaded = loaded
        self.said: list[str] = []
        self.debug: list[str] = []
        self.cancelled = False
        self.restart(bank)

    def restart(self, bank: Bank) -> None:
        """Do what follows as another process would, on this bank."""
        loaded = self.loaded
        self.provider = Provider(
            "p-id", "P", "", True, "p.conf", "0" * 64, LoadedBank("fs", "fs", "1", FilesystemBank),
            dict.fromkeys(AppPlugin.resource_types, loaded), (), lambda: bank, ("s3cr3t-token",),
        )  # fmt: skip
        self.actions = Actions([self.provider], debug=self.debug.append)

    def tell(self, text: str) -> None:
        self.said.append(text)

    def do(self, action: str, execution: str = "e1", operation: str = "protect", **given: Any) -> list[Poll]:
        run = {"provider": "p-id", "plan": "shop", "operation": operation, "checkpoint": "c1", "execution": execution}
        return list(self.actions.perform(Job(f"embank.{action}", {"run": run, **given}), self))

    def begin(self, **more: Any) -> None:
        (chunk,) = to_chunks(canonical([APP], []), 10_000)
        self.do("begin", graph=chunk, **more)

    def activity(self, phase: str, **given: Any) -> list[Poll]:
        return self.do("activity", activity=phase, resource=GIVEN, **given)

    def cleanup(self, **given: Any) -> list[Poll]:
        return self.do("cleanup", activity="ready", closes="pre", resource=GIVEN, **given)

    def is_open(self) -> bool:
        return self.checkpoints.open("c1").is_open("e1", ResourceKey(*APP.key), Phase.PRE)

    @property
    def status(self) -> Status:
        return self.checkpoints.open("c1").status().status


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    site = Site(tmp_path)
    yield site
    site.actions.close()


@pytest.fixture
def make_site() -> Callable[[Path], Site]:
    """For tests that need many."""
    return Site


@pytest.fixture
def available(site: Site) -> Site:
    site.begin()
    site.activity("parallel")
    site.do("complete", status="available")
    return site


@pytest.fixture
def failure() -> Callable[[Callable[[], object]], ActionFailed]:
    """Do something that must fail; gives the failure."""

    def failure(do: Callable[[], object]) -> ActionFailed:
        with pytest.raises(ActionFailed) as caught:
            do()
        return caught.value

    return failure
