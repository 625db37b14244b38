"""What can stand against a request about provider apps."""

from __future__ import annotations

from conjunct.core.problems import Conflict, NotFound, Unprocessable


class ProviderAppNotFound(NotFound):
    """There is no such provider app in the project."""

    slug = "provider-app-not-found"
    title = "There is no such provider app"

    def __init__(self, provider_app_id: str) -> None:
        super().__init__(
            f"There is no provider app {provider_app_id!r} in this project.",
            remedy="List the provider apps of the project to see their ids.",
        )


class ProviderAppExists(Conflict):
    """The project has this client of the provider already, under the same `externalRef`."""

    slug = "provider-app-exists"
    title = "The provider app is there already"


class ProviderAppInUse(Unprocessable):
    """Connections were made with the provider app; without it their access tokens could not be refreshed."""

    slug = "provider-app-in-use"
    title = "Connections use the provider app"


class NotAnOAuthProvider(Unprocessable):
    """The provider takes no OAuth client of the builder's."""

    slug = "not-an-oauth-provider"
    title = "The provider takes no provider app"


class AuthorizationNotPossible(Unprocessable):
    """The flow cannot begin: no provider app, not this provider's, or no scopes."""

    slug = "authorization-not-possible"
    title = "The customer cannot be asked to agree"
