"""The table of providers."""

from __future__ import annotations

from collections.abc import Iterator

from conjunct.connectors import Definition, support
from conjunct.connectors.auth_definition import ApiKeyAuth, BasicAuth, OAuth2
from conjunct.providers import catalog
from scripts.markdown import code
from scripts.markdown import table as make_table

_GRANTS = {
    "authorization_code": "OAuth 2",
    "client_credentials": "OAuth 2, client credentials",
    "password": "OAuth 2, password",
}


def table() -> Iterator[str]:
    """All providers by name: how one connects, what else the customer is asked, what can be done."""
    every = (catalog().get(name) for name in sorted(catalog().names(), key=str.lower))
    rows = ((code(each.name), each.display, _scheme(each), _asked(each), _does(each)) for each in every)
    return make_table(("provider", "name", "connected by", "the customer also tells", "objects"), rows)


def _scheme(definition: Definition) -> str:
    auth = definition.auth
    if isinstance(auth, OAuth2):
        return _GRANTS[auth.grant] + (" with PKCE" if auth.pkce else "")
    if isinstance(auth, ApiKeyAuth):
        return "API key"
    if isinstance(auth, BasicAuth):
        return "user name and password"
    if auth.steps:
        return "several steps"
    return ", ".join(each.label or each.name for each in auth.inputs)


def _asked(definition: Definition) -> str:
    return ", ".join(each.label or each.name for each in definition.inputs if each.source == "customer")


def _does(definition: Definition) -> str:
    return "read" if support(definition).read else ""
