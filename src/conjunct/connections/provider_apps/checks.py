"""What a provider app may hold, and what an update may change."""

from __future__ import annotations

from collections.abc import Iterator

from conjunct.connections.problems import InvalidUpdateMask
from conjunct.connections.provider_apps.schemas import ProviderAppChanges, UpdateProviderApp
from conjunct.connectors.auth_definition import RESERVED, CustomAuth, OAuth2
from conjunct.core.problems import InvalidRequest, Issue

_FIELDS = {
    "externalRef": "external_ref",
    "clientId": "client_id",
    "clientSecret": "client_secret",
    "provider": "provider",
    "scopes": "scopes",
    "metadata": "metadata",
}
"""Masks of an update, and what they are in the code."""

_NEEDED = ("clientId", "clientSecret", "provider")
"""What an app cannot be without."""


def check_app(auth: OAuth2 | CustomAuth, given: ProviderAppChanges, *, at: str = "") -> None:
    """Refuse what cannot stand in requests; `at` goes before names. Raises `InvalidRequest`, an issue a fault."""
    issues = [*_faults(auth, given, at)]
    if issues:
        raise InvalidRequest(f"The provider app is not valid: {issues[0].name}: {issues[0].detail}.", issues=issues)


def _faults(auth: OAuth2 | CustomAuth, given: ProviderAppChanges, at: str) -> Iterator[Issue]:
    if given.client_id is not None and not given.client_id.isprintable():
        yield Issue(f"{at}clientId", "it has characters that cannot be sent")
    if given.client_secret is not None:
        secret = given.client_secret.get_secret_value()
        if not secret.isprintable():
            yield Issue(f"{at}clientSecret", "it has characters that cannot be sent")
        if not secret and not (isinstance(auth, OAuth2) and auth.pkce):
            yield Issue(f"{at}clientSecret", "it is empty; only providers that use PKCE have clients without a secret")
    for position, scope in enumerate(given.scopes or ()):
        if not scope.isprintable() or not scope.strip():
            yield Issue(f"{at}scopes.{position}", "it is not a scope", value=scope)
    params = (given.metadata and given.metadata.auth_query_params) or {}
    for name in params:
        if name.lower() in RESERVED:
            yield Issue(f"{at}metadata.authQueryParams.{name}", "Conjunct itself sets this parameter", value=name)


def read_mask(change: UpdateProviderApp) -> ProviderAppChanges:
    """The changes that the mask names and nothing else. Raises `InvalidUpdateMask`, an issue for each fault."""
    remedy = f"Allowed masks: '{', '.join(_FIELDS)}'"
    if not change.update_mask:
        raise InvalidUpdateMask(
            "The update mask is empty, so that nothing would change.",
            remedy=remedy,
            issues=[Issue("updateMask", "it must name at least one field")],
        )
    refused = [
        Issue(f"updateMask.{position}", "this cannot be updated", value=mask, remedy=remedy)
        for position, mask in enumerate(change.update_mask)
        if mask not in _FIELDS
    ]
    given = change.provider_app
    absent = [
        Issue(f"providerApp.{mask}", "the update mask names it, but it has no value")
        for mask in _NEEDED
        if mask in change.update_mask and getattr(given, _FIELDS[mask]) is None
    ]
    if refused or absent:
        detail = "cannot be updated" if refused else "has no value"
        raise InvalidUpdateMask(f"The update mask names what {detail}.", remedy=remedy, issues=[*refused, *absent])
    named = {_FIELDS[mask] for mask in change.update_mask}
    return ProviderAppChanges.model_construct(named, **{name: getattr(given, name) for name in named})
