"""Salesforce through its definition: against the simulator, and against answers that it would not give by itself."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from ipaddress import ip_network
from typing import Any

import pytest

from conjunct.connectors import (
    Bearer,
    Connector,
    Definition,
    EgressTransport,
    ErrorKind,
    FieldDraft,
    ProviderError,
    ReadQuery,
    SearchQuery,
    load_definition,
)
from conjunct.connectors.errors import AuthInvalid, CursorGone, FieldMissing, MalformedAnswer, ObjectMissing
from conjunct.connectors.formats import UnusableValue
from conjunct.connectors.write_query import WriteEntry, WriteQuery
from conjunct.core.egress import Egress, EgressPolicy
from conjunct.providers import catalog
from conjunct.providers.catalog import BUILT_IN
from conjunct.providers.salesforce.quirks import SalesforceQuirks
from conjunct.providers.salesforce.visibility import ABOUT, LABEL, PERMISSION_SET
from conjunct.simulators import SimulatorOptions, serve
from tests.connectors.scripted import Received, Reply, ScriptedProvider, ids, read_all, scripted_provider

SINCE = datetime(2024, 1, 1, tzinfo=UTC)
UNTIL = datetime(2027, 1, 1, tzinfo=UTC)
API = "/services/data/v60.0"


@asynccontextmanager
async def salesforce(*, definition: Definition | None = None, **options: Any) -> AsyncIterator[Connector]:
    policy = EgressPolicy(allowed_networks=(ip_network("127.0.0.0/8"),))
    async with (
        serve("salesforce", SimulatorOptions(**{"records": 2500, **options})) as simulator,
        Egress(policy=policy, user_agent="conjunct-test") as egress,
    ):
        yield Connector(
            definition or catalog().get("salesforce"),
            transport=EgressTransport(egress),
            credentials=Bearer("session"),
            inputs={"workspace": "acme"},
            base_url_override=simulator.url,
        )


async def write(connector: Connector, type_: Any, *entries: WriteEntry, **options: Any) -> list[Any]:
    return list(await connector.write(WriteQuery("Contact", type_, entries, **options)))


async def test_everything_is_read_once_with_all_its_fields_and_within_bounds():
    async with salesforce() as connector:
        await connector.check()
        fields = tuple((await connector.describe("Contact")).fields)
        pages = await read_all(connector, ReadQuery("Contact", fields))
        assert [len(page.records) for page in pages] == [2000, 500]
        assert pages[0].total == await connector.count(ReadQuery("Contact")) == 2500
        records = [record for page in pages for record in page.records]
        assert len({record.id for record in records}) == 2500
        assert all(len(record.fields) == len(fields) for record in records)
        stamps = sorted(record.raw["SystemModstamp"] for record in records)
        since, until = (datetime.fromisoformat(stamps[place]).replace(microsecond=0) for place in (400, 900))
        within = [stamp for stamp in stamps if since <= datetime.fromisoformat(stamp) <= until]
        query = ReadQuery("Contact", ("Email",), since, until, page_size=1)
        pages = await read_all(connector, query)
        assert max(len(page.records) for page in pages) == 200  # the least that Salesforce gives
        assert len(ids(pages)) == len(within) == await connector.count(query)


async def test_a_query_that_is_too_long_for_a_url_is_asked_for_in_a_body():
    long = tuple(f"Nothing_of_that_name_{number}__c" for number in range(400))
    async with salesforce() as connector:
        with pytest.raises(FieldMissing, match="Nothing_of_that_name_0__c"):
            await connector.read_page(ReadQuery("Contact", long))
        everyone = [record.id or "" for record in (await connector.read_page(ReadQuery("Contact"))).records]
        found = await connector.get_by_ids("Contact", everyone[:700], ("Email", "Account.Name", "Account.Industry"))
        assert [record.id for record in found] == everyone[:700]
        assert await connector.get_by_ids("Contact", ["003000000000000AAA"]) == []


async def test_records_are_written_found_and_deleted():
    async with salesforce(records=20) as connector:
        (ada,) = await write(connector, "create", WriteEntry({"LastName": "Love'lace", "Email": "ada@example.com"}))
        assert ada.state == "done"
        found = await connector.search(SearchQuery("Contact", ("Email",), (("LastName", "Love'lace"),)))
        assert [(each.id, each.fields) for each in found.records] == [(ada.id, {"email": "ada@example.com"})]
        made, refused, other = await write(
            connector,
            "create",
            WriteEntry({"LastName": "Babbage"}),
            WriteEntry({"FirstName": "Nobody"}),
            WriteEntry({"LastName": "Menabrea"}),
        )
        assert (made.state, refused.state, other.state) == ("done", "refused", "done")
        assert [fault.code for fault in refused.faults] == ["REQUIRED_FIELD_MISSING"]
        both = await write(
            connector,
            "update",
            WriteEntry({"Email": "c@example.com"}, id=made.id),
            WriteEntry({"LastName": None}, id=other.id),
            all_or_none=True,
        )
        assert [each.state for each in both] == ["refused", "refused"]
        (updated,) = await write(connector, "update", WriteEntry({"Email": "c@example.com"}, id=made.id))
        assert (updated.state, updated.id) == ("done", made.id)
        assert [(each.fields) for each in await connector.get_by_ids("Contact", [made.id], ("Email",))] == [
            {"email": "c@example.com"}
        ]
        gone = await write(connector, "delete", WriteEntry(id=made.id), WriteEntry(id=other.id))
        (again,) = await write(connector, "delete", WriteEntry(id=ada.id))
        assert {each.state for each in (*gone, again)} == {"done"}
        deleted = await read_all(connector, ReadQuery("Contact", ("LastName",), SINCE, deleted=True))
        assert set(ids(deleted)) == {ada.id, made.id, other.id}
        assert await connector.count(ReadQuery("Contact", deleted=True)) is None


async def test_what_belongs_to_records_is_told_with_them():
    async with salesforce(records=300) as connector:
        for name, others in (("Opportunity", ("accounts", "contacts")), ("Account", ("Contacts",))):
            (page,) = await read_all(connector, ReadQuery(name, associations=others))
            assert all(each.associations.keys() == set(others) for each in page.records)
            assert any(each.associations[other] for each in page.records for other in others)
            one = page.records[-1]
            (again,) = await connector.get_by_ids(name, [one.id or ""], (), others)
            assert again.associations == one.associations


async def test_what_is_not_there_and_what_goes_wrong_is_classed():
    async with salesforce(records=20) as connector:
        with pytest.raises(ObjectMissing, match="Butterfly"):
            await connector.read_page(ReadQuery("Butterfly"))
        with pytest.raises(FieldMissing, match="Wings"):
            await connector.read_page(ReadQuery("Contact", ("Wings",)))
        for name in ("Id, (SELECT Id FROM Users)", "Name FROM User --"):
            with pytest.raises(UnusableValue):
                await connector.read_page(ReadQuery("Contact", (name,)))
        with pytest.raises(UnusableValue):
            await connector.read_page(ReadQuery("Account", associations=("Users) FROM User --",)))
        with pytest.raises(UnusableValue, match="CreatedDate"):
            await connector.count(
                ReadQuery("Contact", filters=(("CreatedDate", "2026-01-01T00:00:00Z OR Id != null"),))
            )


@pytest.mark.parametrize(
    ("status", "code", "message", "kind"),
    [
        (401, "INVALID_SESSION_ID", "Session expired or invalid", ErrorKind.AUTH_INVALID),
        (403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.", ErrorKind.QUOTA_EXHAUSTED),
        (403, "REQUEST_LIMIT_EXCEEDED", "ConcurrentRequests Limit exceeded.", ErrorKind.RATE_LIMITED),
        (403, "API_DISABLED_FOR_ORG", "API is not enabled for this Organization", ErrorKind.API_DISABLED),
        (400, "UNABLE_TO_LOCK_ROW", "unable to obtain exclusive access to this record", ErrorKind.RETRYABLE),
        (400, "INVALID_QUERY_LOCATOR", "invalid query locator", ErrorKind.CURSOR_GONE),
        (400, "INVALID_FIELD", "No such column 'Wings' on entity 'Contact'.", ErrorKind.FIELD_MISSING),
        (400, "INVALID_FIELD", "value of filter criterion for field 'A' must be of type date", ErrorKind.BAD_REQUEST),
        (400, "INVALID_TYPE", "sObject type 'Butterfly' is not supported.", ErrorKind.OBJECT_MISSING),
        (400, "MALFORMED_QUERY", "unexpected token: FROM", ErrorKind.BAD_REQUEST),
        (400, "DUPLICATES_DETECTED", "Use one of these records?", ErrorKind.CONFLICT),
        (404, "ENTITY_IS_DELETED", "entity is deleted", ErrorKind.NOT_FOUND),
        (503, "SERVER_UNAVAILABLE", "Service Unavailable", ErrorKind.SERVER),
    ],
)
async def test_errors_by_their_codes(status: int, code: str, message: str, kind: ErrorKind):
    body = [{"errorCode": code, "message": message}]
    long = tuple(f"Field_of_a_long_name_{number}__c" for number in range(400))
    for fields, reply in (
        ((), Reply(body, status)),
        (long, {"compositeResponse": [{"httpStatusCode": status, "httpHeaders": {}, "body": body}]}),
    ):
        async with scripted_provider() as provider:
            provider.answers(reply)
            with pytest.raises(ProviderError) as caught:
                await provider.connector(catalog().get("salesforce")).read_page(ReadQuery("Contact", fields))
        assert (caught.value.kind, caught.value.message, caught.value.code) == (kind, message, code)


async def test_a_session_that_has_ended_is_noticed_by_the_check():
    async with scripted_provider() as provider:
        provider.answers(Reply(b"Bad_OAuth_Token", 403, {"Content-Type": "text/plain"}))
        connector = provider.connector(catalog().get("salesforce"))
        with pytest.raises(AuthInvalid):
            await connector.check()


async def test_what_belongs_to_a_record_may_have_pages_of_its_own():
    def contacts(*ids_: str, following: str | None = None) -> dict[str, Any]:
        more = {"nextRecordsUrl": f"{API}/query/{following}"} if following else {}
        return {"totalSize": 5, "done": not more, **more, "records": [{"Id": each} for each in ids_]}

    accounts = [{"Id": "001A", "Contacts": contacts("003A", "003B", following="01gA-2")}, {"Id": "001B"}]
    query = ReadQuery("Account", associations=("Contacts",))
    async with scripted_provider() as provider:
        connector = provider.connector(catalog().get("salesforce"))
        first = {"totalSize": 2, "done": True, "records": accounts}
        provider.answers(first, contacts("003C", "003D", following="01gA-4"), contacts("003E"))
        page = await connector.read_page(query)
        provider.answers({**first, "records": [{"Id": "001A", "Contacts": contacts(following="01g")}]}, {"records": 7})
        with pytest.raises(MalformedAnswer):
            await connector.read_page(query)
    assert [[each.id for each in record.associations["Contacts"]] for record in page.records] == [
        ["003A", "003B", "003C", "003D", "003E"],
        [],
    ]
    assert page.records[0].raw["Contacts"]["done"]


FIELDS = {
    "Id": "id",
    "Name": "string",
    "IsWon": "boolean",
    "Amount": "currency",
    "Count__c": "int",
    "CreatedDate": "datetime",
    "BillingAddress": "address",
    "BillingCity": "string",
    "BillingLatitude": "double",
    "Home__c": "location",
    "Home__Latitude__s": "double",
    "Home__Longitude__s": "double",
    "Logo": "base64",
}
COLUMNS = "Id,Name,IsWon,Amount,Count__c,CreatedDate,BillingCity,BillingLatitude,Home__Latitude__s,Home__Longitude__s"
FIRST = f"""{COLUMNS}
001A,"A ""loom"", and
more",true,12.5,7,2026-01-31T09:30:00.000Z,London,51.5,,
"""
SECOND = f"{COLUMNS}\n001B,,,,,,,,,\n"
ADDRESS = dict.fromkeys(
    ("city", "country", "geocodeAccuracy", "latitude", "longitude", "postalCode", "state", "street")
)
WANTED = ("Name", "IsWon", "Amount", "Count__c", "CreatedDate", "BillingAddress", "Home__c")


class Org:
    """An org with so many accounts, whose jobs take so many questions."""

    def __init__(self, provider: ScriptedProvider, *, total: int = 60_000, questions: int = 1) -> None:
        self.provider, self.total, self.questions = provider, total, questions
        self.state, self.gone = "JobComplete", False
        self.job_refusal: Reply | None = None
        self.waited: list[float] = []
        provider.answer = self.answer

    def connector(self) -> Connector:
        async def wait(seconds: float) -> None:
            self.waited.append(seconds)

        return self.provider.connector(catalog().get("salesforce"), wait=wait)

    def answer(self, received: Received) -> Any:
        if received.path.endswith("/describe"):
            return {"fields": [{"name": name, "type": type_} for name, type_ in FIELDS.items()]}
        if received.path.endswith(("/query", "/queryAll")) and received.method == "GET":
            next_ = {"nextRecordsUrl": f"{API}/query/01g-2000"} if self.total > 1 else {}
            return {"totalSize": self.total, "done": False, "records": [{"Id": "001A"}], **next_}
        if received.path == f"{API}/jobs/query":
            return self.job_refusal or {"id": "750A", "state": "UploadComplete"}
        if self.gone:
            return Reply([{"errorCode": "NOT_FOUND", "message": "The requested resource does not exist"}], 404)
        if received.path == f"{API}/jobs/query/750A":
            self.questions -= 1
            return {"id": "750A", "state": "InProgress" if self.questions > 0 else self.state, "errorMessage": "No"}
        assert received.path == f"{API}/jobs/query/750A/results"
        is_first = "locator" not in received.query
        table, following = (FIRST, "MTAwMDA") if is_first else (SECOND, "null")
        return Reply(table.encode(), 200, {"Content-Type": "text/csv", "Sforce-Locator": following})


async def test_a_large_backfill_goes_by_a_job_and_goes_on_wherever_it_stopped():
    async with scripted_provider() as provider:
        org = Org(provider, questions=9)
        records, tokens, token = [], [], None
        while True:  # each page in a connector of its own, as after a crash
            page = await org.connector().read_page(ReadQuery("Account", WANTED, SINCE, deleted=True), token)
            records += page.records
            tokens.append(page.next)
            token = page.next
            if token is None:
                break
        posted = [each.json for each in provider.received if each.method == "POST"]
    where = "WHERE SystemModstamp >= 2024-01-01T00:00:00Z AND IsDeleted = true"
    assert posted == [{"operation": "queryAll", "query": f"SELECT {COLUMNS} FROM Account {where}", "lineEnding": "LF"}]
    assert len(tokens) == len(set(tokens)) == 4  # begun, waited, first and second results
    assert org.waited == [0.5, 1.0, 2.0, 4.0, 8.0, 0.5, 1.0]
    assert [(record.id, record.fields) for record in records] == [
        (
            "001A",
            {
                "name": 'A "loom", and\nmore',
                "iswon": True,
                "amount": 12.5,
                "count__c": 7,
                "createddate": "2026-01-31T09:30:00.000+0000",
                "billingaddress": {**ADDRESS, "city": "London", "latitude": 51.5},
                "home__c": None,
            },
        ),
        ("001B", dict.fromkeys((name.lower() for name in WANTED), None)),
    ]
    assert list(records[0].raw) == [
        "attributes", "Id", "Name", "IsWon", "Amount", "Count__c", "CreatedDate", "BillingAddress", "Home__c"
    ]  # fmt: skip


async def test_a_job_gives_just_what_queries_give():
    text = (BUILT_IN / "salesforce" / "provider.yaml").read_text().replace('bulk_from: "50000"', 'bulk_from: "1000"')
    by_jobs = load_definition(text).with_quirks(SalesforceQuirks)
    async with salesforce(records=2001) as connector, salesforce(records=2001, definition=by_jobs) as other:
        for object_name in ("Contact", "Opportunity"):
            fields = tuple((await connector.describe(object_name)).fields)
            asked = [await read_all(each, ReadQuery(object_name, fields, SINCE)) for each in (connector, other)]
            queried, jobbed = ([record for page in pages for record in page.records] for pages in asked)
            assert [(record.id, record.fields, record.raw) for record in jobbed] == [
                (record.id, record.fields, record.raw) for record in queried
            ]
            assert (asked[1][0].records == []) == (object_name == "Contact")  # of those there are more than a thousand


async def test_a_job_is_not_begun_where_it_does_not_serve():
    refusal = Reply([{"errorCode": "INVALIDENTITY", "message": "Entity is not supported by the Bulk API"}], 400)
    async with scripted_provider() as provider:
        for query, jobs in (
            (ReadQuery("Account", ("Name", "Logo")), 0),
            (ReadQuery("Account", ("Owner.Name",)), 0),
            (ReadQuery("Account", ("Name",), associations=("Contacts",)), 0),
            (ReadQuery("Account", ("Name",), page_size=1), 0),
            (ReadQuery("Account", ("Name",)), 1),
        ):
            org = Org(provider)
            org.job_refusal = refusal
            provider.received.clear()
            page = await org.connector().read_page(query)
            assert [record.id for record in page.records] == ["001A"]
            assert len([each for each in provider.received if each.method == "POST"]) == jobs
        assert (await Org(provider, total=49_999).connector().read_page(ReadQuery("Account"))).records


async def test_a_job_that_ends_badly_or_is_gone_begins_the_read_anew():
    async with scripted_provider() as provider:
        org = Org(provider)
        query = ReadQuery("Account", ("Name",))
        begun = await org.connector().read_page(query)
        org.state = "Failed"
        with pytest.raises(CursorGone, match="ended as Failed: No"):
            await org.connector().read_page(query, begun.next)
        org.gone = True
        with pytest.raises(CursorGone, match="no longer"):
            await org.connector().read_page(query, begun.next)
        org.gone, org.state, org.questions = False, "InProgress", 10**9
        waited = (await org.connector().read_page(query, begun.next)).next or ""
        with pytest.raises(CursorGone, match="does not come to its end"):
            await org.connector().read_page(query, waited.replace('"waits":1}', '"waits":2000}'))


CHOICES = {"options": [{"value": each, "label": each.upper(), "order": place} for place, each in enumerate("ab", 1)]}
DRAFTS = [
    FieldDraft("Hobby__c", "Hobby", "string", {"description": "What they like", "unique": True, "indexed": True}),
    FieldDraft("Notes__c", "Notes", "string", {"length": 1000, "default": 'a "note"'}),
    FieldDraft("Member__c", "Member", "boolean", {}),
    FieldDraft("Born__c", "Born", "date", {}),
    FieldDraft("Points__c", "Points", "float", {"precision": 10, "scale": 2, "default": 1.5, "min": 0}),
    FieldDraft("Letter__c", "Letter", "singleSelect", {**CHOICES, "default": "b"}),
    FieldDraft("Letters__c", "Letters", "multiSelect", {**CHOICES, "extensible": True}),
    FieldDraft("Employer__c", "Employer", "string", {"target_object": "Account", "reverse_name": "Staff"}),
]


async def test_fields_are_made_and_shown_to_the_connected_user():
    async with salesforce(records=20) as connector:
        fields = connector.fields_of("Contact")
        await fields.load(DRAFTS)
        made = [await fields.upsert(draft) for draft in DRAFTS]
        assert [(result.name, result.action) for result in made] == [(draft.name, "create") for draft in DRAFTS]
        assert not [warning for result in made for warning in result.warnings]
        told = (await connector.describe("Contact")).fields
        assert [(told[draft.name].provider_type, told[draft.name].is_custom) for draft in DRAFTS] == [
            (type_, True)
            for type_ in ("string", "textarea", "boolean", "date", "double", "picklist", "multipicklist", "reference")
        ]
        (ada,) = await write(connector, "create", WriteEntry({"LastName": "Lovelace", "Hobby__c": "Weaving"}))
        by_hobby = {"external_id_field": "Hobby__c"}
        king = WriteEntry({"LastName": "King", "Letter__c": "b"}, external_id="Weaving")
        (same,) = await write(connector, "upsert", king, **by_hobby)
        both = await write(connector, "upsert", king, WriteEntry({"LastName": "B"}, external_id="x/y"), **by_hobby)
        assert [same.id, both[0].id] == [ada.id, ada.id]
        query = ReadQuery("Contact", ("LastName",), filters=(("Member__c", "false"), ("Letter__c", "b")))
        assert ids(await read_all(connector, query)) == [ada.id]


class Tooling:
    """The custom fields of an org, as the Tooling API has them."""

    def __init__(self) -> None:
        self.fields: dict[str, dict[str, Any]] = {}
        self.made: list[tuple[str, Any]] = []

    def answer(self, received: Received) -> Any:
        if received.path == f"{API}/tooling/query":
            name = received.query["q"].partition("DeveloperName = '")[2].partition("'")[0]
            found = self.fields.get(name)
            return {"totalSize": int(found is not None), "records": [found] if found else []}
        if received.path.startswith(f"{API}/tooling/sobjects/CustomField"):
            name = received.json["FullName"].removesuffix("__c").partition(".")[2] if received.method == "POST" else ""
            name = name or received.path.rpartition("/")[2]
            self.fields[name] = {"Id": name, "FullName": f"Contact.{name}__c", "Metadata": received.json["Metadata"]}
            return Reply(b"", 204) if received.method == "PATCH" else Reply({"id": name, "success": True}, 201)
        if received.path.endswith("/userinfo"):
            return {"user_id": "005A"}
        if received.path == f"{API}/query":
            return {"totalSize": 0, "records": []}
        kind = received.path.rpartition("/")[2]
        self.made.append((kind, received.json))
        if kind == "PermissionSetAssignment":
            return Reply([{"errorCode": "DUPLICATE_VALUE", "message": "Duplicate PermissionSetAssignment"}], 400)
        return Reply({"id": "0PSA", "success": True}, 201)


async def test_fields_in_the_words_of_salesforce():
    async with scripted_provider() as provider:
        tooling = Tooling()
        provider.answer = tooling.answer
        fields = provider.connector(catalog().get("salesforce")).fields_of("Contact")
        assert not list(fields.faults(DRAFTS))
        assert [fault.part for fault in fields.faults([FieldDraft("Hobby", "Hobby", "string")])] == ["name"]
        await fields.load(DRAFTS)
        made = [await fields.upsert(draft) for draft in DRAFTS]
        again = [await fields.upsert(draft) for draft in DRAFTS]
        written = {name: field["Metadata"] for name, field in tooling.fields.items()}
        changed = await fields.upsert(FieldDraft("Hobby__c", "Pastime", "string", {"required": True}))
    assert [result.action for result in made] == ["create"] * len(DRAFTS)
    assert [result.action for result in again] == ["none"] * len(DRAFTS)
    assert {name for result in made for name in result.left_out} == {"min"}
    values = [{"valueName": "a", "label": "A", "default": False}, {"valueName": "b", "label": "B", "default": False}]
    chosen = [values[0], {**values[1], "default": True}]
    assert written == {
        "Hobby": {
            "type": "Text",
            "label": "Hobby",
            "description": "What they like",
            "unique": True,
            "externalId": True,
            "length": 255,
        },
        "Notes": {
            "type": "LongTextArea",
            "label": "Notes",
            "length": 1000,
            "visibleLines": 5,
            "defaultValue": '"a \\"note\\""',
        },
        "Member": {"type": "Checkbox", "label": "Member", "defaultValue": "false"},
        "Born": {"type": "Date", "label": "Born"},
        "Points": {
            "type": "Number",
            "label": "Points",
            "externalId": False,
            "precision": 10,
            "scale": 2,
            "defaultValue": "1.5",
        },
        "Letter": {
            "type": "Picklist",
            "label": "Letter",
            "valueSet": {"restricted": True, "valueSetDefinition": {"sorted": False, "value": chosen}},
        },
        "Letters": {
            "type": "MultiselectPicklist",
            "label": "Letters",
            "visibleLines": 4,
            "valueSet": {"restricted": False, "valueSetDefinition": {"sorted": False, "value": values}},
        },
        "Employer": {
            "type": "Lookup",
            "label": "Employer",
            "referenceTo": "Account",
            "relationshipName": "Staff",
        },
    }
    # What nobody asked to change stays; nobody who sees a required field needs to be shown it.
    assert (changed.action, changed.metadata["Metadata"]["description"]) == ("update", "What they like")
    assert (changed.metadata["Metadata"]["label"], changed.metadata["Metadata"]["required"]) == ("Pastime", True)
    assert tooling.made[:3] == [
        ("PermissionSet", {"Name": PERMISSION_SET, "Label": LABEL, "Description": ABOUT}),
        ("PermissionSetAssignment", {"AssigneeId": "005A", "PermissionSetId": "0PSA"}),
        ("FieldPermissions", permission("Hobby__c")),
    ]
    assert tooling.made[3:] == [("FieldPermissions", permission(each.name)) for each in (*DRAFTS[1:], *DRAFTS)]


def permission(field: str) -> dict[str, Any]:
    rights = {"PermissionsRead": True, "PermissionsEdit": True}
    return {"ParentId": "0PSA", "SobjectType": "Contact", "Field": f"Contact.{field}", **rights}
