"""Feeds: nothing is sent; whoever wants the messages pulls them."""

from conjunct.delivery.destinations.feed.type import TYPE

__all__ = ["TYPE"]
