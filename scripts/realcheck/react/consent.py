"""The other side of a custom authentication in steps: it plays Microsoft, whose administrator agrees at once."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

PROVIDER = "microsoftAdminConsent"
TENANT = "9e1477fd-54ef-41fe-b747-bc9e6a11a925"


@dataclass
class Consent:
    """Where it is, and what it was asked: methods and paths."""

    url: str = ""
    asked: list[str] = field(default_factory=list)


@contextmanager
def consenting() -> Iterator[Consent]:
    """Serve it for the length of the block."""
    consent = Consent()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            consent.asked.append(f"GET {parts.path}")
            if parts.path.endswith("/adminconsent"):
                query = dict(parse_qsl(parts.query))
                answer = {"admin_consent": "True", "tenant": TENANT, "state": query["state"]}
                self._answer(302, {}, Location=f"{query['redirect_uri']}?{urlencode(answer)}")
            else:
                self._answer(200, {"value": []})

        def do_POST(self) -> None:
            consent.asked.append(f"POST {self.path}")
            self.rfile.read(int(self.headers["Content-Length"]))
            self._answer(200, {"access_token": "an-access-token", "expires_in": 3599})

        def _answer(self, status: int, body: Any, **headers: str) -> None:
            content = json.dumps(body).encode()
            self.send_response(status)
            for name, value in {**headers, "Content-Type": "application/json"}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_given: Any) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        consent.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1})
        thread.start()
        try:
            yield consent
        finally:
            server.shutdown()
            thread.join(10)
