"""Hosted links: a URL that walks a customer through connecting a provider, with no page of the builder's own."""

from conjunct.connections.connect_links.endpoints import Links, router
from conjunct.connections.connect_links.problems import ConnectLinkNotFound, ConnectLinkOver
from conjunct.connections.connect_links.return_urls import with_result
from conjunct.connections.connect_links.service import ConnectLinkService
from conjunct.connections.connect_links.state import ConnectLink
from conjunct.connections.connect_links.ways import Way, way_of

__all__ = [
    "ConnectLink",
    "ConnectLinkNotFound",
    "ConnectLinkOver",
    "ConnectLinkService",
    "Links",
    "Way",
    "router",
    "way_of",
    "with_result",
]
