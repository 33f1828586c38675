"""Plugins that fail, hang, exit or talk nonsense at every step: the scripted plugin, on a bank that is well."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from embank.conformance.faults.claims import Trial, check
from embank.conformance.faults.faulty_bank import Kind
from embank.conformance.faults.memory_bank import MemoryBank
from embank.conformance.faults.run import PLAIN, Site, copy_of
from embank.conformance.faults.scripted_plugin import TYPE
from embank.conformance.faults.side_by_side import side_by_side
from embank.errors import ExitCode
from embank.inputs.provider.find import find_provider, load_providers
from embank.inputs.request import read_protect
from embank.inputs.workflow import parse_workflow
from embank.model import Operation, Policy
from embank.outputs.workflow import write_workflow
from embank.passes import compile_workflow
from embank.plugins import Bank
from embank.runner.local import run_document

AT_ONCE = (Kind.FAIL, Kind.LOSE, Kind.EXIT, Kind.INTERRUPT, Kind.RUBBISH)
HANGING = (Kind.STALL, Kind.LATE)


class World:
    """Two things, and the script of what goes wrong."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.conf = site.subject.plugin.conf
        self.bank: Bank = MemoryBank()
        assert self.site.run(Operation.PROTECT, self.bank, "kit").exit_code is ExitCode.OK

    def trial(self, operation: Operation, fault: str, policy: Policy = PLAIN) -> Trial:
        """An operation with a fault in the plugin."""
        self.conf.set_override("fault", fault, group="scripted")
        if operation is Operation.RESTORE:
            self.site.destroy()
        given = "" if operation is Operation.PROTECT else "kit"
        bank = copy_of(self.bank, MemoryBank()) if given else MemoryBank()
        outcome = self.site.run(operation, bank, "trial", given, policy)
        self.conf.set_override("fault", "", group="scripted")
        return Trial(self.site, operation, bank, given or "trial", outcome)

    def steps(self, operation: Operation) -> int:
        """How many steps the plugin takes for an operation."""
        for number in range(1, 100):
            trial = self.trial(operation, f"{number} fail")
            check(trial)
            if trial.ok:
                assert number > 2
                return number - 1
        raise AssertionError("it never succeeds")


@pytest.fixture
def world(tmp_path: Path, things: Callable[[Path], Site]) -> World:
    return World(things(tmp_path / "world"))


@pytest.mark.parametrize("operation", list(Operation))
@pytest.mark.parametrize("kind", AT_ONCE)
def test_a_fault_at_every_step(world: World, operation: Operation, kind: Kind) -> None:
    failed = 0
    for number in range(1, world.steps(operation) + 1):
        trial = world.trial(operation, f"{number} {kind}")
        check(trial)
        assert trial.outcome.exit_code in (ExitCode.OK, ExitCode.FAILED)
        failed += not trial.ok
    assert failed > 1


@pytest.fixture
def at_every_step(
    world: World, tmp_path: Path, things: Callable[[Path], Site]
) -> Callable[[Operation, Callable[[World, int], None]], None]:
    """Does something for each step of an operation, each in a world of its own, side by side."""

    def everywhere(operation: Operation, do: Callable[[World, int], None]) -> None:
        numbers = range(1, world.steps(operation) + 1)
        worlds = [World(things(tmp_path / f"world-{number}")) for number in numbers]
        side_by_side([partial(do, each, number) for number, each in zip(numbers, worlds, strict=True)])

    return everywhere


@pytest.mark.nightly
@pytest.mark.parametrize("operation", list(Operation))
@pytest.mark.parametrize("kind", HANGING)
def test_a_step_that_hangs(at_every_step: Any, operation: Operation, kind: Kind) -> None:
    def hang(world: World, number: int) -> None:
        trial = world.trial(operation, f"{number} {kind}", Policy(timeout=1))
        check(trial)
        assert trial.outcome.exit_code is ExitCode.FAILED

    at_every_step(operation, hang)


@pytest.mark.nightly
@pytest.mark.parametrize("operation", [Operation.PROTECT, Operation.RESTORE])
def test_a_plugin_that_fails_from_some_step_on(at_every_step: Any, operation: Operation) -> None:
    """Its closers, too: then it is exit code 5, and they are named."""

    def fail(world: World, number: int) -> None:
        trial = world.trial(operation, f"{number} fail always")
        assert trial.outcome.exit_code is ExitCode.FAILED_OPEN if number == 2 else not trial.ok
        check(trial)

    at_every_step(operation, fail)


def test_a_closer_that_is_tried_again(world: World) -> None:
    """Thawing fails as an activity, and succeeds in the cleanup."""
    trial = world.trial(Operation.PROTECT, "4 fail")
    check(trial)
    (failure,) = trial.outcome.summary.failures
    assert "thaw" in failure.reason
    assert not failure.closer


PROVIDER = """
    [provider]
    name = scripted
    id = 3f0f3f3e-5a3d-4c73-8a5e-0d8f4b6f1c11
    description = Things
    bank = karbor.protections.embank-filesystem-bank-plugin
    plugin = karbor.protections.scripted-plugin
    [filesystem_bank]
    path = $here/bank
    [scripted]
    world = $here
    fault = {fault}
"""


@pytest.mark.parametrize(("fault", "code"), [("", ExitCode.OK), ("2 exit", ExitCode.FAILED)])
def test_it_is_a_plugin_like_any_other(install: Callable[..., Path], tmp_path: Path, fault: str, code: int) -> None:
    """Installed, named in a provider file, and run from a plan."""
    install(
        "things",
        {"karbor.protections": {"scripted-plugin": "embank.conformance.faults.scripted_plugin:ScriptedPlugin"}},
    )
    here = tmp_path / "providers"
    here.mkdir()
    (here / "thing.data").write_text("thing")
    (here / "scripted.conf").write_text(dedent(PROVIDER.format(fault=fault)))
    (tmp_path / "plan.yaml").write_text(
        f"version: 1\nname: things\nprovider: scripted\nresources: [{{type: '{TYPE}', id: thing}}]\n"
    )
    (tmp_path / "resources.yaml").write_text(f"version: 1\nresources: [{{type: '{TYPE}', id: thing}}]\n")
    prepared = read_protect(str(tmp_path / "plan.yaml"), str(tmp_path / "resources.yaml"), str(here))
    assert prepared.value is not None, prepared.diagnostics
    compiled = compile_workflow(prepared.value.request)
    assert compiled.value is not None
    document = parse_workflow("".join(write_workflow(compiled.value)).encode(), "things.yaml").value
    assert document is not None
    files = load_providers(str(here)).value
    assert files is not None
    provider = find_provider(files, "scripted").value
    assert provider is not None
    assert run_document(document, [provider], execution="e1").exit_code is code
    assert sorted(path.suffix for path in here.iterdir()) == ["", ".conf", ".data"]
