"""A proxy that makes trouble between a client and any HTTP service: `start_trouble(url)` gives a running `Proxy`."""

from __future__ import annotations

import contextlib
import http.client
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

CUT, SWALLOW, HALF = "cut", "swallow", "half"
PASSED = ("connection", "keep-alive", "transfer-encoding")


@dataclass
class Trouble:
    """What happens to the next `times` requests of this method whose decoded path has `part` in it.

    cut: the connection is closed at once. swallow: it is closed when the service has answered. half: in the middle of
    the answer's body. A number: that is the answer, with `headers`; the service hears nothing of it.
    """

    method: str
    part: str
    what: str | int
    times: int = 1
    headers: Mapping[str, str] = field(default_factory=dict)


class Proxy:
    """`url` is what clients want. `requests` are those that came, as (method, path)."""

    def __init__(self, port: int, behind: str) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.behind = urlsplit(behind).netloc
        self.troubles: list[Trouble] = []
        self.requests: list[tuple[str, str]] = []
        self._lock = threading.Lock()

    def trouble(self, method: str, path: str) -> Trouble | None:
        """What is to happen to a request, if anything."""
        with self._lock:
            self.requests.append((method, path))
            for each in self.troubles:
                if each.times and each.method == method and each.part in unquote(path):
                    each.times -= 1
                    return each
        return None


@contextlib.contextmanager
def start_trouble(behind: str) -> Iterator[Proxy]:
    """A proxy, until the end of the block."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_any(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            trouble = proxy.trouble(self.command, self.path)
            what = trouble.what if trouble else ""
            if what == CUT:
                self.close_connection = True
            elif trouble and isinstance(what, int):
                self.answer(what, {**trouble.headers, "Content-Length": "0"}, b"")
            else:
                status, headers, data = self.forward(body)
                if what == SWALLOW:
                    self.close_connection = True
                else:
                    self.answer(status, headers, data[: len(data) // 2] if what == HALF else data)
                    self.close_connection = self.close_connection or what == HALF

        do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = handle_any  # noqa: N815  # as http.server calls them

        def forward(self, body: bytes) -> tuple[int, dict[str, str], bytes]:
            headers = {name: value for name, value in self.headers.items() if name.lower() not in (*PASSED, "expect")}
            connection = http.client.HTTPConnection(proxy.behind, timeout=60)
            with contextlib.closing(connection):
                connection.request(self.command, self.path, body, headers)
                answer = connection.getresponse()
                kept = {name: value for name, value in answer.getheaders() if name.lower() not in PASSED}
                data = answer.read()
                if self.command != "HEAD":  # it may have come in chunks
                    kept = {**kept, "Content-Length": str(len(data))}
                return answer.status, kept, data

        def answer(self, status: int, headers: Mapping[str, str], data: bytes) -> None:
            self.send_response_only(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *arguments: Any) -> None:
            """Quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        proxy = Proxy(server.server_port, behind)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield proxy
        finally:
            server.shutdown()
            thread.join()
