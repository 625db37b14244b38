"""HubSpot through its definition, against the simulator: all that is read, written, associated and described."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from ipaddress import ip_network
from typing import Any

import pytest

from conjunct.connectors import (
    Bearer,
    Connector,
    EgressTransport,
    ErrorKind,
    FieldDraft,
    ProviderError,
    ReadQuery,
    SearchQuery,
    WriteEntry,
    WriteNotSupported,
    WriteQuery,
)
from conjunct.connectors.errors import ObjectMissing
from conjunct.core.egress import Egress, EgressPolicy
from conjunct.providers import catalog
from conjunct.simulators import SimulatorOptions, serve

FIRST_CONTACT = 171_591_000_001
PRIMARY = {"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 1}
SINCE = datetime(2024, 1, 1, tzinfo=UTC)
UNTIL = datetime(2027, 1, 1, tzinfo=UTC)


@asynccontextmanager
async def hubspot(token: str = "private-app-token", **options: Any) -> AsyncIterator[Connector]:
    policy = EgressPolicy(allowed_networks=(ip_network("127.0.0.0/8"),))
    async with (
        serve("hubspot", SimulatorOptions(**{"records": 250, **options})) as simulator,
        Egress(policy=policy, user_agent="conjunct-test") as egress,
    ):
        yield Connector(
            catalog().get("hubspot"),
            transport=EgressTransport(egress),
            credentials=Bearer(token),
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
        await connector.write(WriteQuery("contacts", "delete", (WriteEntry(id=gone),)))
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


async def test_deleted_records_are_read_within_bounds():
    async with hubspot() as connector:
        gone = tuple(WriteEntry(id=str(FIRST_CONTACT + place)) for place in (3, 5))
        results = await connector.write(WriteQuery("contacts", "delete", gone))
        assert [each.success for each in results] == [True, True]
        query = ReadQuery("contacts", ("email",), since=SINCE, deleted=True)
        assert await read(connector, query) == [entry.id for entry in gone]
        assert await read(connector, replace(query, since=datetime(2100, 1, 1, tzinfo=UTC))) == []


async def test_records_come_with_what_they_are_associated_with():
    async with hubspot() as connector:
        query = ReadQuery("contacts", ("email",), page_size=100, associations=("companies", "deals", "tickets"))
        records = [record async for page in connector.pages(query) for record in page.records]
    assert len(records) == 250
    assert all([each.id for each in record.associations["companies"]] for record in records)
    first, second = records[:2]
    [company] = first.associations["companies"]
    assert company.id == "29013000001"
    assert {kind["typeId"] for kind in company.metadata} == {1, 279}
    assert [each.id for each in first.associations["deals"]] == ["38020000001"]
    assert second.associations["deals"] == second.associations["tickets"] == []


async def test_a_record_may_be_associated_with_more_than_an_answer_holds():
    async with hubspot(records=1_300) as connector:
        ids = [str(FIRST_CONTACT + place) for place in range(1_250)]
        company = "29013000001"
        linked = ({"to": {"id": company}, "types": [PRIMARY]},)
        entries = tuple(WriteEntry({"city": "Rome"}, associations=linked) for _ in ids)
        made = await connector.write(WriteQuery("contacts", "create", entries))
        [record] = await connector.get_by_ids("companies", [company], (), ("contacts",))
    found = [each.id for each in record.associations["contacts"]]
    assert found == [*ids[:10], *(each.id for each in made)]


async def test_records_by_their_ids_leave_out_what_is_gone():
    async with hubspot() as connector:
        ids = [str(FIRST_CONTACT + place) for place in range(150)]
        found = await connector.get_by_ids("contacts", [*ids, "5"], ("email", "city"), ("companies",))
    assert [record.id for record in found] == ids
    assert all(record.fields.keys() == {"email", "city"} for record in found)
    assert all(len(record.associations["companies"]) == 1 for record in found)


async def test_a_search_and_a_read_find_equal_values():
    async with hubspot() as connector:
        page = await connector.search(SearchQuery("contacts", ("city",), (("city", "Berlin"), ("country", "Germany"))))
        assert page.records
        assert {record.fields["city"] for record in page.records} == {"Berlin"}
        query = ReadQuery("contacts", ("city",), filters=(("city", "Berlin"),))
        assert await read(connector, query) == [record.id for record in page.records]
        assert await connector.count(query) == len(page.records)
        assert await connector.count(ReadQuery("contacts")) == 250


async def test_one_record_is_created_changed_and_deleted():
    async with hubspot() as connector:
        linked = ({"to": {"id": "29013000001"}, "types": [PRIMARY]},)
        created = WriteEntry({"email": "ada@example.com", "annualrevenue": 12.5}, associations=linked)
        [made] = await connector.write(WriteQuery("contacts", "create", (created,)))
        assert made.success
        assert made.record is not None
        assert made.record["annualrevenue"] == "12.5"
        [changed] = await connector.write(WriteQuery("contacts", "update", (WriteEntry({"city": "Rome"}, made.id),)))
        assert (changed.success, changed.id) == (True, made.id)
        [found] = await connector.get_by_ids("contacts", [str(made.id)], ("city", "email"), ("companies",))
        assert found.fields == {"city": "Rome", "email": "ada@example.com"}
        assert [each.id for each in found.associations["companies"]] == ["29013000001"]
        with pytest.raises(ProviderError, match="already exists") as conflict:
            await connector.write(WriteQuery("contacts", "create", (created,)))
        assert conflict.value.kind is ErrorKind.CONFLICT
        with pytest.raises(ProviderError, match="does not exist") as refused:
            await connector.write(WriteQuery("contacts", "create", (WriteEntry({"nothing": 1}),)))
        assert refused.value.kind is ErrorKind.FIELD_MISSING
        with pytest.raises(WriteNotSupported):
            await connector.write(WriteQuery("feedback_submissions", "create", (WriteEntry(),)))


async def test_of_a_batch_each_record_has_its_own_result():
    async with hubspot() as connector:
        entries = tuple(WriteEntry({"email": f"new{number}@example.com"}) for number in range(120))
        made = await connector.write(WriteQuery("contacts", "create", entries))
        assert len({each.id for each in made if each.success}) == 120
        mixed = tuple(WriteEntry({"email": email}) for email in ("x@example.com", "new7@example.com", "y@example.com"))
        told = await connector.write(WriteQuery("contacts", "create", mixed))
        assert [each.state for each in told] == ["done", "refused", "done"]
        assert [(fault.code, fault.kind) for fault in told[1].faults] == [("CONFLICT", ErrorKind.CONFLICT)]
        assert [each.record["email"] for each in told if each.record is not None] == ["x@example.com", "y@example.com"]
        changes = (WriteEntry({"city": "Rome"}, made[0].id), WriteEntry({"city": "Rome"}, "5"))
        told = await connector.write(WriteQuery("contacts", "update", changes))
        assert [each.state for each in told] == ["done", "refused"]
        assert [fault.kind for fault in told[1].faults] == [ErrorKind.NOT_FOUND]
        changes = (WriteEntry({"city": "Rome"}, made[1].id), WriteEntry({"nothing": "x"}, made[2].id))
        told = await connector.write(WriteQuery("contacts", "update", changes))
        assert [each.state for each in told] == ["refused", "refused"]
        archived = tuple(WriteEntry(id=each.id) for each in made)
        assert all(each.success for each in await connector.write(WriteQuery("contacts", "delete", archived)))


async def test_all_or_none_of_a_batch_is_created():
    async with hubspot() as connector:
        mixed = tuple(WriteEntry({"email": email}) for email in ("x@example.com", "x@example.com"))
        told = await connector.write(WriteQuery("contacts", "create", mixed, all_or_none=True))
        assert [each.state for each in told] == ["refused", "refused"]
        assert await connector.count(ReadQuery("contacts")) == 250
        good = (mixed[0], WriteEntry({"email": "y@example.com"}))
        told = await connector.write(WriteQuery("contacts", "create", good, all_or_none=True))
        assert [each.record["email"] for each in told if each.record] == ["x@example.com", "y@example.com"]
        with pytest.raises(WriteNotSupported):
            await connector.write(WriteQuery("contacts", "update", good, all_or_none=True))


async def test_an_upsert_changes_what_has_the_value_and_adds_the_rest():
    async with hubspot() as connector:
        entries = tuple(WriteEntry({"city": "Oslo"}, external_id=serial) for serial in ("SN-3", "SN-1000000", "SN-4"))
        query = WriteQuery("machines", "upsert", entries, external_id_field="serial_number")
        entries = tuple(replace(entry, record={"model": "M900"}) for entry in entries)
        told = await connector.write(replace(query, entries=entries))
        assert [each.success for each in told] == [True] * 3
        assert told[0].id == "6120000004"
        assert told[1].record is not None
        assert told[1].record["serial_number"] == "SN-1000000"
        assert await connector.count(ReadQuery("machines", filters=(("model", "M900"),))) == 3
        [refused] = await connector.write(replace(query, entries=entries[:1], external_id_field="model"))
        assert not refused.success
        assert "not a unique identifier" in refused.faults[0].message


async def test_the_fields_of_an_object():
    async with hubspot() as connector:
        contacts = await connector.describe("contacts")
        deals = (await connector.describe("deals")).fields
        machines = (await connector.describe("machines")).fields
        owners = (await connector.describe("owners")).fields
    fields = contacts.fields
    assert contacts.display_name == "Contacts"
    types = {name: field.value_type for name, field in fields.items()}
    expected = {
        "email": "string",
        "createdate": "datetime",
        "birthday": "date",
        "annualrevenue": "float",
        "hs_email_optout": "boolean",
        "interests": "multiSelect",
        "lifecyclestage": "singleSelect",
    }
    assert {name: types[name] for name in expected} == expected
    assert fields["hs_object_id"].read_only is True
    assert fields["birthday"].is_custom is True
    assert fields["associatedcompanyid"].reference_to == ("companies",)
    assert fields["hubspot_owner_id"].reference_to == ("owners",)
    assert [value.value for value in deals["pipeline"].values] == ["default"]
    assert [value.display_value for value in deals["dealstage"].values][:2] == [
        "Appointment Scheduled",
        "Qualified To Buy",
    ]
    assert machines["serial_number"].is_required is True
    assert machines["model"].is_required is False
    assert owners["email"].value_type == "string"


async def test_a_field_is_made_and_written():
    async with hubspot() as connector:
        sizes = [{"value": size, "label": size, "order": order} for order, size in enumerate(("41", "42"))]
        draft = FieldDraft("Shoe_Size", "Shoe size", "multiSelect", {"options": sizes})
        fields = connector.fields_of("contacts")
        await fields.load([draft])
        assert (await fields.upsert(draft)).action == "create"
        entry = WriteEntry({"email": "shoe@example.com", "shoe_size": "41;42"})
        [made] = await connector.write(WriteQuery("contacts", "create", (entry,)))
        assert made.success


@pytest.mark.parametrize(
    ("name", "count", "field"),
    [
        ("owners", 3, "email"),
        ("lists", 7, "name"),
        ("deal_pipelines", 1, "label"),
        ("ticket_pipelines", 1, "label"),
        ("forms", 5, "name"),
        ("marketing-events", 5, "eventname"),
        ("meeting-links", 5, "slug"),
        ("marketing/emails", 5, "subject"),
        ("campaigns", 5, "hs_name"),
        ("e_visited_page", 24, "hs_country"),
        ("line_items", 50, "name"),
        ("tasks", 25, "hs_task_subject"),
    ],
)
async def test_what_else_there_is_can_be_read(name: str, count: int, field: str):
    async with hubspot() as connector:
        pages = [page async for page in connector.pages(ReadQuery(name, (field,), page_size=3))]
        records = [record for page in pages for record in page.records]
        assert len({record.id for record in records}) == len(records) == count
        assert all(record.fields[field] for record in records)
        since = datetime(2025, 3, 1, tzinfo=UTC)
        later = await read(connector, ReadQuery(name, (field,), since=since))
        assert len(later) < count or name in ("line_items", "tasks", "e_visited_page")


async def test_events_keep_both_bounds():
    async with hubspot() as connector:
        [page] = [page async for page in connector.pages(ReadQuery("e_deal_closed", ("occurredat", "objectid")))]
        times = [datetime.fromisoformat(record.fields["occurredat"]) for record in page.records]
        assert times == sorted(times, reverse=True)
        bounds = ReadQuery("e_deal_closed", (), since=times[5], until=times[2])
        assert await read(connector, bounds) == [record.id for record in page.records[2:6]]


async def test_an_object_that_is_not_there():
    async with hubspot() as connector:
        with pytest.raises(ObjectMissing, match="butterflies"):
            await connector.read_page(ReadQuery("butterflies"))


async def test_a_token_that_has_ended():
    async with hubspot(token="expired") as connector:
        with pytest.raises(ProviderError) as caught:
            await connector.read_page(ReadQuery("contacts"))
    assert caught.value.kind is ErrorKind.AUTH_INVALID


async def test_limits_of_requests_and_of_searches():
    async with hubspot(rate_limit=3, search_limit=1) as connector:
        query = SearchQuery("contacts", ("email",), (("city", "Berlin"),))
        await connector.search(query)
        with pytest.raises(ProviderError) as caught:
            await connector.search(query)
        assert (caught.value.kind, caught.value.retry_after) == (ErrorKind.RATE_LIMITED, 1)
        await connector.check()
        with pytest.raises(ProviderError) as caught:
            await connector.check()
        assert caught.value.kind is ErrorKind.RATE_LIMITED
        assert 1 < (caught.value.retry_after or 0) <= 10


@pytest.mark.parametrize(("fault", "kind"), [("429@page=1", ErrorKind.RATE_LIMITED), ("500@page=1", ErrorKind.SERVER)])
async def test_what_goes_wrong_is_classed(fault: str, kind: ErrorKind):
    async with hubspot(fail=(fault,)) as connector:
        with pytest.raises(ProviderError) as caught:
            await connector.read_page(ReadQuery("contacts"))
    assert caught.value.kind is kind
    assert caught.value.retryable
