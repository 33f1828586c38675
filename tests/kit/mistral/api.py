"""Mistral's API without a client library: JSON in and out."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any

ACTION = 10  # s that an action is waited for, before another one is tried


class Api:
    """`url` is what clients want."""

    def __init__(self, url: str, token: Callable[[], str] | None = None) -> None:
        self.url = url
        self._token = token

    def request(self, method: str, path: str, body: object = None) -> Any:
        """`request("GET", "/executions")`."""
        data = None if body is None else json.dumps(body).encode()
        return self._answer(method, path, data, "application/json")

    def upload(self, text: str, namespace: str = "") -> Any:
        """Create the workflows of a file, without Mistral's validation. What the API says of each."""
        path = f"/workflows?namespace={namespace}&skip_validation"
        return self._answer("POST", path, text.encode(), "text/plain")["workflows"]

    def runs_actions(self) -> bool:
        """Whether executors do what the API is asked for; the API answers earlier than they listen."""
        deadline = time.monotonic() + ACTION
        try:
            action = {"name": "std.echo", "input": json.dumps({"output": "up"}), "params": '{"save_result": true}'}
            path = f"/action_executions/{self.request('POST', '/action_executions', action)['id']}"
            while (state := self.request("GET", path)["state"]) == "RUNNING" and time.monotonic() < deadline:
                time.sleep(0.02)
        except (urllib.error.URLError, ConnectionError, KeyError):
            return False
        return bool(state == "SUCCESS")

    def _answer(self, method: str, path: str, data: bytes | None, kind: str) -> Any:
        headers = {"Content-Type": kind}
        if self._token:
            headers["X-Auth-Token"] = self._token()
        with urllib.request.urlopen(urllib.request.Request(self.url + path, data, headers, method=method)) as answer:
            return json.loads(answer.read() or b"null")
