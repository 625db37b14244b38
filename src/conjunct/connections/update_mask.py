"""What an update may change."""

from __future__ import annotations

from conjunct.connections.problems import InvalidUpdateMask
from conjunct.connections.schemas import ConnectionRequest, UpdateConnectionRequest
from conjunct.core.problems import Issue

ACCOUNT_MASKS = ("providerWorkspaceRef", "providerMetadata")
CREDENTIAL_MASKS = ("apiKey", "basicAuth", "oauth2ClientCredentials", "oauth2PasswordCredentials", "customAuth")
ALLOWED_MASKS = ACCOUNT_MASKS + CREDENTIAL_MASKS


def read_mask(change: UpdateConnectionRequest) -> frozenset[str]:
    """The masks of the change, each with its value in it. Raises `InvalidUpdateMask`, one issue for each fault."""
    remedy = f"Allowed masks: '{', '.join(ALLOWED_MASKS)}'"
    if not change.update_mask:
        raise InvalidUpdateMask(
            "The update mask is empty, so that nothing would change.",
            remedy=remedy,
            issues=[Issue("updateMask", "it must name at least one field")],
        )
    refused = [
        Issue(f"updateMask.{position}", "this cannot be updated", value=mask, remedy=remedy)
        for position, mask in enumerate(change.update_mask)
        if mask not in ALLOWED_MASKS
    ]
    if refused:
        raise InvalidUpdateMask("The update mask names what cannot be updated.", remedy=remedy, issues=refused)
    masks = frozenset(change.update_mask)
    absent = [
        Issue(f"connection.{mask}", "the update mask names it, but it has no value")
        for mask in ALLOWED_MASKS
        if mask in masks and _value(change.connection, mask) is None
    ]
    if absent:
        raise InvalidUpdateMask("The update mask names what has no value.", remedy=remedy, issues=absent)
    return masks


def credential_mask(masks: frozenset[str], accepted: tuple[str, ...], scheme: str) -> str | None:
    """The mask that replaces the credentials, if any. Raises `InvalidUpdateMask` if it does not fit the scheme."""
    named = [mask for mask in CREDENTIAL_MASKS if mask in masks]
    fitting = [mask for mask in accepted if mask in CREDENTIAL_MASKS]
    if not named:
        return None
    if len(named) == 1 and named[0] in fitting:
        return named[0]
    if fitting:
        remedy = f"Update {' or '.join(fitting)}."
    else:
        remedy = "Make a new connection, or let the customer connect again."
    raise InvalidUpdateMask(
        f"The connection's auth scheme is {scheme!r}; {' and '.join(named)} cannot be its credentials.",
        remedy=remedy,
        issues=[Issue(f"connection.{mask}", f"it does not fit the auth scheme {scheme!r}") for mask in named],
    )


def _value(connection: ConnectionRequest, mask: str) -> object:
    values: dict[str, object] = {
        "providerWorkspaceRef": connection.provider_workspace_ref,
        "providerMetadata": connection.provider_metadata,
        "apiKey": connection.api_key,
        "basicAuth": connection.basic_auth,
        "oauth2ClientCredentials": connection.oauth2_client_credentials,
        "oauth2PasswordCredentials": connection.oauth2_password_credentials,
        "customAuth": connection.custom_auth,
    }
    return values[mask]
