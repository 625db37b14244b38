"""In which way a page walks a customer through connecting a provider."""

from __future__ import annotations

from typing import Literal

from conjunct.connections.credential_kinds import accepted_kinds
from conjunct.connectors.auth_definition import Auth, CustomAuth, OAuth2

Way = Literal["form", "browser", "steps"]
"""`form`: the customer types credentials, which are kept. `browser`: they agree at the provider (OAuth). `steps`: what
they type begins a custom authentication of several steps.
"""


def way_of(auth: Auth) -> Way | None:
    """How customers are connected to such a provider; None where a page can not do it."""
    if isinstance(auth, OAuth2) and auth.grant == "authorization_code":
        return "browser" if auth.authorize_url is not None else None
    if isinstance(auth, CustomAuth) and auth.steps:
        return "steps"
    return "form" if accepted_kinds(auth) else None


def needs_app(auth: Auth) -> bool:
    """Whether customers are connected with a provider app of the builder's."""
    return bool(auth.app_inputs) if isinstance(auth, CustomAuth) else way_of(auth) == "browser"
