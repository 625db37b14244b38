"""Where a customer goes when they are done: an address of the builder's, so that a link leads nowhere else."""

from __future__ import annotations

from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit

from conjunct.connectors.addresses import with_query
from conjunct.core.problems import InvalidRequest, Issue

_LONGEST = 2000
_ESCAPES = set('\\"<>^`{|} ')
"""What may not stand in a URL as it is, and what browsers mend each in a way of their own."""


def checked_return_url(url: str) -> str:
    """The address, as it was given. Raises `InvalidRequest` unless it is absolute, and https or on this machine."""
    if fault := _fault(url):
        raise InvalidRequest(
            f"The return URL cannot be used: {fault}.",
            remedy="Give an address such as https://app.example.com/connected; http is for localhost only.",
            issues=[Issue("returnUrl", fault, value=url[:200])],
        )
    return url


def with_result(return_url: str, **result: str | None) -> str:
    """The address with `connectionId` or `error` in its query, in place of any that it had."""
    return with_query(return_url, {name: value for name, value in result.items() if value is not None})


def _fault(url: str) -> str | None:
    if len(url) > _LONGEST or not url.isascii() or not url.isprintable() or not _ESCAPES.isdisjoint(url):
        return "it has characters that do not stand in a URL, or too many"
    try:
        parts = urlsplit(url)
        host, _port = parts.hostname, parts.port
    except ValueError:
        return "it is not a URL"
    if parts.scheme not in ("https", "http") or not host or not url.lower().startswith(f"{parts.scheme}://"):
        return "it is not an absolute https address"
    if parts.username is not None or parts.password is not None:
        return "it holds a user name or a password"
    if parts.scheme == "http" and not _is_loopback(parts):
        return "http is for this machine only"
    return None


def _is_loopback(parts: SplitResult) -> bool:
    host = parts.hostname or ""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
