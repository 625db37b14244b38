"""The columns of envelopes of sessions."""

from conjunct.connections.custom_auth.models import CustomAuthSessionRow
from conjunct.connections.custom_auth.places import link_place, values_place
from conjunct.core.sealed_columns import SealedColumn

_WHY = "a session ends within half an hour"

SEALED = (
    SealedColumn(
        CustomAuthSessionRow.sealed_values,
        place=values_place,
        row=CustomAuthSessionRow.session_digest,
        short_lived=_WHY,
    ),
    SealedColumn(
        CustomAuthSessionRow.sealed_link_token,
        place=link_place,
        row=CustomAuthSessionRow.session_digest,
        short_lived=_WHY,
    ),
)
