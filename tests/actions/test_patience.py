"""A bank that hangs when an execution has failed: that must be the end of it all the same."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from embank.actions.actions import Actions
from embank.plugins import ObjectInfo
from embank.reasons import ActionFailed
from embank_plugins.banks.filesystem.bank import FilesystemBank
from kit.banks import bank_options

Failure = Callable[[Callable[[], object]], ActionFailed]


class HangingBank(FilesystemBank):
    """Takes objects, and from a moment on does not return from it."""

    def __init__(self, path: Path) -> None:
        super().__init__(bank_options(path))
        self.hangs = False
        self.release = threading.Event()

    def put(self, key: str, chunks: Iterable[bytes], *, if_absent: bool = False) -> ObjectInfo:
        if self.hangs:
            self.release.wait(60)
        return super().put(key, chunks, if_absent=if_absent)


def test_the_last_word_does_not_wait_for_ever_for_a_bank_that_hangs(site: Any, failure: Failure) -> None:
    bank = HangingBank(site.path)
    site.actions = Actions([site.provider.on(bank)], patience=0.1)
    site.begin()
    bank.hangs = True
    failed = failure(lambda: site.do("complete", status="error"))
    assert str(failed) == (
        "the bank has not answered for 0.1 s: the checkpoint c1 stays as it is, and its lease ends by itself, "
        "within 15 min"
    )
    bank.release.set()
