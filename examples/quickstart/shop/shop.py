#!/usr/bin/env python3
"""A small shop: takes orders all the time, each a row in a database and a receipt in a directory.

The two must always agree: order N is in `orders.sqlite` exactly when `files/receipts/N.txt` exists with
the digest that the row names. Copying them at different moments breaks that; freezing the shop does not.

    shop.py DIRECTORY          run until SIGTERM, freezing and thawing as shopctl asks
    shop.py DIRECTORY --check  print the number of orders, and exit 1 if the two disagree
"""

from __future__ import annotations

import hashlib
import os
import signal
import sqlite3
import sys
import time
from pathlib import Path

ITEMS = ["tea", "coffee", "honey", "a kettle", "a blue mug"]


def open_database(shop: Path) -> sqlite3.Connection:
    database = sqlite3.connect(shop / "orders.sqlite", isolation_level=None)
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("CREATE TABLE IF NOT EXISTS orders (number INTEGER PRIMARY KEY, item TEXT, receipt TEXT)")
    return database


def take_order(shop: Path, database: sqlite3.Connection, number: int) -> None:
    item = ITEMS[number % len(ITEMS)]
    receipt = f"Receipt {number}: one {item}. Thank you!\n".encode()
    database.execute("BEGIN")
    digest = hashlib.sha256(receipt).hexdigest()
    database.execute("INSERT INTO orders VALUES (?, ?, ?)", (number, item, digest))
    (shop / "files" / "receipts" / f"{number}.txt").write_bytes(receipt)
    database.execute("COMMIT")


def run(shop: Path) -> None:
    control = shop / "control"
    control.mkdir(exist_ok=True)
    (control / "frozen").unlink(missing_ok=True)
    (control / "pid").write_text(str(os.getpid()))
    stopping: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, frame: stopping.append(number))
    database = open_database(shop)
    (number,) = database.execute("SELECT coalesce(max(number), 0) FROM orders").fetchone()
    while not stopping:
        if (control / "freeze").exists():
            # Between two orders: nothing is half done. Say so, with the number of the last order.
            (control / "frozen").write_text(str(number))
            while (control / "freeze").exists() and not stopping:
                time.sleep(0.005)
            (control / "frozen").unlink()
            continue
        number += 1
        take_order(shop, database, number)
        time.sleep(0.004)
    database.close()
    (control / "pid").unlink()


def check(shop: Path) -> int:
    database = open_database(shop)
    rows = dict(database.execute("SELECT number, receipt FROM orders"))
    receipts = {
        int(path.stem): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in (shop / "files" / "receipts").glob("*.txt")
    }
    (sound,) = database.execute("PRAGMA integrity_check").fetchone()
    database.close()
    sys.stdout.write(f"{len(rows)}\n")
    if rows != receipts or sound != "ok":
        sys.stderr.write(f"{len(rows)} orders, {len(receipts)} receipts, database {sound}: they disagree\n")
        return 1
    return 0


if __name__ == "__main__":
    directory = Path(sys.argv[1])
    sys.exit(check(directory) if "--check" in sys.argv else run(directory))
