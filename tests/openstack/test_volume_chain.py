"""On the command line: a checkpoint whose backups later ones are built on is deleted after those."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from embank.cli.main import main
from kit.openstack import volumes

pytestmark = pytest.mark.openstack
FAILED = 4


def test_what_later_backups_are_built_on_is_deleted_last(
    tenant: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Two volumes, the second with full backups only: nothing of either goes before the later checkpoint has gone."""
    storage = tenant.connection.block_storage
    chained, alone = volumes.new_volume(tenant, name="chained"), volumes.new_volume(tenant, name="alone")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "providers.d").mkdir()
    (tmp_path / "providers.d" / "cloud.conf").write_text(volumes.PROVIDER + tenant.section)
    resources = [{"type": volumes.TYPE, "id": each.id, "name": each.name} for each in (chained, alone)]
    (tmp_path / "graph.yaml").write_text(json.dumps({"version": 1, "resources": resources}))
    plan = {"version": 1, "name": "chain", "provider": "cloud"}

    def protect(*members: int) -> str:
        """The new checkpoint's id."""
        known = {each.name for each in (tmp_path / "bank" / "checkpoints").glob("*")}
        chosen = [resources[member] for member in members]
        parameters = {f"{volumes.TYPE}#{chained.id}": {"backup": "auto"}}
        text = json.dumps({**plan, "resources": chosen, "parameters": parameters})
        (tmp_path / "plan.yaml").write_text(text)
        assert main(["compile", "protect", "plan.yaml", "--resources", "graph.yaml", "-o", "protect.yaml"]) == 0
        assert main(["run", "protect.yaml"]) == 0
        (new,) = {each.name for each in (tmp_path / "bank" / "checkpoints").iterdir()} - known
        return new

    def delete(checkpoint: str) -> int:
        return main(["checkpoint", "delete", checkpoint, "--provider", "cloud"])

    first, second = protect(0, 1), protect(0)
    backups = {each.id for each in storage.backups()}
    assert len(backups) == 3
    capsys.readouterr()
    assert delete(first) == FAILED
    said = " ".join("".join(capsys.readouterr()).split())
    assert f"Delete first, in this order: the checkpoint {second}; then {first} once more." in said
    assert {each.id for each in storage.backups()} == backups
    assert main(["checkpoint", "list", "--provider", "cloud", "-f", "json"]) == 0
    states = {each["id"]: each["status"] for each in json.loads(capsys.readouterr().out)}
    assert states == {first: "deleting", second: "available"}
    for checkpoint, name in ((first, "alone"), (second, "chained")):
        assert main(["checkpoint", "show", checkpoint, "--provider", "cloud"]) == 0
        assert name in capsys.readouterr().out
    assert [delete(second), delete(first)] == [0, 0]
    assert list(storage.backups()) == []
    assert not list((tmp_path / "bank").glob("checkpoints/*"))
