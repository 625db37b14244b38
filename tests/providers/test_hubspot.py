"""HubSpot through its definition, against the simulator: whole backfills, searches beyond the cap, fields, errors."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from ipaddress import ip_network
from typing import Any

import pytest

from conjunct.connectors import Bearer, Connector, EgressTransport, ErrorKind, ProviderError, ReadQuery
from conjunct.connectors.errors import ObjectMissing
from conjunct.core.egress import Egress, EgressPolicy
from conjunct.providers import catalog
from conjunct.simulators import SimulatorOptions, serve

SINCE = datetime(2024, 1, 1, tzinfo=UTC)
UNTIL = datetime(2027, 1, 1, tzinfo=UTC)


@asynccontextmanager
async def hubspot(**options: Any) -> AsyncIterator[Connector]:
    policy = EgressPolicy(allowed_networks=(ip_network("127.0.0.0/8"),))
    async with (
        serve("hubspot", SimulatorOptions(**{"records": 250, **options})) as simulator,
        Egress(policy=policy, user_agent="conjunct-test") as egress,
    ):
        yield Connector(
            catalog().get("hubspot"),
            transport=EgressTransport(egress),
            credentials=Bearer("private-app-token"),
            base_url_override=simulator.url,
        )


async def read(connector: Connector, query: ReadQuery) -> list[str]:
    """The ids of all records, none of them missing."""
    return [record.id or "" async for page in connector.pages(query) for record in page.records]


async def test_a_backfill_gives_every_record_once_with_the_requested_fields():
    async with hubspot() as connector:
        await connector.check()
        pages = [page async for page in connector.pages(ReadQuery("contacts", ("email", "CreatedAt", "nothing")))]
    records = [record for page in pages for record in page.records]
    assert len({record.id for record in records}) == len(records) == 250
    assert [len(page.records) for page in pages] == [100, 100, 50]
    assert all(set(record.fields) >= {"email", "createdat"} for record in records)
    assert all(record.fields["email"] == record.raw["properties"]["email"] for record in records)


async def test_an_incremental_read_goes_beyond_the_ten_thousand_of_a_search():
    async with hubspot(records=10_450) as connector:
        query = ReadQuery("contacts", ("email",), SINCE, UNTIL)
        found = await read(connector, query)
        assert await connector.count(query) == 10_450
    assert len(found) == len(set(found)) == 10_450


async def test_a_record_that_leaves_the_result_while_it_is_read_costs_no_other_one():
    async with hubspot() as connector:
        query = ReadQuery("contacts", (), SINCE, UNTIL, page_size=100)
        first = await connector.read_page(query)
        gone = first.records[0].id
        # What is archived is no longer found: every later record moves up by one.
        answer = await connector._exchange._transport.request(
            "DELETE",
            connector.address.join(f"/crm/v3/objects/contacts/{gone}"),
            headers={"Authorization": "Bearer private-app-token"},
            body=None,
            timeout=10,
            max_bytes=1000,
        )
        assert answer.status == 204
        found = [record.id for record in first.records]
        found += [record.id async for page in connector.pages(query, first.next) for record in page.records]
    assert len(found) == len(set(found)) == 250


async def test_an_incremental_read_keeps_both_bounds():
    async with hubspot() as connector:
        everything = [
            record.raw["properties"]["lastmodifieddate"]
            async for page in connector.pages(ReadQuery("contacts", ("lastmodifieddate",)))
            for record in page.records
        ]
        since, until = (datetime.fromisoformat(sorted(everything)[index]) for index in (50, 150))
        query = ReadQuery("contacts", (), since, until)
        found = await read(connector, query)
        assert len(found) == await connector.count(query) == len([at for at in everything if within(at, since, until)])
    assert 0 < len(found) < 250


def within(at: str, since: datetime, until: datetime) -> bool:
    return since <= datetime.fromisoformat(at) <= until


async def test_more_properties_than_a_url_holds_are_searched_for():
    async with hubspot() as connector:
        names = tuple(f"a_property_with_a_long_name_{number}" for number in range(400))
        pages = [page async for page in connector.pages(ReadQuery("contacts", ("email", *names)))]
    assert sum(len(page.records) for page in pages) == 250
    assert pages[0].total == 250
    assert "email" in pages[0].records[0].fields


async def test_the_fields_of_an_object():
    async with hubspot() as connector:
        schema = await connector.describe("contacts")
    assert schema.display_name == "Contacts"
    assert schema.fields["email"].value_type == "string"
    assert schema.fields["createdate"].value_type == "datetime"
    assert schema.fields["hs_object_id"].read_only is True


async def test_an_object_that_is_not_there():
    async with hubspot() as connector:
        with pytest.raises(ObjectMissing, match="butterflies"):
            await connector.read_page(ReadQuery("butterflies"))


@pytest.mark.parametrize(("fault", "kind"), [("429@page=1", ErrorKind.RATE_LIMITED), ("500@page=1", ErrorKind.SERVER)])
async def test_what_goes_wrong_is_classed(fault: str, kind: ErrorKind):
    async with hubspot(fail=(fault,)) as connector:
        with pytest.raises(ProviderError) as caught:
            await connector.read_page(ReadQuery("contacts"))
    assert caught.value.kind is kind
    assert caught.value.retryable
