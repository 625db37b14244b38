"""One record of each scheduled object is read before a config is saved."""

from __future__ import annotations

import asyncio

import pytest

from conjunct.connectors import Page
from conjunct.installations.read_objects import ReadObject
from conjunct.installations.sampling import sample
from tests.installations.conftest import CONTACTS, DEALS, TICKETS, manifest, names, read_content

READ = "config.content.read.objects"
CHOSEN = {"selectedFields": {"phone": True}, "selectedFieldMappings": {"source": "utm"}}


@pytest.fixture
async def ready(world):
    await world.deploy(manifest(CONTACTS, DEALS, TICKETS))
    await world.connect()
    return world


async def test_scheduled_objects_are_sampled_with_their_fields_and_mappings(ready):
    await ready.install(read_content(contacts=CHOSEN, deals={}))
    assert ready.provider.sampled() == {"contacts": {"email", "phone", "description", "utm"}, "tickets": {"subject"}}
    assert {query["limit"] for _, query in ready.provider.asked} == {"1"}
    assert ready.provider.keys == {"k"}


async def test_disabled_objects_are_not_sampled(ready):
    await ready.install(read_content(contacts={"disabled": True}, tickets={"disabled": True}))
    assert ready.provider.asked == []


@pytest.mark.parametrize(
    ("status", "in_detail"),
    [(400, "No field phone"), (404, "No field phone"), (403, "credentials")],
)
async def test_what_a_person_must_mend_refuses_with_the_providers_words(ready, status, in_detail):
    ready.provider.answers["contacts"] = (status, "No field phone")
    refused = await ready.install(read_content(contacts=CHOSEN), status=422)
    assert names(refused) == [f"{READ}.contacts"]
    assert in_detail in refused["issues"][0]["detail"]
    assert "No field phone" in refused["issues"][0]["detail"]
    assert await ready.count("installation") == 0
    assert ready.recorder.saved == []

    await ready.install(read_content(contacts=CHOSEN), skipSampling=True)


async def test_each_refused_object_is_an_issue(ready):
    ready.provider.answers = {"contacts": (400, "one"), "tickets": (400, "two")}
    refused = await ready.install(read_content(contacts={}), status=422)
    assert {(issue["name"], issue["detail"]) for issue in refused["issues"]} == {
        (f"{READ}.contacts", "one"),
        (f"{READ}.tickets", "two"),
    }


@pytest.mark.parametrize("status", [401, 429, 500, 503])
async def test_bad_credentials_or_a_provider_that_is_busy_or_down_refuse_nothing(ready, status):
    ready.provider.answers["contacts"] = (status, "later")
    await ready.install(read_content(contacts=CHOSEN))


async def test_filters_that_the_provider_cannot_apply_are_refused(ready):
    filters = [{"fieldName": "status", "operator": "eq", "value": "open"}]
    refused = await ready.install(read_content(contacts={"fieldFilters": filters}), status=422)
    assert names(refused) == [f"{READ}.contacts"]


async def test_filters_of_the_backfill_alone_are_sampled_too(ready):
    filters = [{"fieldName": "status", "operator": "eq", "value": "open"}]
    backfill = {"defaultPeriod": {"days": 1}, "fieldFilters": filters}
    refused = await ready.install(read_content(contacts={"backfill": backfill}), status=422)
    assert names(refused) == [f"{READ}.contacts"]
    backfill["defaultPeriod"] = {"days": 0}
    await ready.install(read_content(contacts={"backfill": backfill}))


async def test_an_update_samples_only_what_could_have_changed(ready):
    made = await ready.install(read_content(contacts=CHOSEN))

    async def patched(config, *, connection=None):
        ready.provider.asked.clear()
        value = {"config": {"content": read_content(contacts=config)}, "connectionId": connection}
        masks = [f"{READ}.contacts", *(["connectionId"] if connection else [])]
        await ready.patch(made, value, *masks)
        return set(ready.provider.sampled())

    assert await patched({**CHOSEN, "destination": "other", "schedule": "30 * * * *"}) == set()
    assert await patched({**CHOSEN, "selectedFields": {"fax": True}}) == {"contacts"}
    assert await patched({**CHOSEN, "selectedFields": {"fax": True}, "disabled": True}) == set()
    assert await patched({**CHOSEN, "selectedFields": {"fax": True}}) == {"contacts"}
    connection = await ready.connect()
    assert await patched({**CHOSEN, "selectedFields": {"fax": True}}, connection=connection) == {"contacts", "tickets"}


async def test_a_refused_update_changes_nothing(ready):
    made = await ready.install(read_content(contacts=CHOSEN))
    ready.provider.answers["contacts"] = (400, "No field fax")
    value = {"config": {"content": read_content(contacts={"selectedFields": {"fax": True}})}}
    refused = await ready.patch(made, value, f"{READ}.contacts", status=422)
    assert refused["issues"][0]["detail"] == "No field fax"
    assert await ready.get(made) == made
    await ready.patch(made, value, f"{READ}.contacts", skipSampling=True)


async def test_the_provider_is_asked_while_no_transaction_is_open(ready):
    ready.provider.answers["contacts"] = (0, "")
    silent = ready.provider.silent

    async def others_can_deploy() -> None:
        while not ready.provider.asked:  # noqa: ASYNC110 - the server runs in this very loop
            await asyncio.sleep(0.001)
        await asyncio.wait_for(ready.deploy(manifest(CONTACTS, DEALS)), 10)
        silent.set()

    made, _ = await asyncio.gather(ready.install(read_content(contacts={})), others_can_deploy())
    latest = (await ready.client.get(f"{ready.home}/integrations/crm")).json()["latestRevision"]["id"]
    assert made["config"]["revisionId"] == latest


async def test_a_provider_that_does_not_answer_in_time_refuses_nothing():
    class Silent:
        async def read_page(self, _query, _token=None) -> Page:
            await asyncio.Event().wait()
            raise AssertionError

    objects = [ReadObject(f"o{number}", None, "hook", "0 * * * *") for number in range(20)]
    await sample(Silent(), objects, time_limit=0.01)
