"""A file that a command is told to write costs nobody another one: neither an input, nor a file of another kind."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Embank = Callable[..., subprocess.CompletedProcess[str]]
Link = Callable[[Path, Path], None]
EMBANK = Path(sys.executable).parent / "embank"

CONF = "providers.d/quickstart.conf"
PROTECT = ("compile", "protect", "plan.yaml", "--resources", "resources.yaml")
RESTORE = ("compile", "restore", "--provider", "quickstart", "--checkpoint", "c1", "--parameters", "parameters.yaml")
DISCOVER = ("discover", "--provider", "quickstart")
PRECIOUS = "version: 1\nname: precious\nprovider: local\nresources:\n  - {type: A, id: b}\n"


def refused(shop: Path, embank: Embank, *command: str) -> str:
    """What is said when a command is refused before it has touched anything."""
    before = {path: path.read_bytes() for path in shop.rglob("*") if path.is_file()}
    done = embank(*command)
    assert (done.returncode, done.stdout) == (64, "")
    assert {path: path.read_bytes() for path in shop.rglob("*") if path.is_file()} == before
    (line,) = done.stderr.splitlines()
    return line


@pytest.fixture
def protect(shop: Path, embank: Embank) -> Path:
    """The compiled workflow protect.yaml."""
    done = embank(*PROTECT, "-o", "protect.yaml")
    assert done.returncode == 0, done.stderr
    return shop / "protect.yaml"


@pytest.mark.parametrize(
    ("command", "target", "said"),
    [
        (PROTECT, "plan.yaml", "-o would overwrite the plan plan.yaml"),
        (PROTECT, "./providers.d/../resources.yaml", "-o would overwrite the resource graph resources.yaml"),
        (PROTECT, CONF, f"-o would overwrite the provider's file {CONF}"),
        (RESTORE, "parameters.yaml", "-o would overwrite the parameters parameters.yaml"),
        (DISCOVER, CONF, f"-o would overwrite the provider's file {CONF}"),
    ],
)
def test_an_input_is_not_overwritten(
    shop: Path, embank: Embank, command: tuple[str, ...], target: str, said: str
) -> None:
    (shop / "parameters.yaml").write_text("parameters: {}\n")
    assert refused(shop, embank, *command, "-o", target) == f"embank: {said}: name another file"


def test_a_template_is_not_overwritten(shop: Path, embank: Embank) -> None:
    (shop / "mine").mkdir()
    (shop / "mine" / "workflow.yaml.j2").write_text("      action: embank.begin\n")
    said = refused(shop, embank, *PROTECT, "--template-dir", "mine", "-o", "mine/workflow.yaml.j2")
    assert "-o would overwrite the template mine/workflow.yaml.j2" in said


@pytest.mark.parametrize("link", [os.symlink, os.link])
def test_an_input_is_known_under_every_name(shop: Path, embank: Embank, link: Link) -> None:
    link(shop / "plan.yaml", shop / "other.yaml")
    assert "-o would overwrite the plan plan.yaml" in refused(shop, embank, *PROTECT, "-o", "other.yaml")


@pytest.mark.parametrize(
    ("command", "text", "looks"),
    [
        (PROTECT, PRECIOUS, "looks like a plan, not like a workflow file"),
        (PROTECT, '{"version": 1, "resources": []}', "looks like a resource graph, not like a workflow file"),
        (PROTECT, "notes\n", "does not look like a workflow file"),
        (PROTECT, "version: '2.0'\nother:\n  tasks:\n    a: {action: std.noop}\n", "does not look like a workflow"),
        (DISCOVER, PRECIOUS, "looks like a plan, not like a resource graph"),
        (DISCOVER, "resource: []\n", "does not look like a resource graph"),
    ],
)
def test_a_file_of_another_kind_is_not_overwritten(
    shop: Path, embank: Embank, command: tuple[str, ...], text: str, looks: str
) -> None:
    (shop / "kept.yaml").write_text(text)
    said = refused(shop, embank, *command, "-o", "kept.yaml")
    assert said.startswith(f"embank: -o would overwrite kept.yaml, which {looks}")
    assert said.endswith("name another file, or remove this one first")


@pytest.mark.parametrize("before", ["", "<<<<<<< HEAD\n", "# edited by hand\n"])
def test_a_workflow_file_is_compiled_again_over_itself(protect: Path, embank: Embank, before: str) -> None:
    fresh = protect.read_text()
    protect.write_text(before + "\n".join(line for line in fresh.splitlines() if not line.startswith("#")))
    done = embank(*PROTECT, "-o", "protect.yaml")
    assert (done.returncode, protect.read_text()) == (0, fresh)


@pytest.mark.parametrize("text", ["", '{"resources": [], "version": 1}', '"version": 1\nresources: []\n'])
def test_a_resource_graph_is_discovered_again_over_itself(shop: Path, embank: Embank, text: str) -> None:
    (shop / "resources.yaml").write_text(text)
    assert embank(*DISCOVER, "-o", "resources.yaml").returncode == 0
    assert "shop-orders" in (shop / "resources.yaml").read_text()


def test_check_only_compares(shop: Path, embank: Embank) -> None:
    done = embank(*PROTECT, "-o", "plan.yaml", "--check")
    assert done.returncode == 2
    assert "plan.yaml is stale" in done.stderr


@pytest.mark.parametrize("text", [PRECIOUS, '{"a": 1}\n', "[1]\n", "\n"])
def test_events_go_over_nothing_but_events(protect: Path, shop: Path, embank: Embank, text: str) -> None:
    (shop / "kept").write_text(text)
    said = refused(shop, embank, "run", "protect.yaml", "--events", "kept")
    assert said.startswith("embank: --events would overwrite kept, which does not hold events")
    assert not (shop / ".embank").exists()


def test_no_command_writes_events_over_what_is_kept_of_an_execution(
    protect: Path, shop: Path, embank: Embank
) -> None:
    assert embank("run", "protect.yaml", "--events", "events.jsonl").returncode == 0
    assert embank("run", "protect.yaml", "--events", "events.jsonl").returncode == 0  # over events
    (directory, _) = (shop / ".embank" / "executions").iterdir()
    for name in ("journal", "workflow.yaml"):
        for command in (
            ("resume", directory.name),
            ("cancel", directory.name),
            ("watch", directory.name),
            ("submit", "protect.yaml", "--watch"),
            ("checkpoint", "delete", directory.name, "--provider", "quickstart"),
        ):
            said = refused(shop, embank, *command, "--events", str(directory / name))
            assert "which does not hold events" in said


def test_pruning_goes_over_nothing_but_workflows(protect: Path, shop: Path, embank: Embank) -> None:
    assert embank("run", "protect.yaml").returncode == 0
    assert embank("run", "protect.yaml").returncode == 0
    (shop / "gone").mkdir()
    prune = ("checkpoint", "prune", "--provider", "quickstart", "--keep-last", "1", "-o", "gone")
    assert embank(*prune).returncode == 0
    assert embank(*prune).returncode == 0
    (workflow,) = (shop / "gone").iterdir()
    workflow.write_text(PRECIOUS)
    assert "which looks like a plan" in refused(shop, embank, *prune)


def test_what_is_no_file_takes_everything(protect: Path, shop: Path, embank: Embank) -> None:
    for command in ((*PROTECT, "-o"), (*DISCOVER, "-o")):
        assert embank(*command, "/dev/null").returncode == 0
        assert "No space left" in embank(*command, "/dev/full").stderr
        piped = subprocess.run(
            ["/bin/bash", "-c", '"$0" "$@" >(cat)', EMBANK, *command], cwd=shop, capture_output=True, text=True
        )
        assert piped.returncode == 0
        assert "version:" in piped.stdout
