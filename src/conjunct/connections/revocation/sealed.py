"""The revocations' column of envelopes."""

from conjunct.connections.revocation.grants import place_of
from conjunct.connections.revocation.models import TokenRevocationRow
from conjunct.core.sealed_columns import SealedColumn

SEALED = (SealedColumn(TokenRevocationRow.sealed_grant, place=place_of),)
