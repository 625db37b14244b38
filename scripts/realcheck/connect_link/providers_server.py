"""The other sides of the check: the invented providers' server, and the builder's page where customers end."""

from __future__ import annotations

import base64
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

KEY, USER, PASSWORD = "desk-key-7", "ada", "p\u00e4ss word"
_BASIC = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
WELCOME = "Welcome back to the product"


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        """A provider's `/me`, which looks at credentials, or the builder's page."""
        if self.path.startswith("/welcome"):
            content = f'<!doctype html><html lang="en"><title>Product</title><h1>{WELCOME}</h1></html>'
            self._answer(200, "text/html", content.encode())
        elif self.headers.get("X-Desk-Key") == KEY or self.headers.get("Authorization") == _BASIC:
            self._answer(200, "application/json", b'{"id": 1}')
        else:
            self._answer(401, "application/json", b'{"error": "who are you?"}')

    def _answer(self, status: int, media_type: str, content: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", media_type)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_given: Any) -> None:
        """Say nothing."""


@contextmanager
def others() -> Iterator[str]:
    """Serve them for the length of the block; gives their address."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join(10)
