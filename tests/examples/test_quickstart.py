"""The quickstart: its files are what is compiled today, and the demo's claims hold."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from embank.errors import ExitCode
from embank.inputs.provider.find import Provider, find_provider, load_providers
from embank.inputs.workflow import read_workflow
from embank.runner.local import run_document

QUICKSTART = Path(__file__).resolve().parents[2] / "examples" / "quickstart"
EMBANK = Path(sys.executable).parent / "embank"
CHECKPOINT = "7d0c3f3e-3c1b-4d55-9f0e-1f2f6f1c9a10"
Golden = Callable[[str | Path, str], None]


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The example in a directory of its own, with the little that its workflows need to run."""
    work = tmp_path / "quickstart"
    shutil.copytree(QUICKSTART, work, ignore=shutil.ignore_patterns("bank", "__pycache__"))
    (work / "shop" / "files").mkdir()
    subprocess.run([sys.executable, work / "shop" / "shop.py", work / "shop", "--check"], capture_output=True)
    monkeypatch.chdir(work)
    return work


@pytest.fixture
def provider(shop: Path) -> Provider:
    files = load_providers(None).value
    assert files
    found = find_provider(files, "quickstart").value
    assert found
    return found


def compile_file(*arguments: str) -> str:
    done = subprocess.run([EMBANK, "compile", *arguments], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def run(file: str, provider: Provider, execution: str) -> ExitCode:
    document = read_workflow(file).value
    assert document
    return run_document(document, [provider], execution=execution).exit_code


def destroy(shop: Path) -> None:
    shutil.rmtree(shop / "shop" / "files")
    for file in (shop / "shop").glob("orders.sqlite*"):
        file.unlink()


def test_discovery_finds_the_resource_graph_of_the_example(shop: Path, golden: Golden) -> None:
    done = subprocess.run(
        [EMBANK, "discover", "--provider", "quickstart"], capture_output=True, text=True, check=True
    )
    golden(QUICKSTART / "resources.yaml", done.stdout)


def test_the_workflows_of_the_example_are_those_compiled_today(
    shop: Path, provider: Provider, golden: Golden
) -> None:
    protect = ("protect", "plan.yaml", "--resources", "resources.yaml", "-o", "shop.protect.yaml")
    compile_file(*protect)
    golden(QUICKSTART / "shop.protect.yaml", Path("shop.protect.yaml").read_text())
    compile_file(*protect, "--check")
    assert run("shop.protect.yaml", provider, CHECKPOINT) == ExitCode.OK
    for number, operation in enumerate(("verify", "restore", "delete")):
        file = f"shop.{operation}.yaml"
        compile_file(operation, "--provider", "quickstart", "--checkpoint", CHECKPOINT[:8], "-o", file)
        golden(QUICKSTART / file, Path(file).read_text())
        if operation == "restore":
            destroy(shop)
        assert run(file, provider, f"execution-{number}") == ExitCode.OK
    assert not [path for path in (shop / "bank").rglob("*") if path.is_file()]


def test_a_stale_file_is_shown_with_its_difference(shop: Path) -> None:
    file = Path("shop.protect.yaml")
    file.write_text(file.read_text().replace("timeout: 30", "timeout: 31"))
    done = subprocess.run(
        [EMBANK, "compile", "protect", "plan.yaml", "--resources", "resources.yaml", "-o", file, "--check"],
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == ExitCode.DIFFERENT
    assert "-      timeout: 31\n+      timeout: 30\n" in done.stdout
    assert "stale" in done.stderr
    assert "timeout: 31" in file.read_text(), "--check writes nothing"


def test_every_claim_of_the_demo_holds() -> None:
    settings = {key: value for key, value in os.environ.items() if key != "KEEP"}
    done = subprocess.run(
        [sys.executable, QUICKSTART / "demo.py"], capture_output=True, text=True, timeout=300, env=settings
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "✗" not in done.stdout
    assert done.stdout.count("✓") == 9
    assert "All of it held" in done.stdout
