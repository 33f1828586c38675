"""An HTTP proxy between clients and services, which answers itself where it is told to.

    with Proxy() as proxy:
        proxy.rule = lambda method, url: Answer(503, {"Retry-After": "1"}) if "/volumes" in url else None

Clients find it by `proxy.environment`. `proxy.seen` has what was asked, in order, as `METHOD URL`.
Tokens in `proxy.ended` are refused, as services do when they have expired; `proxy.tokens` are those that came.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import requests

NO_CONTENT = 204
NOT_FORWARDED = ("connection", "keep-alive", "proxy-connection", "transfer-encoding", "content-length")


@dataclass(frozen=True)
class Answer:
    """What the proxy says instead of the service. `late`: when the service has done what it was asked for."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b"{}"
    late: bool = False


@dataclass(frozen=True)
class Cut:
    """The service's answer, but it breaks off after so many bytes; or nothing at all is answered (-1)."""

    after: int


Rule = Callable[[str, str], Answer | Cut | None]


class Proxy:
    """Listens on a port of its own."""

    def __init__(self) -> None:
        self.rule: Rule = lambda method, url: None
        self.seen: list[str] = []
        self.ended: set[str] = set()
        self.tokens: set[str] = set()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (Handler,), {"proxy": self}))
        self._server.daemon_threads = True
        self.environment = {
            "http_proxy": f"http://127.0.0.1:{self._server.server_port}",
            "no_proxy": "",
            "NO_PROXY": "",
        }

    def __enter__(self) -> Proxy:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *error: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def count(self, *words: str) -> int:
        """How many requests had all of these words in their method and URL."""
        return sum(all(word in asked for word in words) for asked in self.seen)


class Handler(BaseHTTPRequestHandler):
    """One connection of a client. `proxy` is set in a subclass."""

    proxy: Proxy
    protocol_version = "HTTP/1.1"

    def handle_request(self) -> None:
        """Answer, or forward."""
        self.proxy.seen.append(f"{self.command} {self.path}")
        body = _body(self)
        told = self.proxy.rule(self.command, self.path)
        if token := self.headers.get("X-Auth-Token"):
            self.proxy.tokens.add(token)
        if token in self.proxy.ended:
            told = Answer(401, body=b'{"error": {"code": 401, "message": "The token has ended"}}')
        if not isinstance(told, Answer):
            try:
                said = self.forward(body)
            except requests.exceptions.ConnectionError:  # nobody is there
                self.close_connection = True
            else:
                self.pass_on(*said, told)
            return
        if told.late:
            self.forward(body)
        self.answer(told.status, {"Content-Type": "application/json", **told.headers}, told.body)

    def forward(self, body: bytes) -> tuple[int, Mapping[str, str], bytes]:
        """Ask the service; what it says."""
        headers = {name: value for name, value in self.headers.items() if name.lower() not in NOT_FORWARDED}
        with requests.Session() as session:
            session.trust_env = False
            found = session.request(
                self.command, self.path, headers=headers, data=body, allow_redirects=False, stream=True, timeout=60
            )
            data = found.raw.read(decode_content=False)
        kept = {name: value for name, value in found.headers.items() if name.lower() not in NOT_FORWARDED}
        return found.status_code, kept, data

    def pass_on(self, status: int, headers: Mapping[str, str], data: bytes, cut: Cut | None) -> None:
        """Say what the service says, or a part of that."""
        if cut is None:
            self.answer(status, headers, data)
            return
        self.close_connection = True
        if cut.after >= 0:
            self.answer(status, headers, data, data[: cut.after])

    def answer(self, status: int, headers: Mapping[str, str], body: bytes, sent: bytes | None = None) -> None:
        """Say that all of `body` comes, and send that, or only what is `sent`."""
        self.send_response_only(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if status != NO_CONTENT:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD" and status != NO_CONTENT:
            self.wfile.write(body if sent is None else sent)
            self.wfile.flush()

    do_GET = do_PUT = do_POST = do_DELETE = do_PATCH = do_HEAD = handle_request  # noqa: N815 (http.server's names)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


def _body(handler: BaseHTTPRequestHandler) -> bytes:
    if "chunked" not in handler.headers.get("Transfer-Encoding", ""):
        return handler.rfile.read(int(handler.headers.get("Content-Length") or 0))
    parts = []
    while size := int(handler.rfile.readline().split(b";")[0], 16):
        parts.append(handler.rfile.read(size))
        handler.rfile.readline()
    handler.rfile.readline()
    return b"".join(parts)
