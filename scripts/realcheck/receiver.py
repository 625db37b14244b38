"""The builder's server: a webhook receiver that believes only what the public `standardwebhooks` library verifies."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from standardwebhooks.webhooks import Webhook, WebhookVerificationError


@dataclass(frozen=True)
class Arrived:
    """One record that arrived, with the message that brought it."""

    message_id: str
    object: str
    read_type: str
    record: dict[str, Any]

    @property
    def id(self) -> int:
        """The record's id in Redmine."""
        identifier: int = self.record["raw"]["id"]
        return identifier


@dataclass
class Receiver:
    """`messages` are the bodies of what was verified, by message id, in the order of arrival."""

    url: str = ""
    verifier: Webhook | None = None
    messages: dict[str, dict[str, Any]] = field(default_factory=dict)
    verified: int = 0
    refused: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def trust(self, signing_key: str) -> None:
        """Verify with this key, `whsec_…`, from now on."""
        self.verifier = Webhook(signing_key)

    def arrived(self, after: int = 0) -> list[Arrived]:
        """The records of all messages but the first `after`."""
        with self._lock:
            messages = list(self.messages.items())[after:]
        return [
            Arrived(message_id, body["objectName"], body["readType"], record)
            for message_id, body in messages
            for record in body["result"]
        ]

    def take(self, headers: dict[str, str], body: bytes) -> bool:
        """Keep a message when it is authentic."""
        with self._lock:
            if not self._is_authentic(headers, body):
                self.refused += 1
                return False
            self.verified += 1
            self.messages.setdefault(headers["webhook-id"], json.loads(body))
            return True

    def _is_authentic(self, headers: dict[str, str], body: bytes) -> bool:
        if self.verifier is None:
            return False
        try:
            self.verifier.verify(body, headers)
        except WebhookVerificationError:
            return False
        return True


@contextmanager
def receiver() -> Iterator[Receiver]:
    """A receiver on a free port of loopback for the length of the block."""
    kept = Receiver()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            self.send_response(204 if kept.take(headers, body) else 401)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Nothing: what counts is kept."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        kept.url = f"http://127.0.0.1:{server.server_port}/conjunct"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1})
        thread.start()
        try:
            yield kept
        finally:
            server.shutdown()
            thread.join(10)
