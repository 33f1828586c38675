"""Asking Mistral's API: whatever goes wrong becomes one of our exceptions, and long lists come in pages."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar
from urllib.parse import urlsplit, urlunsplit

from embank.mistral.api.errors import EngineRefused, EngineUnreachable

T = TypeVar("T")
PAGE = 500  # rows; Mistral cuts a list that asks for no limit at 1000, without a word


class Transport:
    """The HTTP client of a client of python-mistralclient, for what that has no method for, and its errors."""

    def __init__(self, client: Any) -> None:
        self.http = client.executions.http_client

    @property
    def url(self) -> str:
        """Where Mistral is, as it may be shown: without a name, a password or a token."""
        return shown_url(str(self.http.base_url))

    def pages(self, ask: Callable[[str], Any]) -> Iterator[Mapping[str, Any]]:
        """Every row of a list, of which `ask(marker)` gives up to PAGE that follow the one with this id."""
        marker = ""
        while True:
            rows = [each.to_dict() for each in self.call(lambda: ask(marker))]  # noqa: B023  # called at once
            yield from rows
            if len(rows) < PAGE:
                return
            marker = rows[-1]["id"]

    def ask(self, call: Callable[[], Any]) -> Any:
        """A raw request: its response, when that is a good one."""
        response = self.call(call)
        if response.status_code >= 400:
            raise EngineRefused(_fault(response), response.status_code)
        return response

    def call(self, call: Callable[[], T]) -> T:
        """Whatever goes wrong, as one of our exceptions."""
        import requests
        from keystoneauth1.exceptions import ClientException, HttpError
        from mistralclient.api.base import APIException

        try:
            return call()
        except APIException as error:
            code = int(error.error_code or 500)
            raise EngineRefused(f"Mistral at {self.url}: {error.error_message}", code) from error
        except HttpError as error:
            raise EngineRefused(f"Mistral at {self.url}: {error}", int(error.http_status or 500)) from error
        except (requests.RequestException, ClientException) as error:
            text = _short(error).replace(str(self.http.base_url), self.url)
            raise EngineUnreachable(f"Mistral at {self.url} does not answer: {text}") from error


def shown_url(url: str) -> str:
    """A URL without what may be secret in it."""
    try:
        parts = urlsplit(url)
        host = parts.netloc.rpartition("@")[2]
        return urlunsplit((parts.scheme, host, parts.path, "", ""))
    except ValueError:
        return "an address that cannot be read"


def _fault(response: Any) -> str:
    try:
        return str(response.json()["faultstring"])
    except (ValueError, KeyError, TypeError):
        return f"HTTP {response.status_code}: {response.text[:200]}"


def _short(error: BaseException) -> str:
    """The innermost reason of a chain of wrapped network errors."""
    while error.__cause__ or error.__context__:
        error = error.__cause__ or error.__context__  # type: ignore[assignment]  # one of them is there
    return f"{type(error).__name__}: {error}"[:200]
