"""The builder's product: the server of its page, of its customers' tokens, and of the webhook that results go to."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat


@dataclass
class Product:
    """`url` is another site than the platform's: its name is `localhost`, not `127.0.0.1`."""

    page: Path
    url: str = ""
    webhook: str = ""
    settings: dict[str, str] = field(default_factory=dict)
    kid: str = ""
    tokens: int = 0
    messages: list[dict[str, Any]] = field(default_factory=list)
    _key: rsa.RSAPrivateKey = field(default_factory=lambda: rsa.generate_private_key(65537, 2048))

    @property
    def public_key(self) -> str:
        """What the platform verifies tokens with."""
        return self._key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()

    def token(self, group_ref: str, consumer_ref: str) -> str:
        """A customer's token."""
        self.tokens += 1
        now = int(time.time())
        claims = {"groupRef": group_ref, "consumerRef": consumer_ref, "iat": now, "exp": now + 300}
        return jwt.encode(claims, self._key, algorithm="RS256", headers={"kid": self.kid})


class _Handler(SimpleHTTPRequestHandler):
    def __init__(self, *given: Any, product: Product) -> None:
        self._product = product
        super().__init__(*given, directory=str(product.page))

    def do_GET(self) -> None:
        asked = urlsplit(self.path)
        if asked.path == "/settings.json":
            self._answer(json.dumps(self._product.settings), "application/json")
        elif asked.path == "/token":
            wanted = dict(parse_qsl(asked.query))
            self._answer(self._product.token(wanted["groupRef"], wanted["consumerRef"]), "text/plain")
        else:
            super().do_GET()

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self._product.messages.append(json.loads(body))
        self.send_response(204)
        self.end_headers()

    def _answer(self, text: str, media_type: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", media_type)
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_given: Any) -> None:
        """Say nothing."""


@contextmanager
def serving(page: Path) -> Iterator[Product]:
    """Serve the product for the length of the block."""
    product = Product(page)
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Handler, product=product))
    product.url = f"http://localhost:{server.server_port}"
    product.webhook = f"http://127.0.0.1:{server.server_port}/webhook"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield product
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)
