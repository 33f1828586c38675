"""How long a service that has no time just now is waited for, and how things are made there in spite of it.

Banks do it otherwise (`banks.retries`), until time is up: what they ask for can be asked for twice.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from embank_plugins.banks.retries import retry_after

if TYPE_CHECKING:
    from requests import Response

RETRIES = 4  # of a request that was answered with BUSY or UNAVAILABLE
CONNECT_RETRIES = 4  # of one that was not answered; keystoneauth makes the pauses in between, and they grow
PAUSES = (0.5, 1.0, 2.0, 4.0)  # s, where the service does not say when to come again
IN_ALL = 90.0  # s; somebody's server may stand still meanwhile
BUSY, UNAVAILABLE = 429, 503

Made = TypeVar("Made")


class Waits:
    """The pauses between the tries of one request."""

    def __init__(self, retries: int = RETRIES) -> None:
        self._pauses = list(PAUSES[:retries])
        self._left = IN_ALL

    def pause(self, answer: Response) -> bool:
        """Sleep, as long as a `Retry-After` wants. False, at once: that is too long, or it was often enough."""
        if not self._pauses:
            return False
        usual, wanted = self._pauses.pop(0), retry_after(answer.headers.get("Retry-After"))
        length = usual if wanted is None else wanted
        if length > self._left:
            return False
        self._left -= length
        told = "%s answers %s: asked again in %.1f s"
        logging.getLogger(__name__).warning(told, answer.url, answer.status_code, length)
        time.sleep(length)
        return True


def created(make: Callable[[], Made], find: Callable[[], Made | None]) -> Made:
    """What `make` makes, once. A 503 does not say whether it was made: then it is what `find` finds, or made again
    (decision CLOUD-17).

    Raises what openstacksdk raises.
    """
    from openstack.exceptions import HttpException

    waits = Waits()
    while True:
        try:
            return make()
        except HttpException as error:
            if error.response is None or error.response.status_code != UNAVAILABLE:
                raise
            if not waits.pause(error.response):
                raise
        if (there := find()) is not None:
            return there


def wait_wanted(error: Exception) -> float:
    """For how many seconds the service that has answered so wants to be left alone."""
    response = getattr(error, "response", None)
    return retry_after(response.headers.get("Retry-After")) or 0.0 if response is not None else 0.0
