"""The write action's columns of envelopes: customers' data, which waits to be written."""

from conjunct.actions.write.models import WritePartRow, WriteRunRow
from conjunct.actions.write.store import request_place, results_place
from conjunct.core.sealed_columns import SealedColumn

SEALED = (
    SealedColumn(WritePartRow.sealed_request, place=request_place),
    SealedColumn(WriteRunRow.sealed_results, place=results_place, row=WriteRunRow.operation_id),
)
