"""A proxy in front of Mistral that makes trouble: `start_proxy(url)` gives a running `Proxy`."""

from __future__ import annotations

import contextlib
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

LATE = 1.5  # s
CUT, SWALLOW, HALF, TIME_OUT = "cut", "swallow", "half", "time out"


@dataclass
class Trouble:
    """What happens to the next `times` requests of this method whose path has `part` in it.

    cut: the connection is closed at once. swallow: it is closed when Mistral has answered. half: it is closed in the
    middle of the answer. time out: a 504 at once, while Mistral gets the request some seconds later.
    """

    method: str
    part: str
    what: str
    times: int = 1


class Proxy:
    """`url` is what clients want; `troubles` are to come; `late` are requests that Mistral gets afterwards."""

    def __init__(self, port: int, behind: str) -> None:
        self.url = f"http://127.0.0.1:{port}/v2"
        self.behind = behind.removesuffix("/v2")
        self.troubles: list[Trouble] = []
        self.late: list[threading.Thread] = []

    def trouble(self, method: str, path: str) -> str:
        """What is to happen to a request, if anything."""
        for each in self.troubles:
            if each.times and each.method == method and each.part in path:
                each.times -= 1
                return each.what
        return ""

    def forward(self, method: str, path: str, headers: dict[str, str], body: bytes) -> tuple[int, str, bytes]:
        """What Mistral answers."""
        asked = urllib.request.Request(self.behind + path, body or None, headers, method=method)
        try:
            with urllib.request.urlopen(asked) as answer:
                return answer.status, answer.headers["Content-Type"], answer.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.headers["Content-Type"], error.read()

    def forward_late(self, *request: Any) -> None:
        """The client has been told that it takes too long."""

        def run() -> None:
            time.sleep(LATE)
            self.forward(*request)

        self.late.append(threading.Thread(target=run))
        self.late[-1].start()


@contextlib.contextmanager
def start_proxy(behind: str) -> Iterator[Proxy]:
    """A proxy, until the end of the block."""

    class Handler(BaseHTTPRequestHandler):
        def handle_any(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            headers = {"Content-Type": self.headers.get("Content-Type") or "application/json"}
            request = self.command, self.path, headers, body
            what = proxy.trouble(self.command, self.path)
            if what == CUT:
                return
            if what == TIME_OUT:
                proxy.forward_late(*request)
                self.answer(504, "text/html", b"<h1>504 Gateway Time-out</h1>")
                return
            status, kind, data = proxy.forward(*request)
            if what != SWALLOW:
                self.answer(status, kind, data, len(data) // 2 if what == HALF else len(data))

        do_GET = do_POST = do_PUT = do_DELETE = handle_any  # noqa: N815  # as http.server calls them

        def answer(self, status: int, kind: str, data: bytes, sent: int | None = None) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data[:sent])

        def log_message(self, *arguments: Any) -> None:
            """Quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        proxy = Proxy(server.server_port, behind)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield proxy
        finally:
            for each in proxy.late:
                each.join()
            server.shutdown()
            thread.join()
