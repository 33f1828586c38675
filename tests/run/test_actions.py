"""The actions, on a real bank with a small plugin: what they leave in the checkpoint, whatever goes wrong."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import timedelta
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest
from oslo_config import cfg

from embank.checkpoint.errors import CheckpointMissing
from embank.checkpoint.status import Status
from embank.checkpoint.store import Checkpoints
from embank.errors import ExitCode
from embank.inputs.provider import Provider
from embank.model import Phase, Resource, ResourceKey
from embank.plugins import Poll, ProtectionPlugin, closes
from embank.plugins.checks import activities
from embank.plugins.registry import LoadedBank, LoadedPlugin
from embank.resource_graph import canonical, to_chunks
from embank.run.actions import Actions
from embank.run.execution import Job
from embank.run.leases import LeaseKeeper
from embank.run.reasons import ActionFailed
from embank_plugins.banks.filesystem import FilesystemBank

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
        bank = FilesystemBank(SimpleNamespace(filesystem_bank=SimpleNamespace(path=str(self.path))))
        self.checkpoints = Checkpoints(bank)
        self.provider = Provider(
            "p-id", "P", "", True, "p.conf", "0" * 64, LoadedBank("fs", "fs", "1", FilesystemBank),
            dict.fromkeys(AppPlugin.resource_types, loaded), (), lambda: bank, ("s3cr3t-token",),
        )  # fmt: skip
        self.said: list[str] = []
        self.debug: list[str] = []
        self.cancelled = False
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
def available(site: Site) -> Site:
    site.begin()
    site.activity("parallel")
    site.do("complete", status="available")
    return site


def failure(do: Callable[[], object]) -> ActionFailed:
    with pytest.raises(ActionFailed) as caught:
        do()
    return caught.value


def test_protect_from_begin_to_available(site: Site) -> None:
    site.begin()
    assert site.status is Status.PROTECTING
    lease = site.checkpoints.open("c1").leases.current()
    assert lease is not None
    assert lease.owner == "e1"
    site.activity("parallel")
    site.do("complete", status="available")
    checkpoint = site.checkpoints.open("c1")
    assert (site.status, checkpoint.leases.current()) == (Status.AVAILABLE, None)
    assert checkpoint.graph().resources == (APP,)
    assert (checkpoint.facts.plan, checkpoint.facts.provider_name) == ("shop", "P")
    assert list(checkpoint.verify()) == []


def test_everything_may_be_done_twice(site: Site) -> None:
    for _ in range(2):
        site.begin()
    for phase in ("pre", "ready", "parallel", "parallel"):
        site.activity(phase)
        site.activity(phase)
    for _ in range(2):
        site.do("complete", status="available")
    site.do("complete", status="error")  # too late to change anything
    assert site.status is Status.AVAILABLE


def test_polls_are_made_whole(site: Site) -> None:
    site.begin()
    assert site.activity("parallel", poll_interval=7) == [Poll(7.0), Poll(3.0, 0.5, "at None")]
    assert site.activity("parallel")[0] == Poll(1.0)
    error = failure(lambda: site.activity("parallel", parameters={"yields": 5}))
    assert str(error) == "TypeError: the activity yielded a int: it may yield nothing or a Poll"


def test_closing_the_steps_closes_the_generator(site: Site) -> None:
    site.begin()
    run = {"provider": "p-id", "plan": "shop", "operation": "protect", "checkpoint": "c1", "execution": "e1"}
    given = {"run": run, "activity": "parallel", "resource": GIVEN}
    steps = site.actions.perform(Job("embank.activity", given), site)
    next(steps)
    site.cancelled = True
    steps.close()  # type: ignore[attr-defined]
    assert site.plugin.did == ["cancelled"]


def test_a_closer_runs_once_for_what_was_started(site: Site) -> None:
    site.begin()
    site.cleanup()
    assert site.plugin.did == []  # nothing was frozen
    site.activity("pre")
    assert site.is_open()
    site.cleanup()
    site.cleanup()
    assert site.plugin.did == ["freeze", "thaw"]
    site.activity("pre")
    site.activity("ready")
    assert not site.is_open()
    site.cleanup()
    assert site.plugin.did == ["freeze", "thaw", "freeze", "thaw"]


def test_a_closer_runs_when_what_it_closes_failed_half_way(site: Site) -> None:
    site.begin()
    failure(lambda: site.activity("pre", parameters={"fail": "half frozen"}))
    site.cleanup()
    assert site.plugin.did == ["freeze", "thaw"]


def test_a_closer_runs_when_the_bank_has_vanished(site: Site) -> None:
    site.begin()
    site.activity("pre")
    away = site.path.rename(site.path.with_name("away"))
    site.path.write_text("in the way")
    site.cleanup()
    assert site.plugin.did == ["freeze", "thaw"]
    assert "cannot say whether this is open, so it is closed" in site.said[0]
    assert "closed, but the bank does not record it" in site.said[1]
    error = failure(lambda: site.do("complete", status="available"))
    assert error.code is ExitCode.FAILED
    site.path.unlink()
    away.rename(site.path)
    assert site.status is Status.PROTECTING  # and nothing says available


def test_nothing_is_frozen_when_the_bank_cannot_take_the_mark(site: Site) -> None:
    site.begin()
    shutil.rmtree(site.path)
    site.path.write_text("in the way")
    failure(lambda: site.activity("pre"))
    assert site.plugin.did == []


def test_a_closer_does_nothing_when_the_execution_never_began(site: Site) -> None:
    site.cleanup()
    site.do("complete", status="error")
    assert site.plugin.did == []
    assert list(site.checkpoints.ids()) == []


def test_aggregated_activities_get_tuples(site: Site) -> None:
    site.begin()
    other = {"type": "Test::Other", "id": "o", "name": "O"}
    site.do("activity", activity="post", resources=[{**GIVEN, "parameters": {"fail": "x"}}, other])
    assert site.plugin.did == [((APP, Resource("Test::Other", "o", "O")), ({"fail": "x"}, {}))]


def test_secrets_are_resolved_and_never_shown(site: Site, tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text('pa"ss\nwörd\n')
    secret = f"file:{file}"
    site.begin()
    site.activity("post", parameters={"password": secret, "deep": [{"key": secret}]})
    assert site.plugin.did[0][1] == {"password": 'pa"ss\nwörd', "deep": [{"key": 'pa"ss\nwörd'}]}

    for text in ["login with {password} failed", "s3cr3t-token was refused"]:
        error = failure(partial(site.activity, "pre", parameters={"password": secret, "fail": text}))
        assert "***" in str(error)
    polls = site.activity("parallel", parameters={"password": secret})
    shown = "\n".join([*site.said, *site.debug, *(poll.message for poll in polls)])
    assert "RuntimeError: login with ***" in shown  # the tracebacks
    for word in ('pa"ss', "wörd", "s3cr3t-token"):
        assert word not in shown


def test_secrets_from_files_and_commands(site: Site, tmp_path: Path) -> None:
    file = tmp_path / "secret file"
    file.write_text("from a file\n")
    site.begin()
    for reference, value in [(f"file:{file}", "from a file"), (f"command:cat '{file}'", "from a file")]:
        site.activity("post", parameters={"password": reference})
        assert site.plugin.did.pop()[1] == {"password": value}


@pytest.mark.parametrize(
    ("reference", "complaint"),
    [
        ("env:EMBANK_NOT_THERE", "'env:EMBANK_NOT_THERE' is not there"),
        ("file:/does/not/exist", "cannot be read: No such file"),
        ("command:false", "exits with 1"),
        ("command:/does/not/exist", "cannot be had: No such file"),
        ("command:'", "cannot be had: ValueError"),
        ("command:cat $HOME", "exits with 1"),  # no shell
        ("plain text", "is not a reference"),
        (5, "is not a reference"),
    ],
)
def test_secrets_that_cannot_be_had(site: Site, reference: Any, complaint: str) -> None:
    site.begin()
    error = failure(lambda: site.activity("post", parameters={"password": reference}))
    assert complaint in str(error)
    assert "plain text" not in str(error)
    assert site.plugin.did == []


def test_parameters_are_checked_again(site: Site) -> None:
    site.begin()
    error = failure(lambda: site.activity("pre", parameters={"fail": False}))
    assert "does not fit its schema" in str(error)
    assert site.plugin.did == []


def test_parameters_of_the_document_stay_as_they_are(site: Site) -> None:
    site.begin()
    given = {"deep": [{"key": "env:HOME"}]}
    site.activity("post", parameters=given)
    site.plugin.did[0][1]["deep"].append("changed")
    assert given == {"deep": [{"key": "env:HOME"}]}
    assert os.environ["HOME"] in str(site.plugin.did)


def test_restore_records_how_it_went(available: Site) -> None:
    how = {"execution": "e2", "operation": "restore"}
    available.do("begin", **how)
    available.do("activity", activity="parallel", resource=GIVEN, **how)
    available.do("complete", status="restored", **how)
    checkpoint = available.checkpoints.open("c1")
    assert [(each.execution, each.state) for each in checkpoint.operations()] == [("e2", "restored")]
    assert available.plugin.did[-1] == {"id": "new"}
    assert (available.status, checkpoint.leases.current()) == (Status.AVAILABLE, None)


def test_a_restore_that_failed(available: Site) -> None:
    how = {"execution": "e2", "operation": "restore"}
    available.do("begin", **how)
    available.do("complete", status="error", **how)
    checkpoint = available.checkpoints.open("c1")
    assert [(each.execution, each.state) for each in checkpoint.operations()] == [("e2", "error")]
    assert (available.status, checkpoint.leases.current()) == (Status.AVAILABLE, None)


def test_delete_leaves_nothing(available: Site) -> None:
    how = {"execution": "e2", "operation": "delete"}
    available.do("begin", **how)
    assert available.status is Status.DELETING
    available.do("activity", activity="parallel", resource=GIVEN, **how)
    available.do("complete", status="deleted", **how)
    with pytest.raises(CheckpointMissing):
        available.checkpoints.open("c1")
    assert [path for path in available.path.rglob("*") if path.is_file()] == []
    assert available.said[-1].endswith("nothing is left")
    available.do("complete", status="deleted", **how)  # its answer was lost, say


def test_a_held_lease_refuses_with_its_exit_code(available: Site) -> None:
    available.do("begin", execution="e2", operation="restore")
    error = failure(lambda: available.do("begin", execution="e3", operation="delete"))
    assert error.code is ExitCode.LOCKED
    assert "in use by execution 'e2'" in str(error)
    # abandoning what never began changes nothing for the one that holds it
    available.do("complete", execution="e3", operation="delete", status="error")
    lease = available.checkpoints.open("c1").leases.current()
    assert lease is not None
    assert lease.owner == "e2"
    assert available.status is Status.AVAILABLE


def test_only_an_available_checkpoint_is_restored(site: Site) -> None:
    site.begin()
    site.do("complete", status="error")
    error = failure(lambda: site.do("begin", execution="e2", operation="restore"))
    assert str(error) == "the checkpoint c1 is error (the execution failed): there is nothing to restore"
    assert site.checkpoints.open("c1").leases.current() is None


def test_the_checkpoint_of_another_execution_is_not_touched(site: Site) -> None:
    site.begin()
    failure(lambda: site.begin(execution="e2"))
    site.do("complete", execution="e2", status="error")
    assert site.status is Status.PROTECTING


def test_an_incomplete_checkpoint_does_not_become_available(site: Site) -> None:
    (chunk,) = to_chunks(canonical([APP], []), 10_000)
    site.do("begin", graph=chunk, chunk=1, chunks=2)
    failure(lambda: site.do("complete", status="available"))
    assert site.status is Status.PROTECTING


@pytest.mark.parametrize(
    ("action", "given", "complaint"),
    [
        ("nothing", {}, "there is no action 'embank.nothing'"),
        ("begin", {"x": 1}, "takes no input 'x'"),
        ("begin", {}, "`graph` must be a mapping"),
        ("complete", {"status": "restored"}, "protect does not end as 'restored'"),
        ("activity", {"activity": "post"}, "a resource must give"),
        ("activity", {"activity": "now", "resource": GIVEN}, "'now' is no phase"),
        ("activity", {"activity": "post", "resources": []}, "at least one resource"),
        ("activity", {"activity": "post", "resource": GIVEN, "poll_interval": 0}, "`poll_interval`"),
        ("activity", {"activity": "post", "resource": GIVEN, "parameters": []}, "`parameters` must be a mapping"),
        ("activity", {"activity": "post", "resource": {**GIVEN, "type": "X"}}, "no plugin for X"),
        ("cleanup", {"activity": "ready", "resource": GIVEN}, "None is no phase"),
        ("begin", {"run": {"provider": "p-id"}}, "`run` must give"),
        ("begin", {"operation": "pretect"}, "unknown operation"),
    ],
)
def test_inputs_that_no_workflow_of_embank_has(
    site: Site, action: str, given: dict[str, Any], complaint: str
) -> None:
    site.begin()
    run = {"provider": "p-id", "plan": "s", "operation": given.pop("operation", "protect"), "checkpoint": "c1"}
    job = Job(f"embank.{action}", {"run": {**run, "execution": "e1"}, **given})
    error = failure(lambda: list(site.actions.perform(job, site)))
    assert complaint in str(error)


def test_an_unknown_provider_is_named(site: Site) -> None:
    run = {"provider": "p-ix", "plan": "s", "operation": "protect", "checkpoint": "c", "execution": "e"}
    error = failure(lambda: list(site.actions.perform(Job("embank.begin", {"run": run}), site)))
    assert str(error) == "there is no provider with the id 'p-ix' here: did you mean 'p-id'?"


def test_a_version_of_the_plugin_without_the_activity(available: Site) -> None:
    how = {"execution": "e2", "operation": "restore"}
    available.do("begin", **how)
    error = failure(lambda: available.do("activity", activity="post", resource=GIVEN, **how))
    assert "has no activity_restore_post" in str(error)


def test_a_lease_is_renewed_while_it_is_held_and_only_then(site: Site) -> None:
    site.begin()
    checkpoint = site.checkpoints.open("c1")
    keeper = LeaseKeeper(timedelta(seconds=0.6))
    before = checkpoint.leases.records.last()
    with keeper.holding(checkpoint):
        for _ in range(2000):
            if checkpoint.leases.records.last() >= before + 3:
                break
            keeper._wake.wait(0.01)
        else:
            raise AssertionError("the lease was not renewed")
        keeper.forget(checkpoint)
        after = checkpoint.leases.records.last()
        keeper._wake.wait(0.5)
        assert checkpoint.leases.records.last() == after
    keeper.close()
