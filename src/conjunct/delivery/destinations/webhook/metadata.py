"""What a webhook's metadata may be: a URL that requests may go to, and headers that are safe to send."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator, Mapping
from ipaddress import IPv4Network, IPv6Network, ip_address
from typing import Any
from urllib.parse import urlsplit

from conjunct.core.egress import AddressRefused
from conjunct.core.problems import InvalidRequest, Issue, Unprocessable
from conjunct.delivery.destinations.contract import Surroundings

Network = IPv4Network | IPv6Network

MAX_URL_LENGTH = 2048
MAX_HEADERS = 50
MAX_HEADER_LENGTH = 4096
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}")
_HEADER_VALUE = re.compile(r"[\t\x20-\x7e]*")
_UNSAFE_IN_URL = re.compile(r"[\x00-\x20\x7f\ud800-\udfff]")
_RESERVED_PREFIXES = ("svix-", "webhook-")
_RESERVED = {
    "host",
    "content-length",
    "content-encoding",
    "transfer-encoding",
    "connection",
    "keep-alive",
    "te",
    "trailer",
    "upgrade",
    "expect",
}


async def check_metadata(metadata: Mapping[str, Any], around: Surroundings) -> dict[str, Any]:
    """The metadata to keep: `url`, and `headers` where there are any.

    Raises:
        InvalidRequest: something is missing or of the wrong shape; every fault is told.
        Unprocessable: the URL is well-formed, but messages may not go there.
    """
    url, headers = metadata.get("url"), metadata.get("headers")
    issues = [*_url_faults(url), *_header_faults(headers)]
    if issues:
        raise InvalidRequest("The webhook's metadata is not valid.", issues=issues)
    await _check_address(str(url), around)
    return {"url": url, "headers": dict(headers)} if headers else {"url": url}


async def _check_address(url: str, around: Surroundings) -> None:
    try:
        await around.egress.check_url(url)
    except AddressRefused as refusal:
        raise AddressRefused(
            refusal.detail, remedy=refusal.remedy, issues=[Issue("metadata.url", refusal.detail, value=url)]
        ) from None
    if urlsplit(url).scheme.lower() == "http" and not await _is_inside(url, around.allowed_networks):
        raise Unprocessable(
            "The webhook's URL must start with https://.",
            remedy="Use https://. Plain http:// is for hosts in a network of CONJUNCT_ALLOWED_NETWORKS only.",
            issues=[Issue("metadata.url", "must start with https://", value=url)],
        )


async def _is_inside(url: str, networks: tuple[Network, ...]) -> bool:
    """Whether the URL's host has addresses in the operator's networks only."""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(urlsplit(url).hostname, None)
    except (OSError, UnicodeError):
        return False
    addresses = {ip_address(str(where[0]).partition("%")[0]) for *_, where in found}
    return all(any(address in network for network in networks) for address in addresses)


def _url_faults(url: object) -> Iterator[Issue]:
    if url is None:
        yield Issue("metadata.url", "is required")
    elif not isinstance(url, str):
        yield Issue("metadata.url", "must be a string")
    elif len(url) > MAX_URL_LENGTH or _UNSAFE_IN_URL.search(url):
        yield Issue("metadata.url", f"must be a URL of at most {MAX_URL_LENGTH} characters, without blanks")


def _header_faults(headers: object) -> Iterator[Issue]:
    if headers is None:
        return
    if not isinstance(headers, dict):
        yield Issue("metadata.headers", "must be an object of strings")
        return
    if len(headers) > MAX_HEADERS:
        yield Issue("metadata.headers", f"must have at most {MAX_HEADERS} entries")
    for name, value in headers.items():
        where = f"metadata.headers.{name[:100]}"
        if not _HEADER_NAME.fullmatch(name):
            yield Issue("metadata.headers", "has a name that is not one of an HTTP header", value=name[:100])
        elif name.lower() in _RESERVED or name.lower().startswith(_RESERVED_PREFIXES):
            yield Issue(where, "is set by Conjunct itself and cannot be chosen")
        elif not isinstance(value, str) or len(value) > MAX_HEADER_LENGTH or not _HEADER_VALUE.fullmatch(value):
            yield Issue(where, f"must be a string of at most {MAX_HEADER_LENGTH} printable ASCII characters")
