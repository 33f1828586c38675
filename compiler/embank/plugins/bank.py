"""What the author of a bank writes. A bank stores objects (bytes under a key) and nothing else.

Keys are `/`-separated segments of printable text, at most 900 bytes in all; `embank.checkpoint.section.section`
builds them and keeps every writer inside its own section. `embank.conformance.bank.kit` is the test kit.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from embank.errors import EmbankError, ExitCode

if TYPE_CHECKING:
    from oslo_config import cfg

MAX_KEY_BYTES = 900  # S3 and Swift take 1024, from which a prefix goes off


class BankError(EmbankError):
    """The bank could not do it: unreachable, full, not permitted, damaged."""

    exit_code = ExitCode.FAILED


class ObjectExists(BankError):
    """`put(if_absent=True)` found an object under this key. Nothing was changed."""


class ObjectMissing(BankError):
    """There is no object under this key."""


def check_key(key: str) -> None:
    """Raise BankError when `key` is not one: every bank refuses the same keys, whatever it could store."""
    if not key or not all(key.split("/")):
        raise BankError(f"{key!r:.200} is not a key: a key has one or more non-empty segments between slashes")
    if not key.isprintable():
        raise BankError(f"{key!r:.200} is not a key: it has characters that are not printable")
    if len(key.encode()) > MAX_KEY_BYTES:
        raise BankError(f"the key {key[:60]!r}… has more than {MAX_KEY_BYTES} bytes")


@dataclass(frozen=True, slots=True)
class ObjectInfo:
    """What a bank knows of an object: its key and its size in bytes."""

    key: str
    size: int


class Bank(ABC):
    """Objects under keys. Every method may raise BankError; a failed put leaves nothing visible.

    One instance serves all workers of a process: methods are called from several threads at once.
    """

    def __init__(self, conf: cfg.ConfigOpts) -> None:
        """`conf` has the values of the options that this class declares."""
        self.conf = conf

    @classmethod
    def options(cls) -> Mapping[str, Sequence[cfg.Opt]]:
        """The oslo.config options of this bank, by section of the provider's configuration file."""
        return {}

    @abstractmethod
    def put(self, key: str, chunks: Iterable[bytes], *, if_absent: bool = False) -> ObjectInfo:
        """Store an object durably and atomically: readers see all of it or nothing, also after a crash.

        Raises ObjectExists when `if_absent` and there is one, however many writers race.
        """

    @abstractmethod
    def get(self, key: str, *, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        """Stream the bytes [start, end) of an object. Raises ObjectMissing at the first step at the latest."""

    @abstractmethod
    def list(self, prefix: str = "", *, marker: str = "", limit: int = 1000) -> Sequence[ObjectInfo]:
        """At most `limit` objects whose key starts with `prefix` and is greater than `marker`, sorted by key
        (by code point). An empty answer means there are no more.
        """

    @abstractmethod
    def delete(self, key: str) -> None:
        """Delete an object durably. Raises ObjectMissing when there is none."""

    @abstractmethod
    def stat(self, key: str) -> ObjectInfo | None:
        """The object under this key, or None."""

    @abstractmethod
    def check(self) -> None:
        """Raise BankError, saying what to do, when the bank cannot be used at all. Changes nothing."""
