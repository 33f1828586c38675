"""An HTTP proxy between clients and services, which answers itself where it is told to.

    with Proxy() as proxy:
        proxy.rule = lambda method, url: Answer(503, {"Retry-After": "1"}) if "/volumes" in url else None

Clients find it by `proxy.environment`, or ask `proxy.url` for what is behind `Proxy(url)`. `proxy.seen` has what was
asked, in order, as `METHOD URL`.
Tokens in `proxy.ended` are refused, as services do when they have expired; `proxy.tokens` are those that came.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote

import requests

NO_CONTENT = 204
NOT_FORWARDED = ("connection", "keep-alive", "proxy-connection", "transfer-encoding", "content-length", "expect")


@dataclass(frozen=True)
class Answer:
    """What the proxy says instead of the service. `late`: when the service has done what it was asked for."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b"{}"
    late: bool = False


@dataclass(frozen=True)
class Cut:
    """The service's answer, but it breaks off after so many bytes, or such a part of them (0.5); or nothing at all is
    answered (-1). Not `asked`: the service does not hear of it.
    """

    after: float
    asked: bool = True


Told = Answer | Cut | None
Rule = Callable[[str, str], Told]


@dataclass
class Trouble:
    """A rule for the next `times` requests of a method whose URL, decoded, has `part` in it."""

    method: str
    part: str
    what: Answer | Cut
    times: int = 1

    def __call__(self, method: str, url: str) -> Told:
        if not self.times or method != self.method or self.part not in unquote(url):
            return None
        self.times -= 1
        return self.what


class Proxy:
    """Listens on a port of its own. What none of the `troubles` is about is for the `rule`."""

    def __init__(self, behind: str = "") -> None:
        self.behind = behind
        self.troubles: list[Trouble] = []
        self.rule: Rule = lambda method, url: None
        self.lock = threading.Lock()
        self.seen: list[str] = []
        self.ended: set[str] = set()
        self.tokens: set[str] = set()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (Handler,), {"proxy": self}))
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self.environment = {"http_proxy": self.url, "no_proxy": "", "NO_PROXY": ""}

    def __enter__(self) -> Proxy:
        threading.Thread(target=self._server.serve_forever, args=[0.05], daemon=True).start()
        return self

    def __exit__(self, *error: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def told(self, method: str, url: str) -> Told:
        """What becomes of a request."""
        with self.lock:
            for trouble in self.troubles:
                if what := trouble(method, url):
                    return what
        return self.rule(method, url)

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
        told = self.proxy.told(self.command, self.path)
        if token := self.headers.get("X-Auth-Token"):
            self.proxy.tokens.add(token)
        if token in self.proxy.ended:
            told = Answer(401, body=b'{"error": {"code": 401, "message": "The token has ended"}}')
        if isinstance(told, Answer):
            if told.late:
                self.forward(body)
            self.answer(told.status, {"Content-Type": "application/json", **told.headers}, told.body)
            return
        self.close_connection = told is not None or self.close_connection
        if told is None or told.asked:
            try:
                said = self.forward(body)
            except requests.exceptions.ConnectionError:  # nobody is there
                self.close_connection = True
            else:
                self.pass_on(*said, told)

    def forward(self, body: bytes) -> tuple[int, Mapping[str, str], bytes]:
        """Ask the service; what it says."""
        headers = {name: value for name, value in self.headers.items() if name.lower() not in NOT_FORWARDED}
        url = self.path if "://" in self.path else self.proxy.behind + self.path
        with requests.Session() as session:
            session.trust_env = False
            found = session.request(
                self.command, url, headers=headers, data=body, allow_redirects=False, stream=True, timeout=60
            )
            data = found.raw.read(decode_content=False)
        return found.status_code, found.headers, data

    def pass_on(self, status: int, headers: Mapping[str, str], data: bytes, cut: Cut | None) -> None:
        """Say what the service says, or a part of that."""
        if cut is None:
            self.answer(status, headers, data)
        elif cut.after >= 0:
            after = int(cut.after * len(data)) if isinstance(cut.after, float) else cut.after
            self.answer(status, headers, data, data[:after])

    def answer(self, status: int, headers: Mapping[str, str], body: bytes, sent: bytes | None = None) -> None:
        """Say that all of `body` comes, and send that, or only what is `sent`."""
        self.send_response_only(status)
        for name, value in headers.items():
            if name.lower() not in NOT_FORWARDED:
                self.send_header(name, value)
        if status != NO_CONTENT:
            length = headers.get("Content-Length", "0") if self.command == "HEAD" else str(len(body))
            self.send_header("Content-Length", length)
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
