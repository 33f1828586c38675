"""A small installed distribution, "acme": a bank, two protection plugins and their protectables."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from embank.diagnostics import Diagnostic
from kit.permissions import without_override

ACME = '''
from oslo_config import cfg
from embank.plugins import Bank, BankError, NO_PARAMETERS, Protectable, ProtectionPlugin, Resource

class MemoryBank(Bank):
    """Keeps nothing at all."""
    @classmethod
    def options(cls):
        return {"acme_bank": [
            cfg.StrOpt("where"), cfg.StrOpt("password", secret=True), cfg.IntOpt("pin", secret=True),
            cfg.PortOpt("port"), cfg.StrOpt("renamed", deprecated_name="old_name"),
        ]}
    def __init__(self, conf):
        super().__init__(conf)
        if conf.acme_bank.where == "moon":
            raise OSError(f"no route to the moon with {conf.acme_bank.password}")
        if conf.acme_bank.where == "away":
            raise BankError(f"away, says {conf.acme_bank.password}")
    def put(self, key, chunks, *, if_absent=False): ...
    def get(self, key, *, start=0, end=None): ...
    def list(self, prefix="", *, marker="", limit=1000): return []
    def delete(self, key): ...
    def stat(self, key): ...
    def check(self): ...

class Things(ProtectionPlugin):
    """Protects things."""
    resource_types = ("Acme::Thing",)
    @classmethod
    def options(cls):
        return {"acme_things": [
            cfg.MultiStrOpt("thing", default=[]), cfg.StrOpt("token", secret=True),
            cfg.BoolOpt("eager", default=False),
        ]}
    def __init__(self, conf):
        super().__init__(conf)
        wrong = [thing for thing in conf.acme_things.thing if not thing.startswith("/")]
        if wrong:
            raise ValueError("\\n".join(f"[acme_things] thing = {thing}: not absolute" for thing in wrong))
        if conf.acme_things.eager:
            raise RuntimeError(f"too eager with {conf.acme_things.token}")
    def activity_protect_parallel(self, checkpoint, context, resource, parameters):
        """Copy the thing."""
    def parameters_schema(self, operation, resource_type):
        if operation != "protect":
            return NO_PARAMETERS
        return {
            "type": "object",
            "properties": {
                "compress": {"type": "boolean"},
                "level": {"type": "integer", "minimum": 1, "maximum": 9},
                "mode": {"enum": ["full", "incremental"]},
                "days": {"type": "array", "items": {"type": "string"}},
                "password": {"$ref": "#/$defs/secret"},
                "target": {
                    "type": "object",
                    "properties": {
                        "host": {"type": "string"},
                        "keys": {"type": "array", "items": {"$ref": "#/$defs/secret"}},
                    },
                    "required": ["host"],
                    "additionalProperties": False,
                },
            },
            "additionalProperties": False,
            "$defs": {"secret": {"type": "string", "minLength": 20, "writeOnly": True}},
        }

class Parts(ProtectionPlugin):
    """Protects parts of things."""
    resource_types = ("Acme::Part",)
    @classmethod
    def options(cls):
        return {"acme_parts": [cfg.StrOpt("root", required=True)], "acme_things": [cfg.StrOpt("token", secret=True)]}
    def activity_protect_pre(self, checkpoint, context, resource, parameters): ...
    def parameters_schema(self, operation, resource_type):
        return {"type": "object", "properties": {"size": {"type": "number"}}, "required": ["size"]}

class OtherThings(Things):
    """Protects things, too."""

class ThingProtectable(Protectable):
    resource_type = "Acme::Thing"
    parent_types = ("Acme::Thing",)
    @classmethod
    def options(cls):
        return {"acme_things": [cfg.MultiStrOpt("thing", default=[]), cfg.StrOpt("token", secret=True)]}
    def list_resources(self):
        return [Resource("Acme::Thing", path, path.title()) for path in self.conf.acme_things.thing]
'''

ENTRIES = {
    "karbor.protections": {
        "acme-memory-bank-plugin": "acme:MemoryBank",
        "acme-things-protection-plugin": "acme:Things",
        "acme-parts-protection-plugin": "acme:Parts",
        "acme-other-protection-plugin": "acme:OtherThings",
    },
    "karbor.protectables": {"Acme::Thing": "acme:ThingProtectable"},
}


@pytest.fixture
def acme(install: Callable[..., Path]) -> None:
    """The distribution, installed."""
    install("acme", ENTRIES, version="2.5", acme=ACME)


@pytest.fixture
def python() -> Callable[..., str]:
    """`python("print(1)", cwd=…, NAME="value")`: what a program prints in a process of its own."""

    def run(program: str, *, cwd: Path, **environment: str) -> str:
        settings = {key: value for key, value in os.environ.items() if not key.startswith(("EMBANK_", "OS_"))}
        return subprocess.run(
            [sys.executable, "-c", program],
            cwd=cwd, env=settings | environment, stdout=subprocess.PIPE, text=True, check=True,
            preexec_fn=without_override,
        ).stdout  # fmt: skip

    return run


@pytest.fixture
def directory(tmp_path: Path) -> Callable[..., Path]:
    """`directory(a="…")` writes a.conf into a directory of provider files."""

    def put(**files: str) -> Path:
        where = tmp_path / "providers.d"
        where.mkdir(exist_ok=True)
        for name, text in files.items():
            (where / f"{name}.conf").write_text(text)
        return where

    return put


@pytest.fixture
def shown(tmp_path: Path) -> Callable[..., list[str]]:
    """Diagnostics as "a.conf:3 EMB214 message (hint)", with the files' names alone."""

    def show(diagnostics: tuple[Diagnostic, ...], *, hints: bool = True) -> list[str]:
        lines = []
        for each in diagnostics:
            place = f"{each.place} ".rpartition("/")[2] if each.place else ""
            hint = f" ({each.hint})" if each.hint and hints else ""
            lines.append(f"{place}{each.code} {each.message}{hint}")
        return lines

    return show
