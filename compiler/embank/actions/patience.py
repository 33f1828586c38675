"""A limit to waiting, for those who must go on whatever becomes of the bank."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

from embank.plugins import BankError

T = TypeVar("T")


class Silent(BankError):
    """The bank has not answered in time."""


def within(seconds: float, ask: Callable[[], T]) -> T:
    """What `ask` returns, or raises. Raises Silent when it takes longer: then it is left to itself, in a thread of
    its own, and may still have its effect later.
    """
    answer: Future[T] = Future()

    def work() -> None:
        try:
            answer.set_result(ask())
        except BaseException as error:
            answer.set_exception(error)

    threading.Thread(target=work, name="embank-patience", daemon=True).start()
    try:
        return answer.result(seconds)
    except TimeoutError:
        if answer.done():
            raise
        raise Silent(f"the bank has not answered for {seconds:g} s") from None
