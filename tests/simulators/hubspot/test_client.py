"""HubSpot's own client package, unchanged, against the simulator: every call that a connector makes, and more."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from hubspot import HubSpot
from hubspot.crm.contacts import (
    BatchInputSimplePublicObjectBatchInput,
    BatchInputSimplePublicObjectBatchInputForCreate,
    BatchInputSimplePublicObjectBatchInputUpsert,
    BatchInputSimplePublicObjectId,
    BatchReadInputSimplePublicObjectId,
    PublicGdprDeleteInput,
    PublicMergeInput,
    PublicObjectSearchRequest,
    SimplePublicObjectInput,
    SimplePublicObjectInputForCreate,
)
from hubspot.crm.contacts.exceptions import ApiException
from urllib3.util.retry import Retry

FIRST = "171591000001"
COMPANY = "29013000001"
PRIMARY = [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 1}]


async def with_client(served: Any, use: Callable[[HubSpot], None], token: str = "any-token") -> None:
    """Run blocking code with a client of the simulator, while the simulator answers. The client waits for no limit."""
    client = HubSpot(access_token=token, host=served.running.url, retry=Retry(0))
    await asyncio.to_thread(use, client)


async def test_records_one_by_one(hubspot):
    def use(client: HubSpot) -> None:
        api = client.crm.contacts.basic_api
        wanted = {"properties": {"email": "ada@example.com", "firstname": "Ada"}}
        linked = [{"to": {"id": COMPANY}, "types": PRIMARY}]
        made = api.create(SimplePublicObjectInputForCreate(**wanted, associations=linked))
        assert made.properties["email"] == "ada@example.com"
        found = api.get_by_id(made.id, properties=["email", "firstname"], associations=["companies"])
        assert found.properties["firstname"] == "Ada"
        assert [(each.id, each.type) for each in found.associations["companies"].results] == [
            (COMPANY, "contact_to_company")
        ]
        assert api.get_by_id("ADA@example.com", id_property="email").id == made.id
        changed = api.update(made.id, SimplePublicObjectInput(properties={"lastname": "Lovelace"}))
        assert changed.updated_at is not None
        page = api.get_page(limit=2, properties=["email", "company"], associations=["companies", "deals"])
        assert [each.id for each in page.results] == [FIRST, str(int(FIRST) + 1)]
        assert set(page.results[0].properties) >= {"email", "company"}
        assert page.results[0].associations["deals"].results[0].type == "contact_to_deal"
        assert api.get_page(limit=2, after=page.paging.next.after).results[0].id == str(int(FIRST) + 2)
        merged = api.merge(PublicMergeInput(primary_object_id=made.id, object_id_to_merge=FIRST))
        assert (merged.id, merged.properties["jobtitle"] is not None) == (made.id, True)
        api.purge(PublicGdprDeleteInput(object_id=made.id))
        api.archive(str(int(FIRST) + 1))
        assert [each.id for each in api.get_page(archived=True).results] == [FIRST, str(int(FIRST) + 1)]
        with pytest.raises(ApiException) as refused:
            api.get_by_id(made.id)
        assert (refused.value.status, "OBJECT_NOT_FOUND" in refused.value.body) == (404, True)
        assert len(client.crm.contacts.get_all()) == 248

    await with_client(hubspot, use)


async def test_batches(hubspot):
    def use(client: HubSpot) -> None:
        api = client.crm.contacts.batch_api
        inputs: list[dict[str, Any]] = [
            {"properties": {"email": f"new{n}@example.com"}, "associations": [], "objectWriteTraceId": str(n)}
            for n in range(2)
        ]
        made = api.create(BatchInputSimplePublicObjectBatchInputForCreate(inputs=inputs))
        assert [each.object_write_trace_id for each in made.results] == ["0", "1"]
        ids = [each.id for each in made.results]
        inputs[1] = {**inputs[1], "properties": {"email": "new2@example.com"}}
        partly = api.create(BatchInputSimplePublicObjectBatchInputForCreate(inputs=inputs))
        assert [each.object_write_trace_id for each in partly.results] == ["1"]
        assert partly.errors[0].context == {"objectWriteTraceId": ["0"], "existingId": [ids[0]]}
        named = [{"id": each} for each in (*ids, "5")]
        read = api.read(
            BatchReadInputSimplePublicObjectId(inputs=named, properties=["email"], properties_with_history=[])
        )
        assert ([each.id for each in read.results], read.num_errors) == (ids, 1)
        changes = [{"id": ids[0], "properties": {"city": "Rome"}}, {"id": "5", "properties": {"city": "Rome"}}]
        changed = api.update(BatchInputSimplePublicObjectBatchInput(inputs=changes))
        assert ([each.id for each in changed.results], changed.errors[0].context) == (ids[:1], {"ids": ["5"]})
        people = [
            {"id": email, "idProperty": "email", "properties": {"city": "Oslo"}, "objectWriteTraceId": email}
            for email in ("NEW1@example.com", "new9@example.com")
        ]
        put = api.upsert(BatchInputSimplePublicObjectBatchInputUpsert(inputs=people))
        assert [(each.new, each.properties["city"]) for each in put.results] == [(False, "Oslo"), (True, "Oslo")]
        assert put.results[0].id == ids[1]
        api.archive(BatchInputSimplePublicObjectId(inputs=[{"id": each} for each in ids]))
        assert api.read(
            BatchReadInputSimplePublicObjectId(inputs=named, properties=[], properties_with_history=[])
        ).errors

    await with_client(hubspot, use)


async def test_searches(hubspot):
    def use(client: HubSpot) -> None:
        def found(*filters: dict[str, Any]) -> int:
            request = PublicObjectSearchRequest(
                filter_groups=[{"filters": list(filters)}],
                sorts=[{"propertyName": "hs_object_id", "direction": "DESCENDING"}],
                properties=["email"],
                limit=1,
                after="0",
                query="",
            )
            total: int = client.crm.contacts.search_api.do_search(request).total
            return total

        def of(name: str, operator: str, **more: Any) -> dict[str, Any]:
            return {"propertyName": name, "operator": operator, **more}

        each = found(of("city", "EQ", value="Berlin"))
        assert 0 < each < 250
        assert found(of("city", "NEQ", value="Berlin")) == 250 - each
        assert found(of("city", "IN", values=["berlin"])) == each
        assert found(of("city", "NOT_IN", values=["berlin"])) == 250 - each
        assert found(of("city", "CONTAINS_TOKEN", value="Ber*")) == each
        assert found(of("city", "NOT_CONTAINS_TOKEN", value="Berlin")) == 250 - each
        assert found(of("city", "HAS_PROPERTY"), of("address", "NOT_HAS_PROPERTY")) == 250
        bounds = (of("hs_object_id", "GT", value=FIRST), of("hs_object_id", "LTE", value=str(int(FIRST) + 9)))
        assert found(*bounds) == found(of("hs_object_id", "BETWEEN", value=FIRST, highValue=str(int(FIRST) + 8))) == 9
        assert found(of("createdate", "GTE", value="1735689600000"), of("createdate", "LT", value="1735689600001")) == 1
        with pytest.raises(ApiException) as refused:
            found(*[of("city", "HAS_PROPERTY")] * 7)
        assert refused.value.status == 400

    await with_client(hubspot, use)


async def test_associations(hubspot):
    from hubspot.crm.associations import BatchInputPublicAssociation, BatchInputPublicObjectId
    from hubspot.crm.associations.v4 import (
        BatchInputPublicAssociationMultiArchive,
        BatchInputPublicAssociationMultiPost,
        BatchInputPublicDefaultAssociationMultiPost,
        BatchInputPublicFetchAssociationsBatchRequest,
    )
    from hubspot.crm.associations.v4.schema import PublicAssociationDefinitionCreateRequest

    def use(client: HubSpot) -> None:
        newer = client.crm.associations.v4
        pair, second = ("contacts", "companies"), str(int(COMPANY) + 1)

        def companies_of(contact: str) -> dict[str, list[str | None]]:
            body = BatchInputPublicFetchAssociationsBatchRequest(inputs=[{"id": contact}])
            results = newer.batch_api.get_page(*pair, body).results
            to = results[0].to if results else []
            return {each.to_object_id: [kind.label for kind in each.association_types] for each in to}

        assert companies_of(FIRST) == {COMPANY: [None, "Primary"]}
        listed = newer.basic_api.get_page("companies", COMPANY, "contacts", limit=4)
        assert [each.to_object_id for each in listed.results] == [str(int(FIRST) + n) for n in range(4)]
        rest = newer.basic_api.get_page("companies", COMPANY, "contacts", after=listed.paging.next.after)
        assert len(rest.results) == 6

        definitions = client.crm.associations.v4.schema.definitions_api
        label = PublicAssociationDefinitionCreateRequest(name="adviser", label="Adviser", inverse_label="Client")
        adviser = definitions.create(*pair, label).results[0].type_id
        assert {each.label for each in definitions.get_all(*pair).results} == {None, "Primary", "Adviser"}
        advised = [{"associationCategory": "USER_DEFINED", "associationTypeId": adviser}]
        ends = {"from": {"id": FIRST}, "to": {"id": second}}
        made = newer.batch_api.create(*pair, BatchInputPublicAssociationMultiPost(inputs=[{**ends, "types": advised}]))
        assert (made.results[0].to_object_id, made.results[0].labels) == (second, ["Adviser"])
        newer.batch_api.create_default(*pair, BatchInputPublicDefaultAssociationMultiPost(inputs=[ends]))
        assert companies_of(FIRST)[second] == [None, "Adviser"]
        body = BatchInputPublicAssociationMultiPost(inputs=[{**ends, "types": advised}])
        newer.batch_api.archive_labels(*pair, body)
        assert companies_of(FIRST)[second] == [None]
        gone = [{"from": {"id": FIRST}, "to": [{"id": second}, {"id": COMPANY}]}]
        newer.batch_api.archive(*pair, BatchInputPublicAssociationMultiArchive(inputs=gone))
        assert companies_of(FIRST) == {}
        created = newer.basic_api.create("contacts", FIRST, "companies", COMPANY, PRIMARY)
        assert created.labels == ["Primary"]
        newer.basic_api.create_default("contacts", FIRST, "companies", second)
        newer.basic_api.archive("contacts", FIRST, "companies", COMPANY)
        assert list(companies_of(FIRST)) == [second]
        definitions.remove(*pair, adviser)

        older = client.crm.associations
        kinds = {each.name: each.id for each in older.schema.types_api.get_all("contact", "company").results}
        assert kinds == {"contact_to_company_unlabeled": "279", "contact_to_company": "1"}
        inputs = [{**ends, "type": "contact_to_company"}]
        older.batch_api.create("contact", "company", BatchInputPublicAssociation(inputs=inputs))
        read = older.batch_api.read("contact", "company", BatchInputPublicObjectId(inputs=[{"id": FIRST}]))
        assert {each.type for each in read.results[0].to} == set(kinds)
        older.batch_api.archive("contact", "company", BatchInputPublicAssociation(inputs=inputs))
        read = older.batch_api.read("contact", "company", BatchInputPublicObjectId(inputs=[{"id": FIRST}]))
        assert {each.type for each in read.results[0].to} == {"contact_to_company_unlabeled"}

    await with_client(hubspot, use)


async def test_fields_and_objects_of_ones_own(hubspot):
    from hubspot.crm.properties import BatchInputPropertyCreate, BatchInputPropertyName, PropertyCreate, PropertyUpdate
    from hubspot.crm.schemas import ObjectSchemaEgg, ObjectTypePropertyCreate

    def use(client: HubSpot) -> None:
        fields = client.crm.properties
        new = {"groupName": "contactinformation", "type": "string", "fieldType": "text"}
        wanted = PropertyCreate(
            name="mood", label="Mood", group_name="contactinformation", type="string", field_type="text"
        )
        assert fields.core_api.create("contacts", wanted).hubspot_defined is False
        assert fields.core_api.update("contacts", "mood", PropertyUpdate(label="Temper")).label == "Temper"
        several = BatchInputPropertyCreate(inputs=[{**new, "name": name, "label": name} for name in ("mood", "shoe")])
        made = fields.batch_api.create("contacts", several)
        assert ([each.name for each in made.results], made.num_errors) == (["shoe"], 1)
        names = BatchInputPropertyName(inputs=[{"name": "mood"}, {"name": "shoe"}])
        fields.batch_api.archive("contacts", names)
        assert not {"mood", "shoe"} & {each.name for each in fields.core_api.get_all("contacts").results}
        assert [each.name for each in fields.groups_api.get_all("contacts").results] == ["contactinformation"]

        schemas = client.crm.schemas.core_api
        name = ObjectTypePropertyCreate(
            name="title", label="Title", type="string", field_type="text", group_name="boat_information"
        )
        boat = ObjectSchemaEgg(
            name="boat",
            labels={"singular": "Boat", "plural": "Boats"},
            properties=[name],
            required_properties=["title"],
            searchable_properties=["title"],
            primary_display_property="title",
            secondary_display_properties=[],
            associated_objects=["CONTACT"],
        )
        kind = schemas.create(boat)
        assert kind.fully_qualified_name == "p44237313_boat"
        assert {each.name for each in schemas.get_all().results} == {"machines", "boat"}
        api = client.crm.objects.basic_api
        record = api.create(
            kind.object_type_id, SimplePublicObjectInputForCreate(properties={"title": "Argo"}, associations=[])
        )
        assert api.get_by_id("boat", record.id, properties=["title"]).properties["title"] == "Argo"
        api.archive("boat", record.id)
        schemas.archive("boat")
        assert [each.name for each in schemas.get_all().results] == ["machines"]

    await with_client(hubspot, use)


async def test_people_lists_pipelines_and_marketing(hubspot):
    from hubspot.crm.lists import ListCreateRequest, ListSearchRequest

    def use(client: HubSpot) -> None:
        owners = client.crm.owners.owners_api.get_page(limit=2)
        assert [each.first_name for each in owners.results] == ["Ada", "Grace"]
        assert client.crm.owners.owners_api.get_by_id(owners.results[0].id).email == "ada.lovelace@example.com"
        stages = client.crm.pipelines.pipelines_api.get_all("deals").results[0].stages
        assert len(client.crm.pipelines.pipeline_stages_api.get_all("deals", "default").results) == len(stages) == 5
        lists = client.crm.lists.lists_api
        search = ListSearchRequest(
            query="", count=5, offset=0, processing_types=[], list_ids=[], additional_properties=[]
        )
        found = lists.do_search(search)
        assert (len(found.lists), found.has_more, found.offset, found.total) == (5, True, 5, 7)
        made = lists.create(ListCreateRequest(name="Boats", object_type_id="0-1", processing_type="MANUAL"))
        assert lists.get_by_id(made.list.list_id).list.name == "Boats"
        lists.remove(made.list.list_id)
        members = client.crm.lists.memberships_api.get_page("1", limit=10)
        assert [each.record_id for each in members.results[:2]] == [FIRST, str(int(FIRST) + 7)]
        assert len(client.marketing.forms.forms_api.get_page(limit=3).results) == 3
        emails = client.marketing.emails.marketing_emails_api.get_page(sort=["-updatedAt"], limit=2)
        assert [each.name for each in emails.results] == ["Webinar on Thursday", "Thank you"]
        events = client.events.events_api
        visits = events.get_page(event_type="e_visited_page", limit=2, occurred_before="2025-12-31T20:00:00Z")
        assert [each.object_id for each in visits.results] == [str(int(FIRST) + 4), str(int(FIRST) + 5)]
        assert len(events.get_page(event_type="e_deal_closed", after=visits.paging.next.after).results) == 20
        assert events.get_types().event_types == ["e_visited_page", "e_deal_closed"]

    await with_client(hubspot, use)


async def test_every_object_can_be_listed_searched_and_written(hubspot):
    names = [
        *("products", "line_items", "quotes", "orders", "carts", "invoices", "subscriptions", "taxes", "goal_targets"),
        *("calls", "emails", "meetings", "notes", "tasks", "communications", "postal_mail"),
        *("companies", "deals", "tickets", "leads", "machines"),
    ]

    def use(client: HubSpot) -> None:
        basic, search = client.crm.objects.basic_api, client.crm.objects.search_api
        for name in names:
            [first] = basic.get_page(name, limit=1).results
            everything = PublicObjectSearchRequest(filter_groups=[], limit=1, sorts=[], properties=[], after="0")
            assert search.do_search(name, everything).total > 0, name
            made = basic.create(name, SimplePublicObjectInputForCreate(properties={}, associations=[]))
            assert int(made.id) > int(first.id)
            basic.update(name, made.id, SimplePublicObjectInput(properties={}))
            basic.archive(name, made.id)

    await with_client(hubspot, use)


async def test_tokens_limits_and_faults(start, clock):
    def sign_in(client: HubSpot) -> None:
        tokens = client.oauth.tokens_api.create(
            grant_type="refresh_token", client_id="x", client_secret="y", refresh_token="r1"
        )
        assert client.oauth.access_tokens_api.get(tokens.access_token).hub_id == 44_237_313
        assert client.oauth.refresh_tokens_api.get("r1").token_type == "refresh"

    def too_often(client: HubSpot) -> None:
        everything = PublicObjectSearchRequest(filter_groups=[], limit=1, sorts=[], properties=[], after="0")
        search = client.crm.contacts.search_api
        for _ in range(2):
            search.do_search(everything)
        with pytest.raises(ApiException) as refused:
            search.do_search(everything)
        assert (refused.value.status, "SECONDLY" in refused.value.body) == (429, True)
        client.crm.contacts.basic_api.get_page()
        with pytest.raises(ApiException) as refused:
            client.crm.contacts.basic_api.get_page()
        assert (refused.value.status, "TEN_SECONDLY_ROLLING" in refused.value.body) == (429, True)

    def expired(client: HubSpot) -> None:
        with pytest.raises(ApiException) as refused:
            client.crm.contacts.basic_api.get_page()
        assert refused.value.status == 401

    async with start(rate_limit=4, search_limit=2) as served:
        await with_client(served, sign_in)
        await with_client(served, expired, token="expired")
        await with_client(served, too_often)
