"""A query whose URL would be too long, asked for within the body of a composite request."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

import orjson

from conjunct.connectors.addresses import Address
from conjunct.connectors.answers import classify
from conjunct.connectors.errors import MalformedAnswer
from conjunct.connectors.exchange import Answered
from conjunct.connectors.paths import parse_path
from conjunct.connectors.plans import HttpRequest
from conjunct.connectors.quirks import Host

LONGEST_URL = 8000
"""Salesforce takes 16,384 bytes of URL and headers together; a token may be some thousands of them."""

_PART = parse_path("compositeResponse.0")


@dataclass(frozen=True, slots=True)
class _Part:
    """The answer to a request within a composite one, as far as an error needs it."""

    status: int
    headers: Mapping[str, str]
    body: bytes = b""


def in_composite(request: HttpRequest, address: Address) -> HttpRequest:
    """A composite request that holds this one."""
    within = request.url.removeprefix(address.base_url)
    version = "/".join(urlsplit(within).path.split("/")[:4])
    part = {"method": request.method, "url": within, "referenceId": "part", "httpHeaders": request.headers}
    body = {"compositeRequest": [{name: value for name, value in part.items() if value}]}
    headers = {"Content-Type": "application/json"}
    url = address.join(f"{version}/composite")
    return HttpRequest("POST", url, headers, orjson.dumps(body), bucket=request.bucket)


def out_of_composite(answered: Answered, host: Host) -> Answered:
    """The answer within that to a composite request. Raises `ProviderError` by its classes."""
    part = _PART.find(answered.body)
    status = part.get("httpStatusCode") if isinstance(part, dict) else None
    if not isinstance(part, dict) or not isinstance(status, int):
        raise MalformedAnswer("the answer to a composite request has no answer within")
    body = part.get("body")
    if 200 <= status < 300:
        return Answered(answered.headers, body)
    rules, limits = host.definition.errors, host.definition.rate_limit
    raise classify(_Part(status, answered.headers), body, rules, limits, host.exchange.clock.now())
