"""The builder's product: a page on another site than the platform's, which opens the window and hears its message."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

PAGE = Path(__file__).with_name("page")


class _Handler(SimpleHTTPRequestHandler):
    def log_message(self, *_given: Any) -> None:
        """Say nothing."""


@contextmanager
def product() -> Iterator[str]:
    """Serve the page for the length of the block; gives its address, on `localhost` and not on `127.0.0.1`."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Handler, directory=str(PAGE))) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1})
        thread.start()
        try:
            yield f"http://localhost:{server.server_port}"
        finally:
            server.shutdown()
            thread.join(10)
