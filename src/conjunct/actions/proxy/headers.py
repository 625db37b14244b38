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
    named = _named(value for name, value in headers if name == "connection")
    kept = CIMultiDict(
        [
            (name, value)
            for name, value in headers
            if not (name in _TO_US or name in reserved or name.startswith(_OURS) or name in named)
        ]
    )
    kept.setdefault("Accept-Encoding", "identity")  # the answer is not unpacked on its way
    return kept


def to_caller(given: CIMultiDictProxy[str]) -> list[tuple[bytes, bytes]]:
    """The headers of an answer as they go on."""
    named = _named(given.getall("Connection", ()))
    return [
        (lower.encode("latin-1"), value.encode("latin-1", "replace"))
        for name, value in given.items()
        if not ((lower := name.lower()) in _OF_THE_ADDRESS or lower.startswith(_OF_PAGES) or lower in named)
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
