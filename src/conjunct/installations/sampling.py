"""Samples: one record of each object that will be read on a schedule, before a config is saved.

Only a bad request refuses the config: a field or an object that is not there, or that the connected user may not see.
Credentials that have gone bad refuse nothing, for they are mended apart from the config; nor does a provider that is
slow, busy or down.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Protocol

import structlog

from conjunct.connectors import ALL_FIELDS, Page, ProviderError, ReadQuery
from conjunct.connectors.errors import AccessForbidden
from conjunct.core.problems import Issue, Problem
from conjunct.installations.problems import SampleRefused
from conjunct.installations.read_objects import ReadObject

TIME_LIMIT = 10.0
"""Seconds for all samples together."""

_AT_ONCE = 8

log = structlog.get_logger(__name__)


class Readable(Protocol):
    """A provider to read from."""

    async def read_page(self, query: ReadQuery, token: str | None = None) -> Page: ...


def to_sample(
    wanted: Mapping[str, ReadObject], previous: Mapping[str, ReadObject], *, same_connection: bool
) -> tuple[ReadObject, ...]:
    """The scheduled objects that are new, newly scheduled, or read otherwise than before; all on a new connection."""
    return tuple(
        each
        for name, each in wanted.items()
        if each.is_scheduled and not (same_connection and _is_proven(each, previous.get(name)))
    )


def _is_proven(wanted: ReadObject, before: ReadObject | None) -> bool:
    return (
        before is not None
        and before.is_scheduled
        and _query(before) == _query(wanted)
        and before.deleted_records == wanted.deleted_records
    )


def _query(wanted: ReadObject) -> ReadQuery:
    fields = (ALL_FIELDS,) if wanted.all_fields else ()
    return ReadQuery(
        wanted.object_name,
        fields=(*wanted.source_fields, *fields),
        filters=wanted.filters,
        page_size=1,
        associations=tuple(wanted.associations),
    )


def _queries(wanted: ReadObject) -> Iterator[ReadQuery]:
    """What the reads to come will ask in ways of their own: all of them, the backfill, and of what was deleted."""
    usual = _query(wanted)
    yield usual
    if wanted.backfill.kind != "none" and wanted.backfill.filters != wanted.filters:
        yield replace(usual, filters=wanted.backfill.filters)
    if wanted.deleted_records:
        # Within bounds, as it will be: not all that tell what was deleted tell it without.
        now = datetime.now(UTC)
        yield replace(usual, deleted=True, associations=(), since=now - timedelta(minutes=1), until=now)


async def sample(provider: Readable, objects: Iterable[ReadObject], time_limit: float = TIME_LIMIT) -> None:
    """Read one record of each; raises SampleRefused with an issue for each object that the provider refuses."""
    gate = asyncio.Semaphore(_AT_ONCE)
    issues = await asyncio.gather(*(_sample_one(provider, each, gate, time_limit) for each in objects))
    refused = [issue for issue in issues if issue is not None]
    if refused:
        words = "; ".join(dict.fromkeys(issue.detail for issue in refused))
        raise SampleRefused(
            f"The provider refused a sample read, so nothing was saved: {words}",
            remedy="Correct what each issue says, or pass skipSampling=true to save it all the same.",
            issues=refused,
        )


async def _sample_one(
    provider: Readable, wanted: ReadObject, gate: asyncio.Semaphore, time_limit: float
) -> Issue | None:
    place = f"config.content.read.objects.{wanted.object_name}"
    try:
        async with asyncio.timeout(time_limit), gate:
            for query in _queries(wanted):
                await provider.read_page(query)
    except ProviderError as error:
        if error.origin == "caller":
            return Issue(place, error.message)
        if isinstance(error, AccessForbidden):
            return Issue(
                place,
                f"The credentials of the connection do not allow it: {error.message}",
                remedy="Let the customer connect again, with access to this object and its fields.",
            )
        log.info("sample.not_taken", object=wanted.object_name, error=error.kind.value, status=error.status)
    except TimeoutError:
        log.info("sample.not_taken", object=wanted.object_name, error="time limit")
    except Problem as problem:
        return Issue(place, problem.detail, remedy=problem.remedy)
    return None
