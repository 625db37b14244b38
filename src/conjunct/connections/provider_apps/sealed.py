"""The column of envelopes of provider apps."""

from conjunct.connections.provider_apps.models import ProviderAppRow
from conjunct.connections.provider_apps.service import secret_place
from conjunct.core.sealed_columns import SealedColumn

SEALED = (SealedColumn(ProviderAppRow.sealed_secret, place=secret_place),)
