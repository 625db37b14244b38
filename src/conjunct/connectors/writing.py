"""Writes records through a definition: one by one or in batches, and tells what became of each.

Nothing is sent twice from here but what the provider refused for its credentials. What was sent without an answer that
tells is told as unknown: only who asked can decide to risk it again.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from conjunct.connectors.custom_names import CustomNames
from conjunct.connectors.errors import ERROR_CLASSES, ProviderError
from conjunct.connectors.exchange import Answered, Exchange
from conjunct.connectors.formats import UnusableValue
from conjunct.connectors.plans import HttpRequest
from conjunct.connectors.write_outcomes import fault_of, id_in_header, state_after
from conjunct.connectors.write_plans import BatchPlan, SinglePlan, WritePlan, write_plan
from conjunct.connectors.write_query import (
    WriteEntry,
    WriteFault,
    WriteInterrupted,
    WriteManner,
    WriteNotSupported,
    WriteQuery,
    WriteState,
    Written,
)
from conjunct.connectors.write_results import Answer

Plan = TypeVar("Plan", SinglePlan, BatchPlan)

AT_ONCE = 4
"""How many records are written at the same time where there is no batch."""

_OURS = frozenset({"accept", "connection", "content-length", "content-type", "cookie", "host", "transfer-encoding"})
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


@dataclass(frozen=True, slots=True)
class _Failed:
    """A request that did not do what it should, and what that makes of its records."""

    error: ProviderError
    state: WriteState

    @property
    def ends_it(self) -> bool:
        """Whether what follows is not to be tried."""
        return self.state != "refused"

    def written(self, entry: WriteEntry, *, repeatable: bool) -> Written:
        """What is told of a record of it."""
        faults = () if self.state == "untried" else (fault_of(self.error),)
        return Written(self.state, entry.id, faults=faults, repeatable=repeatable)


class Writer:
    """Writes by one connector's definition."""

    def __init__(self, exchange: Exchange, custom_names: CustomNames) -> None:
        self._exchange = exchange
        self._custom_names = custom_names

    def manner(self, query: WriteQuery) -> WriteManner:
        """How the query would go out, as `write` does it. Raises `UnknownObject`, `WriteNotSupported`."""
        single, batch = _ways(write_plan(self._exchange.definition, query.object), query)
        if batch is not None and (single is None or len(query.entries) > 1):
            return WriteManner(batch.rule.max, (batch.is_repeatable,) * len(query.entries))
        assert single is not None  # noqa: S101 - `_ways` gives one of the two
        return WriteManner(AT_ONCE, tuple(single.is_repeatable(entry) for entry in query.entries))

    async def preview(self, query: WriteQuery) -> list[HttpRequest]:
        """The requests that `write` would send, secrets hidden; nothing is written.

        What a request before the write would tell stands as its name in brackets. Customer-made fields are looked up
        where they have to be. Raises as `write` does before anything is sent.
        """
        plan = write_plan(self._exchange.definition, query.object)
        single, batch = _ways(plan, query)
        _require_usable(query)
        single, batch = await self._knowing(single, query), await self._knowing(batch, query)
        base, address = plan.variables(query, self._exchange.inputs), self._exchange.address
        if batch is not None and (single is None or len(query.entries) > 1):
            requests = [
                self._request(batch.build(base, query, chunk, address), query)
                for chunk in _chunks(query.entries, batch.rule.max)
            ]
        else:
            assert single is not None  # noqa: S101 - `_ways` gives one of the two
            requests = [request for entry in query.entries for request in self._requests_of(single, query, base, entry)]
        return [self._exchange.shown(request) for request in requests]

    def _requests_of(
        self, plan: SinglePlan, query: WriteQuery, base: Mapping[str, Any], entry: WriteEntry
    ) -> Iterator[HttpRequest]:
        variables = {**base, **plan.shape.variables(entry), "idempotency_key": entry.idempotency_key}
        if plan.before is not None:
            yield plan.before.build(variables, self._exchange.address)
            variables |= {name: f"[{name}]" for name, _ in plan.taken}
        yield self._request(plan.request.build(variables, self._exchange.address), query)

    async def write(self, query: WriteQuery) -> list[Written]:
        """What became of each entry, in order.

        A single record that is refused raises; of several, each has its faults. Raises `ProviderError`: nothing was
        written, for sure. `WriteInterrupted`: something was or may have been, see its results. Before anything is sent:
        `UnknownObject`, `WriteNotSupported`, `UnusableValue`.
        """
        plan = write_plan(self._exchange.definition, query.object)
        single, batch = _ways(plan, query)
        _require_usable(query)
        if not query.entries:
            return []
        if self._exchange.is_guarded:
            # Bad credentials would not be refused: the records would be written as anybody's.
            await self._exchange.check()
        single, batch = await self._knowing(single, query), await self._knowing(batch, query)
        base = plan.variables(query, self._exchange.inputs)
        if single is not None and len(query.entries) == 1:
            return [await self._one(single, query, base)]
        if batch is not None:
            return await self._in_batches(batch, query, base)
        assert single is not None  # noqa: S101 - `_ways` gives one of the two
        return await self._one_by_one(single, query, base)

    async def _knowing(self, plan: Plan | None, query: WriteQuery) -> Plan | None:
        """The plan with the customer-made fields that it needs to know. Raises `ProviderError`."""
        if plan is None or not plan.shape.needs_ids(query.entries):
            return plan
        customs = await self._custom_names.of(query.object) or {}
        return replace(plan, shape=plan.shape.knowing(customs))

    async def _one(self, plan: SinglePlan, query: WriteQuery, base: Mapping[str, Any]) -> Written:
        [entry] = query.entries
        written = await self._try(plan, query, base, entry)
        if not isinstance(written, _Failed):
            return written
        if written.state == "unknown":
            told = written.written(entry, repeatable=plan.is_repeatable(entry))
            raise WriteInterrupted([told], written.error) from written.error
        raise written.error

    async def _one_by_one(self, plan: SinglePlan, query: WriteQuery, base: Mapping[str, Any]) -> list[Written]:
        results = [Written("untried", entry.id) for entry in query.entries]
        left = iter(enumerate(query.entries))
        ends: list[_Failed] = []

        async def work() -> None:
            for place, entry in left:
                try:
                    written = await self._try(plan, query, base, entry)
                except UnusableValue as error:
                    results[place] = Written("refused", entry.id, faults=(WriteFault(error.detail),))
                    continue
                if isinstance(written, _Failed):
                    results[place] = written.written(entry, repeatable=plan.is_repeatable(entry))
                    if written.ends_it:
                        ends.append(written)
                else:
                    results[place] = written
                if ends:
                    return

        ids = [entry.id for entry in query.entries if entry.id is not None]
        # Two changes of one record keep their order.
        width = AT_ONCE if len(ids) == len(set(ids)) else 1
        async with asyncio.TaskGroup() as tasks:
            for _ in range(min(width, len(query.entries))):
                tasks.create_task(work())
        return _told(results, ends[0].error if ends else None)

    async def _try(
        self, plan: SinglePlan, query: WriteQuery, base: Mapping[str, Any], entry: WriteEntry
    ) -> Written | _Failed:
        """Write one record. Raises `UnusableValue` before anything is sent."""
        variables = {**base, **plan.shape.variables(entry), "idempotency_key": entry.idempotency_key}
        try:
            if plan.before is not None:
                found = await self._exchange.send(plan.before.build(variables, self._exchange.address))
                variables |= {name: path.find(found.body) for name, path in plan.taken}
        except ProviderError as error:
            # Whatever became of this request, nothing was written.
            state = state_after(error)
            return _Failed(error, "refused" if state == "refused" else "untried")
        try:
            request = self._request(plan.request.build(variables, self._exchange.address), query)
            answered = await self._exchange.send(request)
            with self._exchange.hiding_secrets():
                return self._written(plan, answered, entry)
        except ProviderError as error:
            return _Failed(error, state_after(error))

    def _written(self, plan: SinglePlan, answered: Answered, entry: WriteEntry) -> Written:
        """What the answer tells. Raises the `ProviderError` that it holds."""
        faults = plan.outcome.faults(answered.body, answered.status, self._exchange.hidden)
        if faults:
            raise _as_error(faults, answered.status)
        told = plan.outcome.id(answered.body)
        if plan.rule.id_header is not None:
            told = id_in_header(answered.headers.get(plan.rule.id_header)) or told
        # What a deletion's answer has as its id may be the deletion's.
        told = entry.id if plan.type == "delete" else told or entry.id
        return Written("done", told, plan.outcome.record(answered.body), repeatable=plan.is_repeatable(entry))

    async def _in_batches(self, plan: BatchPlan, query: WriteQuery, base: Mapping[str, Any]) -> list[Written]:
        results: list[Written] = []
        for chunk in _chunks(query.entries, plan.rule.max):
            told, failed = await self._batch(plan, query, base, chunk)
            results += told
            if failed is not None and failed.ends_it:
                results += [Written("untried", entry.id) for entry in query.entries[len(results) :]]
                return _told(results, failed.error)
        return results

    async def _batch(
        self, plan: BatchPlan, query: WriteQuery, base: Mapping[str, Any], entries: Sequence[WriteEntry]
    ) -> tuple[list[Written], _Failed | None]:
        """What became of each, and what stood in the way. Raises `UnusableValue` if all or none are to be written."""
        request, unusable = self._usable(plan, query, base, entries)
        sent = [entry for place, entry in enumerate(entries) if place not in unusable]
        told: list[Written] = []
        failed = None
        if request is not None:
            told, failed = await self._send_batch(plan, query, request, sent)
        in_turn = iter(told)
        return [unusable[place] if place in unusable else next(in_turn) for place in range(len(entries))], failed

    async def _send_batch(
        self, plan: BatchPlan, query: WriteQuery, request: HttpRequest, entries: Sequence[WriteEntry]
    ) -> tuple[list[Written], _Failed | None]:
        reader = plan.reader(query)
        try:
            answered = await self._exchange.send(request, reader.tells)
            told = reader.read(Answer(answered.body, answered.status, self._exchange.hidden), entries)
            return [replace(each, repeatable=plan.is_repeatable) for each in told], None
        except ProviderError as error:
            failed = _Failed(error, state_after(error))
            return [failed.written(entry, repeatable=plan.is_repeatable) for entry in entries], failed

    def _usable(
        self, plan: BatchPlan, query: WriteQuery, base: Mapping[str, Any], entries: Sequence[WriteEntry]
    ) -> tuple[HttpRequest | None, dict[int, Written]]:
        """The request for those that can stand in one, and, by place, what is wrong with the others."""
        address = self._exchange.address
        try:
            return self._request(plan.build(base, query, entries, address), query), {}
        except UnusableValue:
            if query.all_or_none:
                raise
        unusable: dict[int, Written] = {}
        for place, entry in enumerate(entries):
            try:
                plan.build(base, query, [entry], address)
            except UnusableValue as error:
                unusable[place] = Written("refused", entry.id, faults=(WriteFault(error.detail),))
        rest = [entry for place, entry in enumerate(entries) if place not in unusable]
        request = self._request(plan.build(base, query, rest, address), query) if rest else None
        return request, unusable

    def _request(self, request: HttpRequest, query: WriteQuery) -> HttpRequest:
        """The request with the headers of the query that are not taken."""
        if not query.headers:
            return request
        taken = {*_OURS, *self._exchange.secret_headers, *(name.lower() for name in request.headers)}
        more = {name: value for name, value in query.headers.items() if name.lower() not in taken}
        return replace(request, headers={**more, **request.headers})


def _ways(plan: WritePlan, query: WriteQuery) -> tuple[SinglePlan | None, BatchPlan | None]:
    """How the query can be done, alone and in batches. Raises `WriteNotSupported` when it cannot."""
    single, batch = plan.single.get(query.type), plan.batch.get(query.type)
    if single is None and batch is None:
        known = ", ".join(sorted({*plan.single, *plan.batch})) or "none"
        raise WriteNotSupported(f"The provider has no {query.type} of '{query.object}'.", remedy=f"There are: {known}.")
    keys = plan.rule.upsert_by
    if query.type == "upsert" and keys and query.external_id_field not in keys:
        raise WriteNotSupported(
            f"The provider cannot find a record of '{query.object}' by '{query.external_id_field}' to upsert it.",
            remedy=f"It can be found by {', '.join(keys)}.",
        )
    if query.all_or_none and len(query.entries) > 1:
        if batch is None or not batch.promises_all_or_none:
            raise WriteNotSupported(
                f"The provider cannot {query.type} several records of '{query.object}' all or none.",
                remedy="Write them without allOrNone, or one at a time.",
            )
        if len(query.entries) > batch.rule.max:
            raise WriteNotSupported(
                f"All or none of {len(query.entries)} records cannot be written: a request holds {batch.rule.max}.",
                remedy=f"Give at most {batch.rule.max} records at once.",
            )
    return single, batch


def _require_usable(query: WriteQuery) -> None:
    for name, value in query.headers.items():
        if _HEADER_NAME.fullmatch(name) is None or not value.replace("\t", " ").isprintable() or not value.isascii():
            raise UnusableValue(f"The header {name!r} cannot be sent with its value.")
    if query.type in ("update", "delete") and any(not entry.id for entry in query.entries):
        raise UnusableValue(f"A record without an id cannot be found to {query.type} it.")
    if query.type == "upsert" and any(entry.external_id in (None, "") for entry in query.entries):
        raise UnusableValue("A record without an external id cannot be found to upsert it.")


def _as_error(faults: Sequence[WriteFault], status: int) -> ProviderError:
    """An error of what an answer of success told."""
    words = "; ".join(dict.fromkeys(fault.message for fault in faults))
    return ERROR_CLASSES[faults[0].kind](words, status=status, code=faults[0].code)


def _told(results: list[Written], cause: ProviderError | None) -> list[Written]:
    """The results. Raises what stood in the way of some, with the results unless none was even looked at."""
    if cause is None:
        return results
    if all(each.state == "untried" for each in results):
        raise cause
    raise WriteInterrupted(results, cause) from cause


def _chunks(entries: Sequence[WriteEntry], size: int) -> Iterator[Sequence[WriteEntry]]:
    for start in range(0, len(entries), size):
        yield entries[start : start + size]
