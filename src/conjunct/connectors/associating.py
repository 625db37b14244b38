"""What records of other objects belong to a record: told in the record itself, or by a request for many or for each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from conjunct.connectors.definition import ANY_OBJECT, Definition
from conjunct.connectors.errors import CursorLoop, MalformedAnswer, ResourceNotFound
from conjunct.connectors.exchange import Exchange
from conjunct.connectors.formats import Verbatim
from conjunct.connectors.paging import url_parameter
from conjunct.connectors.paths import JsonPath, other_path, parse_path
from conjunct.connectors.plans import ObjectPlan, ReadNotSupported, RequestPlan, request_compiler
from conjunct.connectors.query import Associated, Record
from conjunct.connectors.read_definition import AssociationRequest, InRecord
from conjunct.connectors.records import NotARecord, exact_id
from conjunct.connectors.several import several
from conjunct.connectors.templates import UNSET, Template, compile_text

Found = dict[str, list[Associated]]
"""Associated records by the id of the record that they belong to."""

Continuation = tuple[str, str | int]
"""The id of a record to which more belongs than an answer told, and the cursor to go on from."""


@dataclass(frozen=True, slots=True)
class Entries:
    """How the other records stand in a list."""

    id: JsonPath
    metadata: JsonPath | None

    def read(self, found: Any) -> list[Associated]:
        """What a list of entries, or one of them, tells; what has no id is left out."""
        listed = found if isinstance(found, list) else [found]
        return [each for entry in listed if (each := self._one(entry)) is not None]

    def _one(self, entry: Any) -> Associated | None:
        try:
            identifier = exact_id(self.id.find(entry) if isinstance(entry, dict) else entry)
        except NotARecord:
            return None
        return Associated(identifier, self.metadata.find(entry) if self.metadata is not None else None, entry)


@dataclass(frozen=True, slots=True)
class InRecordPlan:
    """A compiled `in_record`. `fields` are what must be requested."""

    other: str
    at: JsonPath
    entries: Entries
    fields: tuple[Template, ...]

    def asked(self, variables: Mapping[str, Any]) -> list[Verbatim]:
        """The fields that must be requested, as the definition's author wrote them."""
        rendered = (field.render({**variables, "other": self.other}) for field in self.fields)
        return [Verbatim(text) for text in rendered if text is not UNSET]


@dataclass(frozen=True, slots=True)
class RequestedPlan:
    """A compiled `request`."""

    other: str
    request: RequestPlan
    max: int
    results: JsonPath
    from_: JsonPath
    to: JsonPath
    more: JsonPath | None
    parameter: str | None
    entries: Entries

    @property
    def for_many(self) -> bool:
        """Whether it asks for several records at once."""
        return "ids" in self.request.names

    async def find(self, exchange: Exchange, ids: Sequence[str], variables: Mapping[str, Any]) -> Found:
        """What belongs to these records. Raises `ProviderError` by its classes."""
        found: Found = {}
        base = {**variables, "other": self.other}
        if self.for_many:
            left: list[dict[str, Any]] = [
                {"ids": list(ids[start : start + self.max])} for start in range(0, len(ids), self.max)
            ]
            seen: set[Continuation] = set()
            while left:
                bodies = await several(lambda asked: self._ask(exchange, {**base, **asked}), left)
                more = [each for body in bodies for each in self._read(body, found)]
                if not seen.isdisjoint(more):
                    raise CursorLoop(f"the pages of associated {self.other} lead round in a circle")
                seen.update(more)
                left = [{"ids": [whose], "cursor": cursor} for whose, cursor in more]
            return found
        fitting = [each for each in ids if self.request.path.takes({"id": each}, {"id"})]
        told = await several(lambda each: self._all(exchange, {**base, "id": each}), fitting)
        return dict(zip(fitting, told, strict=True))

    async def _all(self, exchange: Exchange, variables: Mapping[str, Any]) -> list[Associated]:
        """What belongs to one record, page by page."""
        entries: list[Associated] = []
        seen: set[str | int | None] = set()
        cursor: str | int | None = None
        while cursor not in seen:
            seen.add(cursor)
            body = await self._ask(exchange, variables if cursor is None else {**variables, "cursor": cursor})
            entries.extend(self.entries.read(_listed(self.results.find(body), self.other)))
            cursor = self._cursor(body)
            if cursor is None:
                return entries
        raise CursorLoop(f"the pages of associated {self.other} lead round in a circle")

    async def _ask(self, exchange: Exchange, variables: Mapping[str, Any]) -> Any:
        try:
            return (await exchange.send(self.request.build(variables, exchange.address))).body
        except ResourceNotFound:
            return None  # as some say that there is nothing

    def _read(self, body: Any, found: Found) -> Iterator[Continuation]:
        """Take what an answer tells; gives of what there is more. Raises `MalformedAnswer`."""
        for result in _listed(self.results.find(body), self.other):
            try:
                whose = exact_id(self.from_.find(result))
            except NotARecord:
                continue
            to = self.to.find(result)
            found.setdefault(whose, []).extend(self.entries.read([] if to is None else to))
            cursor = self._cursor(result)
            if cursor is not None:
                yield whose, cursor

    def _cursor(self, result: Any) -> str | int | None:
        """What leads to more than this answer told, if there is more. Raises `MalformedAnswer`."""
        cursor = self.more.find(result) if self.more is not None else None
        if cursor in (None, "", False):
            return None
        if not isinstance(cursor, str | int):
            raise MalformedAnswer(f"what leads to more of the associated {self.other} is a {type(cursor).__name__}")
        return cursor if self.parameter is None else url_parameter(cursor, self.parameter, "where more is told")


AssociationPlan = InRecordPlan | RequestedPlan


def association_plans(definition: Definition, plan: ObjectPlan, others: Iterable[str]) -> list[AssociationPlan]:
    """How the records of those objects are found. Raises `ReadNotSupported` for one that the definition lacks."""
    return [_plan(definition, plan, other) for other in dict.fromkeys(others)]


def _plan(definition: Definition, plan: ObjectPlan, other: str) -> AssociationPlan:
    known = plan.definition.associations
    rule = known.get(other) or known.get(ANY_OBJECT)
    if rule is None:
        names = ", ".join(known) or "none"
        raise ReadNotSupported(
            f"{definition.display} cannot tell what records of '{other}' belong to a record of '{plan.name}'.",
            remedy=f"It can tell of: {names}.",
        )
    key = ("association", plan.name, other)
    if rule.in_record is not None:
        in_record = rule.in_record
        return definition.once(key, lambda: _in_record(in_record, other))
    if rule.request is None:
        raise ReadNotSupported(f"The definition of {definition.display} does not say how '{other}' is associated.")
    request = rule.request
    return definition.once(key, lambda: _requested(definition, plan, request, other))


def _in_record(rule: InRecord, other: str) -> InRecordPlan:
    fields = tuple(compile_text(text) for text in rule.fields)
    return InRecordPlan(other, other_path(rule.at, other), _entries(rule.id, rule.metadata), fields)


def _requested(definition: Definition, plan: ObjectPlan, rule: AssociationRequest, other: str) -> RequestedPlan:
    return RequestedPlan(
        other,
        request_compiler(definition, plan.name)(rule.request),
        rule.max,
        other_path(rule.results, other),
        parse_path(rule.from_ or ""),
        other_path(rule.to, other),
        parse_path(rule.more) if rule.more is not None else None,
        rule.parameter,
        _entries(rule.id, rule.metadata),
    )


def _entries(at: str, metadata: str | None) -> Entries:
    return Entries(parse_path(at), parse_path(metadata) if metadata is not None else None)


def _listed(found: Any, other: str) -> list[Any]:
    if found is None:
        return []
    if isinstance(found, list | dict):
        return found if isinstance(found, list) else [found]
    raise MalformedAnswer(f"there is no list of associated {other}, but {type(found).__name__}")


async def with_associations(
    exchange: Exchange, plans: Sequence[AssociationPlan], records: list[Record], variables: Mapping[str, Any]
) -> list[Record]:
    """The records with what belongs to them. Raises `ProviderError` by its classes."""
    if not plans or not records:
        return records
    ids = list(dict.fromkeys(record.id for record in records if record.id is not None))
    asked = {plan.other: await plan.find(exchange, ids, variables) for plan in plans if isinstance(plan, RequestedPlan)}

    def of(record: Record, plan: AssociationPlan) -> list[Associated]:
        if isinstance(plan, RequestedPlan):
            return asked[plan.other].get(record.id or "", [])
        return plan.entries.read(plan.at.spread(record.raw))

    return [record._replace(associations={plan.other: of(record, plan) for plan in plans}) for record in records]
