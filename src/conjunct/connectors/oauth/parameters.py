"""Parameters of requests for tokens, made of templates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from conjunct.connectors.auth_definition import OAuth2
from conjunct.connectors.templates import UNSET, compile_text


def rendered(templates: Mapping[str, str], values: Mapping[str, object]) -> dict[str, str]:
    """Each template's text; those whose variables are not set are left out."""
    found = {name: compile_text(text).render(values) for name, text in templates.items()}
    return {name: str(value) for name, value in found.items() if value is not UNSET}


def scope_text(auth: OAuth2, scopes: Sequence[str], inputs: Mapping[str, str]) -> str:
    """The scopes as the provider wants them: written out where it has a longer name for one, and joined."""
    long = rendered({scope: auth.scope_templates[scope] for scope in scopes if scope in auth.scope_templates}, inputs)
    return auth.scope_separator.join(long.get(scope, scope) for scope in scopes)


def wanted_scopes(auth: OAuth2, scopes: Sequence[str]) -> list[str]:
    """The scopes and those that are always asked for, each once."""
    return list(dict.fromkeys([*scopes, *auth.scopes_always]))
