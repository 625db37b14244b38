"""Signature Version 4, with which Amazon Web Services wants each request signed (docs.aws.amazon.com, "IAM"). Pure."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import parse_qsl, quote, urlsplit

ALGORITHM = "AWS4-HMAC-SHA256"

_UNRESERVED = "-_.~"


@dataclass(frozen=True, slots=True)
class Scope:
    """What a signature is good for, besides a day."""

    region: str
    service: str


@dataclass(frozen=True, slots=True)
class Signable:
    """A request as it goes out: an encoded URL, and headers among which `Host` need not be."""

    method: str
    url: str = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    body: bytes | None = field(repr=False)


def signature_headers(
    request: Signable, *, key_id: str, secret: str, scope: Scope, now: datetime, token: str | None = None
) -> dict[str, str]:
    """The headers that sign the request at `now`; they hold no secret. `token` is that of a session, if it is one."""
    moment = now.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
    own = {"X-Amz-Date": moment, **({"X-Amz-Security-Token": token} if token else {})}
    signed = _signed_headers(request, own)
    names = ";".join(signed)
    where = f"{moment[:8]}/{scope.region}/{scope.service}/aws4_request"
    text = "\n".join((ALGORITHM, moment, where, _digest(_canonical(request, signed).encode())))
    signature = hmac.new(_key(secret, where), text.encode(), hashlib.sha256).hexdigest()
    proof = f"{ALGORITHM} Credential={key_id}/{where}, SignedHeaders={names}, Signature={signature}"
    return {**own, "Authorization": proof}


def _signed_headers(request: Signable, own: Mapping[str, str]) -> dict[str, str]:
    """Host, what the content is, and all headers of Amazon's own, by lower-cased name and in order."""
    given = {name.lower(): " ".join(value.split()) for name, value in {**request.headers, **own}.items()}
    kept = {name: value for name, value in given.items() if name == "content-type" or name.startswith("x-amz-")}
    return dict(sorted({"host": urlsplit(request.url).netloc, **kept}.items()))


def _canonical(request: Signable, signed: Mapping[str, str]) -> str:
    parts = urlsplit(request.url)
    pairs = sorted(
        (quote(name, safe=_UNRESERVED), quote(value, safe=_UNRESERVED))
        for name, value in parse_qsl(parts.query, keep_blank_values=True)
    )
    lines = (
        request.method,
        quote(parts.path or "/", safe=f"/{_UNRESERVED}"),  # once more: all services but S3 want it encoded twice
        "&".join(f"{name}={value}" for name, value in pairs),
        "".join(f"{name}:{value}\n" for name, value in signed.items()),
        ";".join(signed),
        _digest(request.body or b""),
    )
    return "\n".join(lines)


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _key(secret: str, where: str) -> bytes:
    key = f"AWS4{secret}".encode()
    for part in where.split("/"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return key
