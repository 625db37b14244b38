"""Which headers go along, in both directions. Pure.

Nothing that is between two neighbours goes beyond them, no credential of ours or of the caller reaches the provider,
and nothing that a provider says to a browser counts for our own address.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from multidict import CIMultiDict, CIMultiDictProxy

Raw = Iterable[tuple[bytes, bytes]]

HOP_BY_HOP = frozenset(
    {
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
# What the caller, or what stands before us, says to us and to nobody else.
_TO_US = HOP_BY_HOP | {
    "authorization",
    "baggage",
    "cookie",
    "expect",
    "forwarded",
    "host",
    "traceparent",
    "tracestate",
    "via",
    "x-api-key",
    "x-real-ip",
    "x-request-id",
}
_OURS = ("x-amp-", "x-forwarded-")
# What counts for the whole address that an answer comes from, which is ours, or what we say ourselves.
_OF_THE_ADDRESS = HOP_BY_HOP | {
    "alt-svc",
    "clear-site-data",
    "date",
    "nel",
    "public-key-pins",
    "report-to",
    "reporting-endpoints",
    "service-worker-allowed",
    "set-cookie",
    "strict-transport-security",
    "x-request-id",
}
_OF_PAGES = ("access-control-",)


def to_provider(given: Raw, reserved: Collection[str]) -> CIMultiDict[str]:
    """The headers of a request as they go on; `reserved` are those that prove who we are."""
    headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in given]
    left_out = _TO_US | _named(value for name, value in headers if name == "connection")
    kept = CIMultiDict(
        (name, value)
        for name, value in headers
        if name not in left_out and name not in reserved and not name.startswith(_OURS)
    )
    kept.setdefault("Accept-Encoding", "identity")  # the answer is not unpacked on its way
    return kept


def to_caller(given: CIMultiDictProxy[str]) -> list[tuple[bytes, bytes]]:
    """The headers of an answer as they go on."""
    left_out = _OF_THE_ADDRESS | _named(given.getall("Connection", ()))
    return [
        (name.lower().encode("latin-1"), value.encode("latin-1", "replace"))
        for name, value in given.items()
        if (lower := name.lower()) not in left_out and not lower.startswith(_OF_PAGES)
    ]


def single(given: Raw) -> Mapping[str, str | None]:
    """The caller's headers for us by their lower-case names; None for one that is there more than once."""
    found: dict[str, str | None] = {}
    for name, value in given:
        key = name.decode("latin-1")
        found[key] = None if key in found else value.decode("latin-1")
    return found


def _named(connection: Iterable[str]) -> frozenset[str]:
    """The headers that a `Connection` header names as being for the neighbour alone."""
    return frozenset(token.strip().lower() for value in connection for token in value.split(","))
