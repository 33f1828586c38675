"""Every input in every broken form: a message with its place, exit code 1 or 64, nothing written."""

from __future__ import annotations

import atexit
import os
import re
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

Embank = Callable[..., subprocess.CompletedProcess[str]]
Break = Callable[[Path], None]

COMPILE = ("compile", "protect", "plan.yaml", "--resources", "resources.yaml", "-o", "out.yaml")
# input: the file to break, and the command that reads it
INPUTS: dict[str, tuple[str, tuple[str, ...]]] = {
    "provider": ("providers.d/quickstart.conf", COMPILE),
    "plan": ("plan.yaml", COMPILE),
    "graph": ("resources.yaml", COMPILE),
    "workflow": ("shop.protect.yaml", ("run", "shop.protect.yaml")),
    "parameters": (
        "parameters.yaml",
        ("compile", "restore", "--provider", "quickstart", "--checkpoint", "c1", "--parameters", "parameters.yaml",
         "-o", "out.yaml"),
    ),
}  # fmt: skip


def text(content: str | bytes) -> Break:
    return lambda path: void(path.write_bytes(content if isinstance(content, bytes) else content.encode()))


def void(_: object) -> None:
    return None


def nonsense(path: Path, pattern: bytes) -> None:
    """100 MB that repeat a pattern, written once and linked from then on."""
    once = Path(tempfile.gettempdir()) / f"embank-nonsense-{os.getpid()}-{len(pattern)}"
    if not once.exists():
        once.write_bytes(pattern * (100_000_000 // len(pattern)))
        atexit.register(once.unlink)
    path.unlink(missing_ok=True)
    try:
        path.hardlink_to(once)
    except OSError:  # another file system
        path.symlink_to(once)


def directory(path: Path) -> None:
    path.unlink(missing_ok=True)
    path.mkdir()


def unreadable(path: Path) -> None:
    path.touch()
    path.chmod(0)


BREAKS: dict[str, Break] = {
    "broken": text("version: 1\nname: [shop\n  provider: }\n"),
    "a list": text("- 1\n- 2\n"),
    "a number": text("42\n"),
    "missing": lambda path: path.unlink(missing_ok=True),
    "no permission": unreadable,
    "a directory": directory,
    "empty": text(""),
    "only comments": text("# nothing\n"),
    "nonsense": lambda path: nonsense(path, b"\x93\x00\xff{[nonsense]}: "),
    "nonsense text": lambda path: nonsense(path, b"nonsense: {[ "),
    "deep nesting": text("a: " + "[" * 200_000),
    "aliases": text("version: &v 1\nname: *v\n"),
    "duplicate keys": text("version: 1\nversion: 1\n"),
    "a tag": text("version: !!python/object/apply:os.system ['echo broken']\n"),
    "not UTF-8": text(b"version: 1\nname: \xff\xfe\xfa\n"),
    "NUL": text(b"version: 1\nname: a\x00b\n"),
}


@pytest.mark.parametrize("kind", INPUTS)
@pytest.mark.parametrize("form", BREAKS)
def test_bad_input_is_explained_and_nothing_is_written(shop: Path, embank: Embank, kind: str, form: str) -> None:
    name, command = INPUTS[kind]
    BREAKS[form](shop / name)
    before = {path: path.stat().st_mtime_ns for path in shop.rglob("*")}
    done = embank(*command)
    assert done.returncode in (1, 64), done.stderr
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    assert "a bug in Embank" not in done.stderr
    assert len(done.stderr) < 60_000
    # one without its provider's file has nothing to point at but the provider's name
    gone = kind == "provider" and form in ("missing", "a directory")
    assert ("quickstart" if gone else name.split("/")[-1]) in done.stderr
    after = {path: path.stat().st_mtime_ns for path in shop.rglob("*")}
    assert after == before, "something was written"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((), "usage"),
        (("compil",), "did you mean"),
        (("compile",), "compile protect"),
        (("compile", "protect"), "required"),
        (("compile", "protect", "plan.yaml"), "--resources"),
        (("run",), "required"),
        (("run", "nowhere.yaml"), "nowhere.yaml"),
        (("run", "shop.protect.yaml", "--parallel", "0"), "--parallel"),
        (("run", "x.yaml", "--parallel", "999999999999"), "from 1 to 999999999 is needed, not '999999999999'"),
        (("compile", "protect", "plan.yaml", "--resources", "resources.yaml", "--max-tasks", "1"), "from 2"),
        (("compile", "restore", "--provider", "quickstar", "--checkpoint", "x"), "did you mean 'quickstart'"),
        (("compile", "restore", "--provider", "quickstart", "--checkpoint", "../x"), "../x"),
        (("compile", "restore", "--provider", "quickstart", "--checkpoint", "nope"), "nope"),
        (("provider", "show", "nope"), "nope"),
        (("provider", "list", "--provider-config-dir", "nowhere"), "nowhere"),
        (("checkpoint", "show", "nope", "--provider", "quickstart"), "nope"),
        (("plugin", "show", "nope"), "nope"),
        (("help", "nope"), "nope"),
        (("plugin", "list", "-c", "nope"), "Recognized columns are"),
        (("provider", "show", "quickstart", "-c", "nope"), "Recognized columns are"),
    ],
)
def test_a_wrong_command_line_is_explained(shop: Path, embank: Embank, arguments: tuple[str, ...], says: str) -> None:
    done = embank(*arguments)
    assert done.returncode in (1, 64)
    assert says in done.stderr
    assert "Traceback" not in done.stderr
    assert not re.search(r"[\x00-\x08\x0b-\x1f]", done.stderr)


def test_an_output_that_cannot_be_written(shop: Path, embank: Embank) -> None:
    done = embank(*COMPILE[:-1], "nowhere/out.yaml")
    assert done.returncode == 64
    assert "nowhere/out.yaml" in done.stderr
    old = "      action: embank.begin  # of a workflow\n"
    (shop / "old.yaml").write_text(old)
    shop.chmod(0o555)
    done = embank(*COMPILE[:-1], "old.yaml")
    shop.chmod(0o755)
    assert (done.returncode, done.stderr) == (64, "embank: cannot write old.yaml: Permission denied\n")
    assert (shop / "old.yaml").read_text() == old


@pytest.mark.parametrize("line", [b"s3_secret_key = \xff TOPSECRET", b"s3_secret_key = a\x01TOPSECRET"])
def test_a_line_that_is_no_text_may_be_secret_and_is_not_shown(tmp_path: Path, embank: Embank, line: bytes) -> None:
    (tmp_path / "providers.d").mkdir()
    (tmp_path / "providers.d" / "x.conf").write_bytes(b"[provider]\nname = x\n[s3_bank]\n" + line + b"\n")
    said = embank("validate")
    assert "x.conf:4" in said.stderr
    assert "TOPSECRET" not in said.stdout + said.stderr
