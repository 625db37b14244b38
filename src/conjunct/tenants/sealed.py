"""The columns of envelopes of tenants."""

from conjunct.core.sealed_columns import SealedColumn
from conjunct.tenants.api_keys.service import key_place
from conjunct.tenants.idempotency.models import IdempotencyKeyRow
from conjunct.tenants.idempotency.service import answer_place
from conjunct.tenants.keys import wrapped_place
from conjunct.tenants.models import ApiKeyRow, ProjectKeyRow

SEALED = (
    SealedColumn(ProjectKeyRow.wrapped, place=wrapped_place, sealed_with="master"),
    SealedColumn(IdempotencyKeyRow.answer, place=answer_place, sealed_with="master"),
    SealedColumn(ApiKeyRow.sealed, place=key_place),
)
