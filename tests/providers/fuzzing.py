"""Recorded exchanges played with wrong answers: what a connector makes of them, and whether it can be used further on.

What is wrong is drawn from a seed, so that each can be repeated.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from random import Random
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import orjson
from multidict import CIMultiDict
from yarl import URL

from conjunct.actions.read.failures import decide
from conjunct.actions.read.messages import Envelope, Large, pack
from conjunct.actions.write.telling import WriteOutcome
from conjunct.connectors import (
    ALL_FIELDS,
    Connector,
    Definition,
    ObjectSchema,
    Page,
    ProviderError,
    ReadQuery,
    Record,
    SearchQuery,
    WriteInterrupted,
    WriteQuery,
    Written,
)
from conjunct.connectors.page_tokens import PageToken
from conjunct.core.problems import Problem
from conjunct.installations import MappingPlan, named_fields, provider_problem
from conjunct.installations.schemas import ObjectMetadata
from conjunct.providers import Catalog
from conjunct.providers.catalog import BUILT_IN
from conjunct.providers.samples import KINDS, Sent, as_written, ask, sample_credentials, sample_inputs
from tests.providers.mutating import BASE, Told, mutated

CATALOG = Catalog()
MOST_REQUESTS = 200
MOST_PAGES = 6
SECONDS = 20
"""No example takes so long; nothing in it waits."""

ENVELOPE = Envelope("project", "destination", "operation", b'{"head":1,')
PLAN = MappingPlan(requested=(ALL_FIELDS,), mapped=(("mine", "id"),), only_mapped=(), values={"mine": {"1": "one"}})

Samples = Mapping[tuple[str, str], list[tuple[str, dict[str, Any]]]]
"""By definition and kind: samples with their names."""


class Ended(Exception):
    """It was told what became of it, and there is no more to look at."""


@cache
def samples() -> Samples:
    """The samples of all definitions."""
    found: dict[tuple[str, str], list[tuple[str, dict[str, Any]]]] = {}
    for path in sorted(BUILT_IN.glob("*/samples/*.json")):
        sample = json.loads(path.read_text())
        kind = next(kind for kind in KINDS if kind in sample)
        if kind == "webhook":
            continue  # nothing is asked of the provider
        found.setdefault((path.parent.parent.name, kind), []).append((path.stem, sample))
    return found


@dataclass
class Stage:
    """A transport whose provider plays a sample, with some answers changed.

    A request that is not in the sample, because of what was changed, has the answer to the one that is most like it.
    """

    sample: Mapping[str, Any]
    definition: Definition
    dice: Random
    asked: int = 0

    def __post_init__(self) -> None:
        self._exchanges: list[dict[str, Any]] = list(self.sample["exchanges"])
        self._left = list(range(len(self._exchanges)))
        sure = self.dice.choice(self._left)
        self._wrong = {each for each in self._left if each == sure or self.dice.random() < 0.2}
        limits = self.definition.rate_limit
        self._headers = tuple(name for name in (limits.remaining, limits.reset) if name)

    async def request(
        self, method: str, url: str, *, headers: Mapping[str, str], body: bytes | None, **_limits: Any
    ) -> Any:
        self.asked += 1
        assert self.asked < MOST_REQUESTS, "it asks without end"
        _sendable(url, headers)
        parts = urlsplit(url)
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        sent = Sent(method, unquote(parts.path) or "/", query, CIMultiDict(headers), body or b"")
        number = self._meant(sent)
        if number in self._left:
            self._left.remove(number)
        told = _recorded(self._exchanges[number]["response"])
        if number in self._wrong:
            told = mutated(told, self.dice, self._headers)
        headers_told = CIMultiDict({"Content-Type": "application/json", **told.headers})
        return Told(told.status, headers_told, told.body)

    def _meant(self, sent: Sent) -> int:
        """The exchange that is for this request, else the first of those that are most like it."""

        def likeness(number: int) -> tuple[bool, bool, bool, bool]:
            request = self._exchanges[number]["request"]
            same = as_written(sent, request) == request if ("form" in request) == _is_form(sent) else False
            return same, sent.path == request["path"], sent.method == request["method"], number in self._left

        return max(range(len(self._exchanges)), key=likeness)


def _is_form(sent: Sent) -> bool:
    return "form" in sent.headers.get("Content-Type", "")


def _recorded(response: Mapping[str, Any]) -> Told:
    body = json.dumps(response["body"]).replace("{base}", BASE).encode() if "body" in response else b""
    headers = {name: value.replace("{base}", BASE) for name, value in response.get("headers", {}).items()}
    return Told(response.get("status", 200), headers, body)


def _sendable(url: str, headers: Mapping[str, str]) -> None:
    """A real client would send it, and to nobody else."""
    assert url.startswith("http://sample.test"), f"it asks another host: {url}"
    assert str(URL(url).origin()) == BASE, f"it asks another host: {url}"
    for name, value in headers.items():
        assert not set("\r\n\0") & set(name + value), f"{name}: {value!r}"
        f"{name}: {value}".encode()


@dataclass
class Watching:
    """A connector, as far as samples ask it: all that comes of it is looked at before it is handed on."""

    connector: Connector
    seen: Counter[str] = field(default_factory=Counter)

    async def pages(self, query: ReadQuery) -> AsyncIterator[Page]:
        """The first pages of a read."""
        number = 0
        async for page in self.connector.pages(query):
            self._look_at(page)
            yield Page(page.records)
            number += 1
            if number == MOST_PAGES:
                return

    async def search(self, query: SearchQuery) -> Page:
        """The page of a search."""
        page = await self.connector.search(query)
        self._look_at(page)
        return Page(page.records)

    async def get_by_ids(self, *asked: Any) -> list[Record]:
        """Records by their ids."""
        found = await self.connector.get_by_ids(*asked)
        self._records(found)
        return found

    async def describe(self, name: str) -> ObjectSchema:
        """An object's fields; their names, too, as reads ask for them."""
        schema = await self.connector.describe(name)
        self.seen["fields"] += len(schema.fields)
        ObjectMetadata.model_validate_json(orjson.dumps(schema.to_wire()), strict=True)
        return schema

    async def write(self, query: WriteQuery) -> list[Written]:
        """What became of records."""
        cause = None
        try:
            results = list(await self.connector.write(query))
        except WriteInterrupted as interrupted:
            results, cause = list(interrupted.results), interrupted.cause
            usable(cause)
        except ProviderError as error:
            self.error(error)
            raise Ended from None
        assert len(results) == len(query.entries)
        self.seen.update(f"results {each.state}" for each in results)
        outcome = WriteOutcome(query.type, len(results) > 1, results, cause.message if cause else None)
        storable(outcome.summary(query.object))
        orjson.loads(outcome.answer("operation").model_dump_json(by_alias=True))
        for line in outcome.log_lines():
            storable(line.msg, line.error or "")
        for each in results:
            assert each.success or each.faults or each.state == "untried"
            storable(*(part for fault in each.faults for part in (fault.message, fault.code or "")))
            assert all(fault.message.strip() for fault in each.faults)
            (each.id or "").encode()
        return results

    def error(self, error: ProviderError) -> None:
        """Note an error that can be handled."""
        usable(error)
        self.seen[f"error {error.kind.value}"] += 1

    def _look_at(self, page: Page) -> None:
        self.seen["pages"] += 1
        self.seen["entries left out"] += len(page.failed)
        self._records(page.records)
        storable(page.next or "", *(failed.reason for failed in page.failed))
        assert all(len(failed.reason) < 1000 for failed in page.failed)
        assert page.total is None or 0 <= page.total < 2**63, page.total
        assert page.next is None or len(page.next) < 50_000
        if page.next is not None:
            PageToken.decode(page.next)

    def _records(self, records: list[Record]) -> None:
        self.seen["records"] += len(records)
        for record in records:
            assert record.id is None or record.id.encode()
            for other, each in record.associations.items():
                assert all(found.id.encode() for found in each), other
                orjson.dumps([(found.id, found.metadata, found.raw) for found in each])
        for packed in pack(ENVELOPE, 0, map(PLAN.entry, records)):
            content = packed.content if isinstance(packed, Large) else packed.body
            orjson.loads(content)


def usable(error: ProviderError) -> None:
    """Runs can decide by it, and it can be kept and told."""
    storable(str(error), error.code or "")
    assert error.message.strip()
    assert len(str(error)) < 2100
    assert error.retry_after is None or 0 <= error.retry_after < 1e10
    decide(error, tries=0, restarts=0)
    orjson.dumps(provider_problem(error, doing="read").detail)


def storable(*texts: str) -> None:
    """Postgres keeps no NUL, nothing keeps half of a character."""
    for text in texts:
        assert "\x00" not in text
        text.encode()


async def play(provider: str, kind: str, sample: Mapping[str, Any], dice: Random) -> Counter[str]:
    """Ask what a sample asks of a provider that answers something wrong; gives what was seen."""
    definition = CATALOG.get(provider)
    stage = Stage(sample, definition, dice)
    connector = Connector(
        definition,
        transport=stage,
        credentials=sample_credentials(definition),
        inputs=sample_inputs(definition, BASE),
        base_url_override=BASE,
        wait=_no_wait,
    )
    watching = Watching(connector)
    try:
        async with asyncio.timeout(SECONDS):
            await _ask(watching, kind, _otherwise(sample, kind, dice), dice)
        watching.seen["told"] += 1
    except Ended:
        pass
    except ProviderError as error:
        watching.error(error)
    except Problem as problem:
        storable(problem.detail)
        watching.seen[f"problem {problem.slug}"] += 1
    watching.seen["requests"] += stage.asked
    return watching.seen


async def _ask(watching: Watching, kind: str, sample: Mapping[str, Any], dice: Random) -> None:
    name = sample[kind]["object"]
    if dice.random() < 0.05:
        for field_name in await named_fields(watching.connector, name, ("id", "Name", ALL_FIELDS)):
            field_name.encode()
    if kind == "read" and dice.random() < 0.1:
        total = await watching.connector.count(_counted(sample["read"]))
        assert total is None or 0 <= total < 2**63, total
        watching.seen["counts"] += total is not None
    await ask(watching, sample)  # type: ignore[arg-type]


def _counted(wanted: Mapping[str, Any]) -> ReadQuery:
    since = datetime.fromisoformat(wanted["since"]) if "since" in wanted else None
    return ReadQuery(wanted["object"], since=since)


def _otherwise(sample: Mapping[str, Any], kind: str, dice: Random) -> Mapping[str, Any]:
    """The sample; now and then with other fields, which are in other places of a record."""
    if "fields" not in sample[kind] or dice.random() < 0.7:
        return sample
    fields = dice.choice(([ALL_FIELDS], [*sample[kind]["fields"], ALL_FIELDS], ["$['a']['b']", "$['id']['id']", "id"]))
    return {**sample, kind: {**sample[kind], "fields": fields}}


async def _no_wait(_seconds: float) -> None:
    """Nothing passes."""


async def play_one(provider: str, kind: str, seed: int) -> Counter[str]:
    """Play one of the samples; which, and what is wrong, is drawn from the seed."""
    dice = Random(f"{provider} {kind} {seed}")
    name, sample = dice.choice(samples()[provider, kind])
    try:
        return await play(provider, kind, sample, dice)
    except Exception as error:
        error.add_note(f"{provider}, {kind} ({name}), seed {seed}")
        raise
