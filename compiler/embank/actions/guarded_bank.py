"""A bank as somebody else wrote it, made to keep its promise: what it raises is a BankError (decision ACT-5).

Everything here counts on that: closers run although the bank fails, leases are renewed although it failed once,
what a failed write has left is removed. A connection error that escapes from a library must not end any of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from threading import current_thread, main_thread

from embank.errors import EmbankError
from embank.plugins import Bank, BankError, ObjectInfo
from embank.reasons import reason_of


class GuardedBank(Bank):
    """A bank around another one, with the same answers. `clean` takes secrets out of what it raises."""

    def __init__(self, bank: Bank, clean: Callable[[str], str] = str) -> None:
        self._bank = bank
        self._clean = clean

    def put(self, key: str, chunks: Iterable[bytes], *, if_absent: bool = False) -> ObjectInfo:
        """See Bank.put. What the source of the chunks raises is its own."""
        own: list[BaseException] = []

        def source() -> Iterator[bytes]:
            try:
                yield from chunks
            except BaseException as error:
                own.append(error)
                raise

        with self._translated(own):
            return self._bank.put(key, source(), if_absent=if_absent)

    def get(self, key: str, *, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        """See Bank.get."""
        with self._translated():
            stream = iter(self._bank.get(key, start=start, end=end))
        while True:
            with self._translated():
                chunk = next(stream, None)
            if chunk is None:
                return
            yield chunk

    def list(self, prefix: str = "", *, marker: str = "", limit: int = 1000) -> Sequence[ObjectInfo]:
        """See Bank.list."""
        with self._translated():
            return self._bank.list(prefix, marker=marker, limit=limit)

    def delete(self, key: str) -> None:
        """See Bank.delete."""
        with self._translated():
            self._bank.delete(key)

    def stat(self, key: str) -> ObjectInfo | None:
        """See Bank.stat."""
        with self._translated():
            return self._bank.stat(key)

    def check(self) -> None:
        """See Bank.check."""
        with self._translated():
            self._bank.check()

    @contextmanager
    def _translated(self, own: Sequence[BaseException] = ()) -> Iterator[None]:
        try:
            yield
        except EmbankError:
            raise
        except (Exception, SystemExit, KeyboardInterrupt) as error:
            mine = isinstance(error, KeyboardInterrupt) and current_thread() is main_thread()  # a person's Ctrl-C
            if mine or any(error is each for each in own):
                raise
            raise BankError(self._clean(reason_of(error))) from None
