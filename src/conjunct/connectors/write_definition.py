"""The `write` section of a definition: how records are created, updated, upserted and deleted, one by one or many."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from conjunct.connectors.definition_base import Identifier, Model, Request

WRITE_VARIABLES = frozenset(
    {"object", "id", "record", "associations", "external_id_field", "external_id", "idempotency_key"}
)
"""Variables that a single write gives to its templates, besides inputs, vars and those of `before`.

`record` is a mapping of the values by the provider's field names, without the id; `{record}` alone is that mapping, and
`$merge` lays it beside other keys. `associations` is a list in the provider's own form. `external_id_field` and
`external_id` are those of an upsert. `idempotency_key` is the same whenever the same write is tried again.
"""

BATCH_VARIABLES = frozenset({"object", "records", "ids", "all_or_none", "external_id_field"})
"""Variables that a batch gives to its templates, besides inputs and vars.

`records` is for `$each`: its entries have `ENTRY_VARIABLES`. `ids` is the list of all ids. `all_or_none` is true or
false, never unset.
"""

ENTRY_VARIABLES = frozenset({"id", "record", "associations", "trace", "external_id"})
"""What an entry of `records` holds; `trace` is its place in the batch, as text, see `BatchOperation.all_or_none`."""


class Before(Model):
    """A request made first, for what the write needs to know of the record as it is (its version)."""

    request: Request
    take: dict[Identifier, str] = Field(
        min_length=1, description="Variables of the write, by where they stand in the answer."
    )


class Outcome(Model):
    """Where an answer, or one of several results in it, says what became of a record."""

    id_at: str | None = Field(
        "id", description="Where the record's id stands; empty: the answer is the id, or does not tell."
    )
    record_at: str | None = Field(None, description="Where the record stands, if the answer has it.")
    ok_at: str | None = Field(None, description="Not true there: it failed.")
    errors_at: str | None = Field(
        None, description="Something there, such as a list with entries: it failed. The errors may be texts, too."
    )
    message_at: str = Field("message", description="Where the message stands in each of these errors.")
    code_at: str | None = Field(None, description="Where a code stands in each of these errors.")


class WriteOperation(Outcome):
    """One way to write one record."""

    request: Request = Field(default_factory=Request)
    before: Before | None = None
    id_header: str | None = Field(
        None, description="The header that tells the new record's id, or its address with the id as the last segment."
    )
    repeatable: bool | None = Field(
        None,
        description="Whether doing it twice comes to the same. When nothing is said: not a create, unless its request "
        "carries {idempotency_key}.",
    )


class FailedRecords(Model):
    """A list of what failed that stands beside the results."""

    at: str
    key_at: str | None = Field(
        None,
        description="Where, in an entry, the record's id or trace stands, or a list of them. Entries without one tell "
        "of all records that nothing else is said of.",
    )
    message_at: str = "message"
    code_at: str | None = None


class BatchResults(Outcome):
    """How the answer to a batch is read, record by record."""

    at: str | None = Field("", description="Where the list of results stands.")
    told: bool = Field(True, description="false: there are no results; a success is one of all records.")
    match: Literal["index", "id", "trace"] = Field(
        "index", description="How a result tells whose it is: by its place, the record's id, or the trace we sent."
    )
    key_at: str | None = Field(None, description="id, trace: where that stands in a result.")
    failed: FailedRecords | None = None
    statuses: list[int] = Field(
        default_factory=list, description="Statuses of failures whose answers have results all the same."
    )


class BatchOperation(Model):
    """One way to write many records with one request."""

    request: Request = Field(default_factory=Request)
    max: Annotated[int, Field(gt=0)] = Field(100, description="How many records a request may hold.")
    all_or_none: Literal["always", "untraced"] | None = Field(
        None,
        description="How it is promised that all records are written or none, if not by {all_or_none} in the request. "
        "always: the provider does no other. untraced: it does where no {trace} is sent; results are then by place.",
    )
    results: BatchResults = Field(default_factory=BatchResults)


class Batch(Model):
    """Writes of many records at once. What is not here is done one by one."""

    create: BatchOperation | None = None
    update: BatchOperation | None = None
    upsert: BatchOperation | None = None
    delete: BatchOperation | None = None


class Nest(Model):
    """Keys of a record that the provider wants within another key, such as customer-made fields.

    What is said of them must all be so: `match`, `unknown`, `defined`; at least one is.
    """

    match: str | None = Field(None, description="A regular expression that the whole name matches.")
    unknown: bool = Field(False, description="The schema's `fields` do not name it, in any letter case.")
    defined: bool = Field(
        False,
        description="Nor do they; `definitions` of read tell of a field of that name. It is written by its id.",
    )
    except_: list[str] = Field(
        default_factory=list,
        alias="except",
        description="Names that stay where they are: of what can be written and is no field.",
    )
    name: str | None = Field(
        None,
        description="A list is written: the key, in each entry, of the field's name; or of its id, with `defined`.",
    )
    value: str = Field("value", description="With `name`: the key of the value in each entry.")


class WriteRule(Model):
    """How the records of an object are written; what is not here cannot be done."""

    create: WriteOperation | None = None
    update: WriteOperation | None = None
    upsert: WriteOperation | None = Field(
        None, description="Create or update, by a field of the builder's choice that tells records apart."
    )
    delete: WriteOperation | None = None
    batch: Batch = Field(default_factory=Batch)
    apart: list[Identifier] = Field(
        default_factory=list,
        description="Keys of a record that are no values of it, such as the id of the record that it stands under: "
        "each is a variable of its own, and left out of {record}.",
    )
    nest: dict[str, Nest] = Field(
        default_factory=dict,
        description="Keys of a record that are written within another one, by that one: beside what it has already.",
    )
    upsert_by: list[str] = Field(
        default_factory=list, description="The fields by which the provider finds the record of an upsert; else any."
    )
