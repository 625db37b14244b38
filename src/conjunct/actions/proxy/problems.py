"""Refusals of the proxy."""

from __future__ import annotations

from typing import ClassVar

from conjunct.core.problems import Forbidden, InvalidRequest, Problem, TooLarge, TooManyRequests


class ProxyHeadersWrong(InvalidRequest):
    """The headers do not say where the request goes."""

    slug = "proxy-headers-wrong"
    title = "The request does not say where it goes"


class ProxyNotEnabled(Forbidden):
    """The integration, or this installation of it, passes no requests through."""

    slug = "proxy-not-enabled"
    title = "Requests are not passed through here"


class ProxyPathRefused(InvalidRequest):
    """The path could mean another place at the provider than it seems to."""

    slug = "proxy-path-refused"
    title = "The path is not passed through"


class ProxyNotAllowed(Forbidden):
    """The manifest does not list this method and path."""

    slug = "proxy-not-allowed"
    title = "This request is not among those that the integration allows"


class ProxyBodyTooLarge(TooLarge):
    """The provider wants requests signed with their bodies, and this one is too large to be kept meanwhile."""

    slug = "proxy-body-too-large"
    title = "The body is too large to be signed"


class ProxyThrottled(TooManyRequests):
    """The provider has said that it takes no more requests for now, so it was not asked."""

    slug = "proxy-throttled"
    title = "The provider takes no more requests for now"


class ProviderUnreachable(Problem):
    """The provider gave no answer that can be passed on."""

    status: ClassVar[int] = 502
    slug = "provider-unreachable"
    title = "The provider did not answer"


class ProviderTooSlow(Problem):
    """The provider began no answer in time."""

    status: ClassVar[int] = 504
    slug = "provider-too-slow"
    title = "The provider did not answer in time"
