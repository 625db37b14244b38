"""Every column that holds envelopes is declared, so that no rotation of keys leaves one behind."""

from __future__ import annotations

import pytest
from sqlalchemy import LargeBinary

from conjunct.app.tables import load_metadata, load_sealed_columns
from conjunct.core.sealed_columns import SealedColumn

# What is binary and no envelope: what rows are found or compared by. Digests say so in their names.
COMPARED = {"idempotency_key.id", "idempotency_key.request"}

SEALED = load_sealed_columns()


def test_every_binary_column_is_declared_or_a_digest() -> None:
    binary = {
        f"{table.name}.{column.name}"
        for table in load_metadata().sorted_tables
        for column in table.columns
        if isinstance(column.type, LargeBinary) and not column.name.endswith("digest")
    }
    declared = [column.name for column in SEALED]
    assert sorted(binary - COMPARED) == sorted(declared), (
        "a column of envelopes stands in `SEALED` of its slice's module `sealed`, anything else in COMPARED here"
    )


@pytest.mark.parametrize("column", SEALED, ids=lambda column: column.name)
def test_what_a_walk_needs_is_there(column: SealedColumn) -> None:
    assert column.sealed_with == "master" or not column.table.c.project_id.nullable
    assert column.row_column.table is column.table
    value = b"\x01" if isinstance(column.row_column.type, LargeBinary) else "some-id"
    shown = value.hex() if isinstance(value, bytes) else value
    assert shown in column.place(value)
    assert column.short_lived is None or column.short_lived
