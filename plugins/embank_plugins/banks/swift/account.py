"""Requests to a Swift account, repeated while there is hope; what is refused is said in words that help."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import IO, Any
from urllib.parse import quote

from embank.plugins import BankError
from embank_plugins.banks.retries import Failure, Service, retry_after, unanswered
from embank_plugins.banks.swift.login import Login, Settings

TIMES = (10, 60)  # s, to connect, and between two bytes of an answer
AGAIN = frozenset({408, 422, 425, 429, 498, 499, 500, 502, 503, 504})  # 422: not what was sent; 498, 499 are Swift's
NOT_LOGGED_IN = 401


@dataclass(frozen=True, slots=True)
class Answer:
    """What the service said."""

    status: int
    headers: Mapping[str, str]
    response: Any


class Account(Service):
    """The account of one user. Threads share it; a process that was forked gets connections of its own."""

    def __init__(self, settings: Settings, name: str, in_all: float) -> None:
        super().__init__(name, in_all)
        self._settings = settings
        self._logins: dict[int, Login] = {}

    def request(self, method: str, path: str, *, accept: Collection[int], action: str, **given: Any) -> Answer:
        """Ask until there is an answer that is accepted. Raises BankError. See `attempt`."""
        return self.persist(lambda: self.attempt(method, path, accept=accept, action=action, **given), action)

    def attempt(
        self,
        method: str,
        path: str,
        *,
        accept: Collection[int],
        action: str,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        body: bytes | IO[bytes] | None = None,
        stream: bool = False,
    ) -> Answer | Failure:
        """Ask once; again, with a new token, when the old one has expired. `path` is what follows the account."""
        from keystoneauth1 import exceptions

        login = self._login()
        given = {"Accept-Encoding": "identity", **(headers or {})}
        for renewed in (False, True):
            try:
                url = login.url()
            except BankError as error:
                raise self.cannot(action, str(error)) from error
            if isinstance(url, Failure):
                return url
            if body is not None and not isinstance(body, bytes):
                body.seek(0)
            try:
                response = login.session.request(
                    f"{url}/{quoted(path)}", method, params=params, headers=given, data=body, stream=stream,
                    raise_exc=False, allow_reauth=False, redirect=False, log=False, timeout=TIMES,
                )  # fmt: skip
            except exceptions.SSLError as error:
                raise self.cannot(action, str(error)) from error
            except exceptions.ClientException as error:
                return unanswered(error)
            if response.status_code != NOT_LOGGED_IN or renewed:
                break
            response.close()
            login.renew()
        return self._judge(response, accept, action)

    def _judge(self, response: Any, accept: Collection[int], action: str) -> Answer | Failure:
        status = response.status_code
        if status in accept:
            return Answer(status, response.headers, response)
        said = f"the service answers {status} {response.reason}"
        if status in AGAIN:
            response.close()
            return Failure(said, retry_after(response.headers.get("Retry-After")))
        text = "" if "html" in response.headers.get("Content-Type", "") else response.text.strip()[:200]
        raise self.cannot(action, f"{self._explained(status, response.text)} ({said}{text and ': ' + text})")

    def _explained(self, status: int, text: str) -> str:
        user = f"the user {self._settings.user!r}"
        if status == 413 and "quota" in text.lower():
            return "the quota is used up: make room, or have it raised"
        if status == 413:
            return "it is larger than what the service takes: lower bank_swift_segment_size in [swift_bank_plugin]"
        if status == 403:
            return f"{user} may not: give it a role that may use Swift in its project (often `member`)"
        if status == NOT_LOGGED_IN:
            return f"{user} is logged in, and Swift does not accept that: is it configured for the same Keystone?"
        return "it is refused"

    def _login(self) -> Login:
        mine = os.getpid()
        return self._logins.get(mine) or self._logins.setdefault(mine, Login(self._settings))


def quoted(path: str) -> str:
    """For a URL. Segments of dots are names like others: whoever reads the URL must not walk along them."""
    return "/".join(name.replace(".", "%2E") if name in (".", "..") else quote(name) for name in path.split("/"))
