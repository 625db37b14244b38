"""Where a customer's browser goes to agree."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence

from conjunct.connectors.addresses import endpoint, with_query
from conjunct.connectors.auth_definition import RESERVED, OAuth2
from conjunct.connectors.definition import Definition
from conjunct.connectors.facts import facts_in
from conjunct.connectors.oauth.parameters import rendered, scope_text, wanted_scopes
from conjunct.core.problems import Unprocessable


class NoOAuthFlow(Unprocessable):
    """The provider has no OAuth flow in which a customer agrees in the browser."""

    slug = "no-oauth-flow"
    title = "The provider has no OAuth flow in the browser"


def browser_flow(definition: Definition) -> OAuth2:
    """The provider's authorization code grant. Raises `NoOAuthFlow`."""
    auth = definition.auth
    if isinstance(auth, OAuth2) and auth.grant == "authorization_code":
        return auth
    raise NoOAuthFlow(
        f"{definition.display} is not connected by OAuth in the browser.",
        remedy="Connect it with connections:generate and the credentials that the provider takes.",
    )


def authorization_url(
    definition: Definition,
    client_id: str,
    inputs: Mapping[str, str],
    *,
    redirect_uri: str,
    state: str,
    scopes: Sequence[str],
    verifier: str | None = None,
    params: Mapping[str, Sequence[str]] | None = None,
    override: str | None = None,
) -> str:
    """Where the customer's browser goes to agree. `params` are the client's own; several values become one text.

    Raises `NoOAuthFlow`, and `InvalidInputs` or `UnusableValue` for inputs that cannot be part of the URL.
    """
    auth = browser_flow(definition)
    if auth.authorize_url is None:
        raise NoOAuthFlow(f"It is not known where customers of {definition.display} agree.")
    query: dict[str, str] = {
        "response_type": "code",
        "client_id": client_id,
        "redirect_uri": redirect_uri,
        "state": state,
    }
    asked = wanted_scopes(auth, scopes)
    if asked:
        query["scope"] = scope_text(auth, asked, inputs)
    if auth.audience:
        query["audience"] = " ".join(auth.audience)
    if verifier is not None:
        query |= {"code_challenge": challenge_of(verifier), "code_challenge_method": "S256"}
    own = {name: auth.scope_separator.join(values) for name, values in (params or {}).items()}
    added = {**rendered(auth.authorize_params, inputs), **own}
    flow = {name: value for name, value in added.items() if name not in RESERVED}
    flow |= {auth.names.get(name, name): value for name, value in query.items()}
    return with_query(endpoint(definition, auth.authorize_url, inputs, override), flow)


def callback_facts(definition: Definition, params: Mapping[str, str]) -> dict[str, str]:
    """The facts by name in the parameters with which the customer came back; `checked_inputs` must still check them."""
    return {
        name: value
        for name, rule in browser_flow(definition).from_callback.items()
        for value in facts_in({name: rule.model_copy(update={"at": "value"})}, {"value": params.get(rule.at)}).values()
    }


def challenge_of(verifier: str) -> str:
    """The S256 challenge of a PKCE verifier (RFC 7636)."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
