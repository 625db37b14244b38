"""The `read`, `count`, `by_ids` and `associations` sections of a definition: how the records of an object are read."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from conjunct.connectors.definition_base import Identifier, Model, Request
from conjunct.connectors.formats import TimeStyle


class EachTerm(Model):
    """A term for each entry of a list, such as each filter."""

    each: str = Field(alias="$each")
    term: str = Field(alias="$term")


class Where(Model):
    """A filter expression made of the terms whose variables are set; it becomes `{where}`."""

    prefix: str = ""
    join: str = " AND "
    terms: list[str | EachTerm] = Field(min_length=1)


class PageSize(Model):
    """How many records are asked for at once."""

    default: Annotated[int, Field(gt=0)]
    max: Annotated[int, Field(gt=0)] | None = None
    min: Annotated[int, Field(gt=0)] | None = None


class Restart(Model):
    """For providers that stop a list at some depth: begin again after the last record. One of the four."""

    when_cursor_ge: Annotated[int, Field(gt=0)] | None = None
    when_page_ge: Annotated[int, Field(gt=0)] | None = None
    when_offset_ge: Annotated[int, Field(gt=0)] | None = None
    each_page: bool | None = Field(
        None,
        description="At every page: the provider's position does not last, or moves while records change. It is used "
        "only within a value that fills a page.",
    )
    var: Identifier = Field(
        description="The variable that then holds the last record's value, for all later pages; it may be `since`."
    )
    from_: str = Field(alias="from", description="Where that value stands in a record.")
    format: TimeStyle | None = Field(None, description="It is a time, written so; the variable is then a time, too.")


class PageRule(Model):
    """How one page leads to the next."""

    style: Literal["none", "next_url", "link_header", "cursor", "offset", "page", "keyset", "graphql"] | None = Field(
        None, description="Naming a style in an override replaces the whole page section."
    )
    at: str | None = Field(None, description="Where the next URL, cursor, offset or page stands in the answer.")
    header: str | None = Field(None, description="The header of the answer that holds it, instead of `at`.")
    parameter: str | None = Field(
        None, description="A URL stands there, which need not be followed: the cursor is this parameter of it."
    )
    start: int | None = Field(None, description="The first offset (0) or page (1).")
    advance: Literal["count", "page_size"] = Field("count", description="By what an offset grows.")
    from_last: str | None = Field(None, description="keyset: where the value stands in the last record.")
    more_at: str | None = Field(None, description="Where the answer says whether there is more; false ends the read.")
    last_at: str | None = Field(None, description="page: where the number of the last page stands.")
    total_at: str | None = Field(None, description="Where the number of all matching records stands.")
    stop: Literal["empty", "short_page"] | None = Field(None, description="A page that ends the read by its length.")
    stop_if: str | None = Field(None, description="Where something stands whose presence ends the read.")
    cut_if: dict[str, str] = Field(
        default_factory=dict,
        description="Where these places hold these values, the provider leaves the rest of a long list out without "
        "saying so elsewhere: the read fails, instead of passing for whole.",
    )
    size: PageSize | None = None
    restart: Restart | None = None


class Variant(Model):
    """Another request, for when one of some variables is set."""

    when: Annotated[list[str], Field(min_length=1)]
    unless: list[str] = Field(default_factory=list)
    request: Request
    records: str | None = Field(None, description="Where its records stand; else as in read.")
    page: PageRule | None = Field(None, description="Its paging; else as in read.")


class FieldDefinitions(Model):
    """The provider's list of customer-made fields, for records that name them by id."""

    request: Request
    at: str = Field("", description="Where the list stands in the answer.")
    id: str = Field("id", description="Where a field's id stands in it.")
    name: str = Field("name", description="Where its name stands.")
    type: str | None = Field(None, description="Where its type stands, which `types` of the schema knows.")
    page: PageRule | None = Field(None, description="Its paging, if the list has pages.")


class CustomFields(Model):
    """Customer-made fields that stand apart within a record, to be read as if they were fields of the record.

    `at` is a list of them, or a mapping by name (or id). With `definitions` the empty path is good, too: the record
    itself has them, under their ids.
    """

    at: str
    name: str | None = Field(
        None, description="Where a field's name stands in an entry of a list; or its id, with `definitions`."
    )
    value: str | list[str] = Field(
        "",
        description="Where the value stands in an entry; empty: the entry is the value. Of several places the first "
        "that holds something counts.",
    )
    definitions: FieldDefinitions | None = None


class ClientFilter(Model):
    """For providers that cannot filter by time, or only roughly: we do, by a time in the record.

    A record without one is kept.
    """

    at: str
    format: TimeStyle = "rfc3339"
    order: Literal["asc", "desc", "none"] = Field(
        "none", description="In which order of that time the provider lists; an ordered read ends early."
    )
    grain: Annotated[int, Field(gt=0, le=86400)] = Field(
        1, description="The provider rounds the time down to so many seconds; a minute is 60."
    )


class Parent(Model):
    """The records of this object are listed under each record of another one, which is read first.

    `{parent_id}` is the other record's id. A record that is listed under two of them is read twice.
    """

    object: str = Field(description="The other object, of this definition.")
    take: dict[Identifier, str] = Field(
        default_factory=dict, description="Further variables, by where they stand in the other record."
    )
    into: str | None = Field(
        None, description="The field of each record that is given the other record's id, if the provider leaves it out."
    )
    bounded: bool = Field(
        False, description="Whoever changes a record changes its parent, too: only changed parents are looked into."
    )


class Hydrate(Model):
    """The list tells too little of its records: each is asked for by itself, with `{id}`."""

    request: Request
    at: str = Field("", description="Where the record stands in the answer.")
    take: dict[Identifier, str] = Field(
        default_factory=dict, description="Further variables, by where they stand in the listed record."
    )
    merge: bool = Field(False, description="The answer is laid over the listed record, instead of replacing it.")


class EmptyIf(Model):
    """The error with which the provider answers where there is nothing to list."""

    status: int
    match: str | None = Field(None, description="A part of the message, in any letter case.")


class ReadRule(Model):
    """How the records of an object are read."""

    request: Request = Field(default_factory=Request)
    where: Where | None = None
    variants: list[Variant] = Field(default_factory=list)
    max_url: Annotated[int, Field(ge=500)] | None = Field(
        None, description="A longer URL sets the variable long_url, so that a variant can take over."
    )
    records: str = Field("", description="Where the list of records stands; empty: the answer itself.")
    records_optional: bool = Field(False, description="The list is left out when it is empty.")
    empty_if: EmptyIf | None = Field(None, description="An error that says that there are no records.")
    item: str = Field("", description="Where the record stands within an entry of that list.")
    id: str = Field("id", description="Where the record's id stands; empty: records have none.")
    required_fields: list[str] = Field(default_factory=list, description="Always requested.")
    fields_from: Annotated[list[str], Field(min_length=1)] = Field(
        default_factory=lambda: [""], description="The places in a record where a field is looked for, in order."
    )
    custom_fields: CustomFields | None = None
    client_filter: ClientFilter | None = None
    parent: Parent | None = None
    hydrate: Hydrate | None = None
    lookback: Annotated[int, Field(gt=0, le=86400)] | None = Field(
        None,
        description="Seconds by which the provider tells of a change late: a read begins so much earlier, so that none "
        "is lost between two reads; some records come twice.",
    )
    freeze_until: bool = Field(
        False, description="The provider wants both bounds: an absent end is the moment at which the read begins."
    )
    page: PageRule = Field(default_factory=PageRule)


class Count(Model):
    """How the number of matching records is asked for."""

    via: Literal["read"] | None = Field(None, description="read: the first page of one record.")
    request: Request | None = None
    unless: list[str] = Field(
        default_factory=list, description="Variables: with one of them set, the provider cannot tell."
    )
    at: str


class ByIds(Model):
    """How records are asked for by their ids: `{ids}` is a list of them; or one by one, with `{id}`."""

    request: Request
    max: Annotated[int, Field(gt=0)] = Field(100, description="How many ids a request may name.")
    records: str | None = Field(None, description="Where the records stand; else as in read.")


class InRecord(Model):
    """Records tell of what they are associated with themselves."""

    at: str = Field(
        description="Where the other record's id stands in a record, or a list of them; `{other}` is its object's name."
    )
    id: str = Field("", description="Where the id stands in an entry of that list.")
    fields: list[str] = Field(
        default_factory=list,
        description="Requested with the fields, so that the provider tells. Templates: no pipe for names changes them.",
    )
    metadata: str | None = Field(None, description="Where the entry says what kind of association it is.")


class AssociationRequest(Model):
    """A request tells with what records are associated: for `{ids}` at once, or one by one with `{id}`.

    `{other}` is the other object's name. The answer 404 means that there is nothing.
    """

    request: Request
    max: Annotated[int, Field(gt=0)] = Field(100, description="How many ids a request may name.")
    results: str = Field("", description="Where the list of answers stands; with `{id}`, of the other records.")
    from_: str | None = Field(None, alias="from", description="With `{ids}`: whose answer it is, within an answer.")
    to: str = Field("", description="With `{ids}`: where the list of other records stands, within an answer.")
    id: str = Field("id", description="Where another record's id stands in its entry.")
    more: str | None = Field(
        None,
        description="Where an answer tells that there is more of it. That record is asked for again, by itself, with "
        "this as `{cursor}`.",
    )
    parameter: str | None = Field(
        None, description="With `more`: a URL stands there; the cursor is this parameter of it."
    )
    metadata: str | None = Field(None, description="Where the provider says what kind of association it is.")


class Association(Model):
    """How the records of another object that belong to a record are found; one of both."""

    in_record: InRecord | None = None
    request: AssociationRequest | None = None
