#!/usr/bin/env python3
"""`make demo`: protect a live shop, destroy it, bring it back, and prove every claim on the way.

Everything happens in a temporary directory (KEEP=1 keeps it). Exits 1 at the first claim that is not so.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

HERE = Path(__file__).resolve().parent
EMBANK = Path(sys.executable).parent / "embank"
COLOUR = sys.stdout.isatty() and "NO_COLOR" not in os.environ


def say(text: str) -> None:
    bold, end = ("\033[1m", "\033[0m") if COLOUR else ("", "")
    sys.stdout.write(f"\n{bold}● {text}{end}\n")
    sys.stdout.flush()


def prove(claim: str, holds: bool) -> None:
    sys.stdout.write(f"  {'✓' if holds else '✗'} {claim}\n")
    sys.stdout.flush()
    if not holds:
        sys.exit(f"demo: not so: {claim}")


def embank(work: Path, *arguments: str, quiet: bool = False) -> str:
    """Call embank as a person would, showing the command; returns what it printed on stdout."""
    sys.stdout.write(f"  $ embank {' '.join(arguments)}\n")
    sys.stdout.flush()
    errors = subprocess.PIPE if quiet else None
    done = subprocess.run([EMBANK, *arguments], cwd=work, stdout=subprocess.PIPE, stderr=errors, text=True)
    if done.returncode:
        sys.exit(f"demo: embank {' '.join(arguments)} exited {done.returncode}\n{done.stderr or ''}")
    return done.stdout


def run(work: Path, file: str) -> None:
    """Run a workflow and show how it went."""
    sys.stdout.write(embank(work, "run", file))


def build(work: Path) -> None:
    """The shop, its provider and its plan, with a few files that are easy to lose something of."""
    for name in ("shop", "providers.d", "plan.yaml"):
        copy = shutil.copytree if (HERE / name).is_dir() else shutil.copy
        copy(HERE / name, work / name)
    files = work / "shop" / "files"
    (files / "receipts").mkdir(parents=True)
    (files / "photo.raw").write_bytes(hashlib.shake_256(b"a photo").digest(3 << 20))
    os.link(files / "photo.raw", files / "cover.raw")
    (files / "latest").symlink_to("photo.raw")
    (files / "key").write_bytes(b"not for everybody\n")
    (files / "key").chmod(0o600)
    with (files / "sparse.img").open("wb") as image:
        image.truncate(64 << 20)
        image.seek(32 << 20)
        image.write(b"an island in 64 MiB of nothing")


def start_shop(work: Path, more_than: int) -> subprocess.Popen[bytes]:
    """Start the shop and wait until it has taken some orders."""
    shop = subprocess.Popen([sys.executable, work / "shop" / "shop.py", work / "shop"])
    deadline = time.monotonic() + 20
    while orders(work) < more_than and time.monotonic() < deadline:
        time.sleep(0.05)
    return shop


def orders(work: Path) -> int:
    receipts = work / "shop" / "files" / "receipts"
    return sum(1 for _ in receipts.iterdir()) if receipts.is_dir() else 0


@contextmanager
def running_shop(work: Path, more_than: int) -> Iterator[None]:
    shop = start_shop(work, more_than)
    try:
        yield
        prove("the shop was never stopped", shop.poll() is None)
    finally:
        shop.send_signal(signal.SIGTERM)
        shop.wait()


def inventory(tree: Path, last: int) -> dict[str, tuple[object, ...]]:
    """All that a file system says of the files, and their digests; receipts only up to order `last`."""
    found: dict[str, tuple[object, ...]] = {}
    for path in sorted(tree.rglob("*")):
        if path.suffix == ".txt" and int(path.stem) > last:
            continue
        info = path.lstat()
        content: object = None
        if stat.S_ISLNK(info.st_mode):
            content = path.readlink()
        elif stat.S_ISREG(info.st_mode):
            content = hashlib.sha256(path.read_bytes()).hexdigest()
        # a directory's own time changes with every receipt that the living shop adds
        when = None if stat.S_ISDIR(info.st_mode) else info.st_mtime_ns
        links = info.st_nlink if stat.S_ISREG(info.st_mode) else None
        found[str(path.relative_to(tree))] = (info.st_mode, info.st_uid, info.st_gid, when, links, content)
    return found


def check(work: Path) -> tuple[bool, int]:
    """Do the database and the receipts agree, and how many orders are there?"""
    done = subprocess.run(
        [sys.executable, work / "shop" / "shop.py", work / "shop", "--check"], stdout=subprocess.PIPE, text=True
    )
    return done.returncode == 0, int(done.stdout)


def protect(work: Path) -> str:
    say("Ask what there is to protect, and compile the plan into a workflow file.")
    embank(work, "discover", "--provider", "quickstart", "-o", "resources.yaml")
    embank(work, "compile", "protect", "plan.yaml", "--resources", "resources.yaml", "-o", "shop.protect.yaml")
    text = (work / "shop.protect.yaml").read_text()
    committed = HERE / "shop.protect.yaml"
    same = without_versions(text) == without_versions(committed.read_text())
    prove("compiling is deterministic: the same file as in examples/quickstart, whatever the version", same)
    say("This is what people review (the beginning of its activities; the whole file is in examples/quickstart).")
    show_activities(text)
    say("Run it, while the shop goes on selling. It is frozen only as long as the copies need.")
    run(work, "shop.protect.yaml")
    (checkpoint,) = embank(
        work, "checkpoint", "list", "--provider", "quickstart", "-f", "value", "-c", "id", quiet=True
    ).split()
    embank(
        work, "compile", "verify", "--provider", "quickstart", "--checkpoint", checkpoint, "-o", "shop.verify.yaml"
    )
    run(work, "shop.verify.yaml")
    return checkpoint


def without_versions(workflow: str) -> list[str]:
    """The lines that are the same whichever Embank compiled it."""
    names_one = re.compile(r"# Compiled by |#   plugin |\s+(embank|version): ")
    return [line for line in workflow.splitlines() if not names_one.match(line)]


def compile_from(work: Path, operation: str, checkpoint: str) -> None:
    output = f"shop.{operation}.yaml"
    embank(work, "compile", operation, "--provider", "quickstart", "--checkpoint", checkpoint, "-o", output)


def show_activities(text: str) -> None:
    lines = text.splitlines()
    for line in lines[
        lines.index("shop_protect_activities:") : lines.index('    # Local::SQLite shop-orders "Orders"')
    ]:
        sys.stdout.write(f"    {line}\n")


def main() -> None:
    began = time.monotonic()
    work = Path(tempfile.mkdtemp(prefix="embank-demo-"))
    try:
        tell(work)
    finally:
        if os.environ.get("KEEP"):
            sys.stdout.write(f"\nkept: {work}\n")
        else:
            shutil.rmtree(work)
    say(f"All of it held, in {time.monotonic() - began:.0f} seconds.")


def tell(work: Path) -> None:
    say("A small shop: an order is a row in a database and a receipt in a directory, and the two must agree.")
    build(work)
    files = work / "shop" / "files"
    with running_shop(work, more_than=100):
        checkpoint = protect(work)
        sold = orders(work)
        before = inventory(files, sold)
    say("Disaster: the files and the database are gone.")
    shutil.rmtree(files)
    for path in (work / "shop").glob("orders.sqlite*"):
        path.unlink()
    prove("nothing of the shop is left", not files.exists() and not (work / "shop" / "orders.sqlite").exists())

    say("Compile the restore from the checkpoint alone, and run it.")
    embank(
        work, "compile", "restore", "--provider", "quickstart", "--checkpoint", checkpoint, "-o", "shop.restore.yaml"
    )
    run(work, "shop.restore.yaml")
    agree, count = check(work)
    prove(f"the database is consistent, and its {count} orders agree with the receipts", agree and count >= 100)
    expected = {name: facts for name, facts in before.items() if not is_later(name, count)}
    prove(
        f"all {len(expected)} files are back: every byte, mode, owner, time and link",
        inventory(files, count) == expected,
    )
    blocks = (files / "sparse.img").stat().st_blocks * 512
    prove(f"the 64 MiB sparse file takes {blocks // 1024} KiB again", blocks < 1 << 20)
    with running_shop(work, more_than=count + 20):
        prove(f"the shop opens again and has sold {orders(work) - count} more", orders(work) > count)

    say("Delete the checkpoint, and look whether anything is left in the bank.")
    embank(work, "checkpoint", "delete", checkpoint, "--provider", "quickstart")
    left = [path for path in (work / "bank").rglob("*") if path.is_file()]
    prove("the bank is empty", not left)


def is_later(name: str, last: int) -> bool:
    return name.endswith(".txt") and int(Path(name).stem) > last


if __name__ == "__main__":
    main()
