"""Write-once objects in Swift: what `write_once` needs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from embank_plugins.banks.patience import Failure
from embank_plugins.banks.swift_container import PAGE, TOKEN, Container, Upload
from embank_plugins.banks.write_once import Announcement, Put


@dataclass(frozen=True, slots=True)
class SwiftOnce:
    """One put of one key."""

    container: Container
    key: str
    upload: Upload
    action: str

    def announce(self, name: str) -> None:
        """See Store."""
        self.container.put(name, Upload(self.upload.token, b""), self.action)

    def announced(self, prefix: str) -> Sequence[Announcement]:
        """See Store."""
        return [Announcement(row.name, row.age) for row in self.container.list(prefix, "", PAGE, self.action)]

    def withdraw(self, name: str) -> None:
        """See Store."""
        self.container.delete(name, self.action)

    def put_absent(self) -> Put:
        """An answer may be lost though the object was stored: then it has our token."""
        patience = self.container.account.patience()
        sure = True
        while isinstance(got := self.container.try_put(self.key, self.upload, self.action, if_absent=True), Failure):
            sure = False
            self.container.account.wait(patience, got, self.action)
            if found := self.token():
                return self._unsure(found)
        return Put(got) if got or sure else self._unsure(self.token())

    def token(self) -> str | None:
        """See Store."""
        headers = self.container.head(self.key, self.action)
        return headers.get(TOKEN, "") if headers is not None else None

    def _unsure(self, found: str | None) -> Put:
        stored = found == self.upload.token
        return Put(stored, over=stored)
