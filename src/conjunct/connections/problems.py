"""What can stand against a request about connections."""

from __future__ import annotations

from conjunct.core.problems import Conflict, InvalidRequest, NotFound, Unavailable, Unprocessable


class ConnectionNotFound(NotFound):
    """There is no such connection in the project."""

    slug = "connection-not-found"
    title = "There is no such connection"

    def __init__(self, connection_id: str) -> None:
        super().__init__(
            f"There is no connection {connection_id!r} in this project.",
            remedy="List the connections of the project to see their ids.",
        )


class UnsupportedCredentials(Unprocessable):
    """The credentials are not of the one kind that the provider takes."""

    slug = "unsupported-credentials"
    title = "The provider does not take these credentials"


class InvalidUpdateMask(InvalidRequest):
    """The update mask is empty, names what cannot be changed, or names what has no value."""

    slug = "invalid-update-mask"
    title = "The update mask is not valid"


class RefreshNotPossible(Unprocessable):
    """The access token should be refreshed, but there is nothing to do that with."""

    slug = "refresh-not-possible"
    title = "The access token cannot be refreshed"


class RefreshRefused(Unprocessable):
    """The provider gives no new access token for the refresh token."""

    slug = "refresh-refused"
    title = "The provider gave no new access token"


class RefreshPending(Unavailable):
    """The access token could not be refreshed now; later it may be."""

    slug = "refresh-pending"
    title = "The access token could not be refreshed now"

    def __init__(self, connection_id: str, why: str = "a refresh is under way for long") -> None:
        super().__init__(
            f"The access token of connection {connection_id!r} is not fresh yet: {why}.",
            remedy="Try again in a moment.",
            retryable=True,
        )


class NoSuchProvider(Unprocessable):
    """The request names a provider that is not in the catalog."""

    slug = "no-such-provider"
    title = "There is no such provider"


class CredentialsRefused(Unprocessable):
    """The provider was asked, and does not accept the credentials."""

    slug = "credentials-refused"
    title = "The provider does not accept the credentials"


class AccountIncomplete(Unprocessable):
    """The provider does not tell what must be known of the account, or tells what cannot be used."""

    slug = "account-incomplete"
    title = "The provider does not tell what must be known of the account"


class ProviderNotAsked(Unavailable):
    """The provider had to be asked and gave no answer that says anything: it is down, too slow, or busy."""

    slug = "provider-not-asked"
    title = "The provider could not be asked"


class NoHealthCheck(Unprocessable):
    """There is no harmless request that would prove the provider's credentials."""

    slug = "no-health-check"
    title = "The provider has no request that proves credentials"


class ConnectionChanged(Conflict):
    """The connection was changed by another request, while the provider was asked about this one."""

    slug = "connection-changed"
    title = "The connection was changed meanwhile"

    def __init__(self, connection_id: str) -> None:
        super().__init__(
            f"Connection {connection_id!r} got other credentials while the provider was asked about these.",
            remedy="Look at the connection, and send the change again if it is still wanted.",
        )
