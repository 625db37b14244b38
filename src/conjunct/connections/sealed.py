"""The columns of envelopes of connections."""

from conjunct.connections.credentials import place_of
from conjunct.connections.models import ConnectionRow
from conjunct.core.sealed_columns import SealedColumn

SEALED = (SealedColumn(ConnectionRow.sealed_credentials, place=place_of),)
