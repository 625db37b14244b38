"""What is refused of hosted links."""

from __future__ import annotations

from typing import ClassVar

from conjunct.core.problems import NotFound, Problem, Unprocessable


class ConnectLinkNotFound(NotFound):
    """There is no such link: it never was, or it has been revoked."""

    slug = "connect-link-not-found"
    title = "There is no such connect link"


class ConnectLinkOver(Problem):
    """The link has been used, or its time is over."""

    status: ClassVar[int] = 410
    slug = "connect-link-over"
    title = "The connect link is over"


class NotConnectableByLink(Unprocessable):
    """A provider cannot be connected on a hosted page, or not with what the project has."""

    slug = "not-connectable-by-link"
    title = "The provider cannot be connected by a link"
