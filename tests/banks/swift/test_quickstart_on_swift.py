"""The quickstart with its bank in Swift, from the command line; Swift goes away while the shop is frozen."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from embank.errors import ExitCode
from embank_plugins.banks.swift.bank import SwiftBank

pytestmark = pytest.mark.service
QUICKSTART = Path(__file__).parents[3] / "examples" / "quickstart"
EMBANK = Path(sys.executable).parent / "embank"
CHECKPOINT = "7d0c3f3e-3c1b-4d55-9f0e-1f2f6f1c9a10"


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    work = tmp_path / "quickstart"
    shutil.copytree(QUICKSTART, work, ignore=shutil.ignore_patterns("bank", "__pycache__", "*.protect.yaml"))
    (work / "shop" / "files").mkdir()
    (work / "shop" / "files" / "receipt").write_text("42\n")
    subprocess.run([sys.executable, work / "shop" / "shop.py", work / "shop", "--check"], capture_output=True)
    monkeypatch.chdir(work)
    return work


def put_bank_in(swift: Any, shop: Path, **replaced: str) -> None:
    file = shop / "providers.d" / "quickstart.conf"
    section = f"bank_swift_auth_url = {swift.auth_url}\nbank_swift_user = {swift.user}\nbank_swift_key = {swift.key}"
    text = file.read_text().replace("[filesystem_bank]\npath = $here/../bank", f"[swift_client]\n{section}")
    text = text.replace("embank-filesystem-bank-plugin", "karbor-swift-bank-plugin")
    for old, new in replaced.items():
        text = text.replace(f"{old} = shop $here/../shop/shopctl {old}", f"{old} = shop {new}")
    file.write_text(text)


def embank(*arguments: str) -> str:
    done = subprocess.run([EMBANK, *arguments], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def listed(column: str) -> list[str]:
    """Of all checkpoints."""
    return embank("checkpoint", "list", "--provider", "quickstart", "-f", "value", "-c", column).split()


def test_protect_verify_restore_delete(own_swift: Any, shop: Path) -> None:
    put_bank_in(own_swift, shop)
    embank("compile", "protect", "plan.yaml", "--resources", "resources.yaml", "-o", "shop.protect.yaml")
    assert "succeeded in" in embank("run", "shop.protect.yaml")
    assert listed("status") == ["available"]
    (checkpoint,) = listed("id")
    assert "all as written" in embank("checkpoint", "verify", "--provider", "quickstart", checkpoint)
    shutil.rmtree(shop / "shop" / "files")
    for file in (shop / "shop").glob("orders.sqlite*"):
        file.unlink()
    for operation in ("verify", "restore", "delete"):
        workflow = f"shop.{operation}.yaml"
        embank("compile", operation, "--provider", "quickstart", "--checkpoint", checkpoint, "-o", workflow)
        assert "succeeded in" in embank("run", workflow)
        if operation == "restore":
            assert (shop / "shop" / "files" / "receipt").read_text() == "42\n"
    assert listed("id") == []


class TestSwiftDownWhileFrozen:
    @pytest.fixture(autouse=True)
    def _prepare(self, own_swift: Any, shop: Path) -> None:
        """The command that freezes the shop takes Swift away, too."""
        freeze = shop / "freeze.sh"
        freeze.write_text(f"{shop}/shop/shopctl freeze && kill -9 {own_swift.pid}\n")
        put_bank_in(own_swift, shop, freeze=f"/bin/sh {freeze}")
        embank("compile", "protect", "plan.yaml", "--resources", "resources.yaml", "-o", "shop.protect.yaml")

    def test_for_a_while(self, own_swift: Any, shop: Path) -> None:
        """It only takes longer."""
        with ThreadPoolExecutor(1) as pool:
            run = pool.submit(embank, "run", "shop.protect.yaml")
            own_swift.wait()
            time.sleep(2)
            own_swift.start()
            assert "succeeded" in run.result()
        assert not (shop / "shop" / "control" / "freeze").exists()
        assert listed("status") == ["available"]

    def test_for_good(self, own_swift: Any, shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """It fails, and says so; the shop sells again; nothing is claimed of the checkpoint."""
        from embank.inputs.provider.find import find_provider, load_providers
        from embank.inputs.workflow import read_workflow
        from embank.runner.local import run_document

        monkeypatch.setitem(SwiftBank.__init__.__kwdefaults__, "in_all", 1.0)  # patience, that is
        provider = find_provider(load_providers(None).value or (), "quickstart").value
        document = read_workflow("shop.protect.yaml").value
        assert provider
        assert document
        outcome = run_document(document, [provider], execution=CHECKPOINT)
        assert outcome.exit_code == ExitCode.FAILED
        assert not (shop / "shop" / "control" / "freeze").exists()
        own_swift.start()
        assert listed("status") == ["protecting"]
