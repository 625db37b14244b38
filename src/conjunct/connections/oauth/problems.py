"""What can stand against an OAuth flow."""

from __future__ import annotations

from conjunct.core.problems import InvalidRequest


class AuthorizationExpired(InvalidRequest):
    """The customer came back with a `state` that is unknown, was used before, or is too old."""

    slug = "authorization-expired"
    title = "This attempt to connect is over"

    def __init__(self) -> None:
        super().__init__(
            "This link was used before, is too old, or is not one of ours.",
            remedy="Close this window and connect again.",
        )


class AuthorizationRefused(InvalidRequest):
    """The customer did not agree, or the provider did not let them."""

    slug = "authorization-refused"
    title = "The provider did not give access"


class TokensRefused(InvalidRequest):
    """The provider gave no tokens for the code, or none that can be used."""

    slug = "tokens-refused"
    title = "The provider gave no tokens"
