"""The community's own client, unchanged, does all its work against the simulator."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from simple_salesforce.exceptions import (
    SalesforceAuthenticationFailed,
    SalesforceExpiredSession,
    SalesforceGeneralError,
    SalesforceMalformedRequest,
    SalesforceOperationError,
    SalesforceRefusedRequest,
    SalesforceResourceNotFound,
)
from simple_salesforce.format import format_external_id, format_soql
from simple_salesforce.login import SalesforceLogin

BY_DOMAIN = {"domain": "example.my"}


def _key() -> str:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    form = serialization.PrivateFormat.PKCS8
    return key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()).decode()


def test_every_way_of_signing_in(org):
    user = {"username": "admin@example.com", "password": "secret"}
    app = {"consumer_key": "app", "consumer_secret": "hush"}
    for credentials in (
        {**user, "security_token": "token"},
        {**user, "organizationId": "00D000000000001"},
        {**user, **app},
        {"username": user["username"], "consumer_key": "app", "privatekey": _key()},
        {**app, **BY_DOMAIN},
    ):
        client = org.client(**credentials)
        assert client.session_id.startswith("00D")
        assert client.query("SELECT COUNT() FROM Contact")["totalSize"] == 4500
    sf = org.client()
    me = sf.oauth2("userinfo")
    assert (me["preferred_username"], me["name"]) == ("admin@example.com", "Ada Lovelace")
    assert sf.User.get(me["user_id"])["Email"] == me["email"]
    refused: tuple[dict[str, Any], ...] = (
        {**user, "password": "wrong", **app},
        {**user, "password": "wrong", "security_token": ""},
        {**app, "consumer_secret": "wrong", **BY_DOMAIN},
        {"username": "unknown", "consumer_key": "app", "privatekey": _key()},
    )
    for wrong in refused:
        with pytest.raises(SalesforceAuthenticationFailed):
            SalesforceLogin(session=org.session, **wrong)


def test_a_session_that_has_ended_is_renewed_by_the_client(org):
    client = org.client(consumer_key="app", consumer_secret="hush", **BY_DOMAIN)
    first = client.session_id
    org.clock.move(7200)
    assert client.query("SELECT Id FROM Organization")["totalSize"] == 1
    assert client.session_id != first
    expired = org.client(session_id="expired", instance="example.my.salesforce.com")
    with pytest.raises(SalesforceExpiredSession, match="INVALID_SESSION_ID"):
        expired.query("SELECT Id FROM Account")


def test_the_org_tells_its_limits_and_what_it_has(sf):
    assert sf.limits()["DailyApiRequests"] == {"Max": 100000, "Remaining": 99999}
    assert (sf.api_usage["api-usage"].used, sf.api_usage["api-usage"].total) == (1, 100000)
    assert sf.is_sandbox() is False
    kinds = {kind["name"]: kind for kind in sf.describe()["sobjects"]}
    assert kinds["Contact"]["keyPrefix"] == "003"
    assert kinds["Machine__c"]["custom"] is True
    assert sf.restful("")["query"] == "/services/data/v60.0/query"
    assert sf.Contact.metadata()["objectDescribe"]["urls"]["sobject"] == "/services/data/v60.0/sobjects/Contact"
    described = sf.Contact.describe()
    fields = {item["name"]: item for item in described["fields"]}
    assert {name: fields[name]["type"] for name in ("Id", "Email", "AccountId", "Birthdate", "MailingAddress")} == {
        "Id": "id",
        "Email": "email",
        "AccountId": "reference",
        "Birthdate": "date",
        "MailingAddress": "address",
    }
    assert (fields["AccountId"]["referenceTo"], fields["AccountId"]["relationshipName"]) == (["Account"], "Account")
    assert (fields["LastName"]["nillable"], fields["LastName"]["createable"]) == (False, True)
    assert (fields["Name"]["createable"], fields["Name"]["updateable"]) == (False, False)
    assert (fields["CreatedDate"]["nillable"], fields["CreatedDate"]["defaultedOnCreate"]) == (False, True)
    assert [one["value"] for one in fields["Interests__c"]["picklistValues"]] == ["API", "Reporting", "Automation"]
    children = {one["relationshipName"]: one["childSObject"] for one in sf.Account.describe()["childRelationships"]}
    assert (children["Contacts"], children["Machines__r"]) == ("Contact", "Machine__c")


def test_a_query_is_read_page_by_page(sf):
    first = sf.query("SELECT Id, Name, Account.Name, Owner.Name FROM Contact")
    assert (first["totalSize"], first["done"], len(first["records"])) == (4500, False, 2000)
    second = sf.query_more(first["nextRecordsUrl"], identifier_is_url=True)
    third = sf.query_more(second["nextRecordsUrl"].rpartition("/")[2])
    assert (third["done"], "nextRecordsUrl" in third, len(third["records"])) == (True, False, 500)
    whole = sf.query_all("SELECT Id, Name, Account.Name, Owner.Name FROM Contact")
    assert whole["records"] == [*first["records"], *second["records"], *third["records"]]
    assert len({record["Id"] for record in whole["records"]}) == 4500
    record = whole["records"][0]
    assert record["attributes"]["url"] == f"/services/data/v60.0/sobjects/Contact/{record['Id']}"
    assert record["Account"]["Name"] == sf.Account.get(sf.Contact.get(record["Id"])["AccountId"])["Name"]
    assert record["Owner"]["Name"] == "Ada Lovelace"
    small = sf.query("SELECT Id FROM Contact", headers={"Sforce-Query-Options": "batchSize=300"})
    assert len(small["records"]) == 300
    assert len(list(sf.query_all_iter("SELECT Id FROM Contact WHERE Title = 'Buyer'"))) > 400
    many = format_soql("SELECT Id FROM Contact WHERE Id IN {}", [record["Id"] for record in whole["records"][:500]])
    assert sf.query(many)["totalSize"] == 500
    with pytest.raises(SalesforceGeneralError, match="URI_TOO_LONG"):
        sf.query(format_soql("SELECT Id FROM Contact WHERE Id IN {}", [r["Id"] for r in whole["records"][:1000]]))
    with pytest.raises(SalesforceMalformedRequest, match="INVALID_QUERY_LOCATOR"):
        sf.query_more("01g000000000000AAA-2000")


def test_a_record_is_created_changed_and_deleted(sf, org):
    account = sf.Account.create({"Name": "Analytical Engines", "NumberOfEmployees": 2, "External_Id__c": "ae"})
    assert account == {"id": account["id"], "success": True, "errors": []}
    body = {"LastName": "Lovelace", "FirstName": "Ada", "Email": "ada@example.com", "MailingCity": "London"}
    contact = sf.Contact.create({**body, "Account": {"External_Id__c": "ae"}, "Interests__c": "API;Reporting"})["id"]
    made = sf.Contact.get(contact)
    assert (made["Name"], made["AccountId"], made["MailingAddress"]["city"]) == (
        "Ada Lovelace",
        account["id"],
        "London",
    )
    assert made["CreatedDate"] == made["SystemModstamp"] == "2026-06-01T12:00:00.123+0000"
    org.clock.move(60)
    assert sf.Contact.update(contact[:15], {"Title": "Countess", "Email": None}) == 204
    assert sf.restful(f"sobjects/Contact/{contact}", {"fields": "Title,Email,SystemModstamp"}) | {"attributes": 0} == {
        "attributes": 0, "Title": "Countess", "Email": None, "SystemModstamp": "2026-06-01T12:01:00.123+0000",
        "Id": contact,
    }  # fmt: skip
    assert sf.restful(f"sobjects/Contact/{contact}?_HttpMethod=PATCH", method="POST", json={"Title": "Lady"}) is None
    assert sf.Contact.get(contact.lower()[:15] + contact[15:])["Title"] == "Lady"
    window = (datetime(2026, 6, 1, 11, tzinfo=UTC), datetime(2026, 6, 1, 13, tzinfo=UTC))
    assert sf.Contact.updated(*window)["ids"] == [contact]
    assert sf.Contact.delete(contact) == 204
    assert [one["id"] for one in sf.Contact.deleted(*window)["deletedRecords"]] == [contact]
    query = format_soql("SELECT Id, IsDeleted FROM Contact WHERE Id IN {}", [contact])
    assert sf.query(query)["totalSize"] == 0
    (gone,) = sf.query(query, include_deleted=True)["records"]
    assert gone["IsDeleted"] is True
    assert sf.query_all("SELECT Id FROM Contact WHERE IsDeleted = true", include_deleted=True)["totalSize"] == 1
    with pytest.raises(SalesforceResourceNotFound, match="ENTITY_IS_DELETED"):
        sf.Contact.delete(contact)
    with pytest.raises(SalesforceResourceNotFound, match="NOT_FOUND"):
        sf.Contact.get(contact)


def test_a_record_is_upserted_by_its_external_id(sf):
    key = format_external_id("External_Id__c", "a/b c?d")
    first: Any = sf.Contact.upsert(key, {"LastName": "Hopper"}, raw_response=True)
    assert (first.status_code, first.json()["created"]) == (201, True)
    assert sf.Contact.upsert(key, {"FirstName": "Grace"}) == 200
    assert sf.Contact.get(key)["Name"] == "Grace Hopper"
    assert sf.Contact.get_by_custom_id("External_Id__c", "CON-17")["External_Id__c"] == "CON-17"
    assert sf.Contact.upsert(f"Id/{first.json()['id']}", {"FirstName": "G."}) == 200
    assert sf.Contact.delete(key) == 204
    with pytest.raises(SalesforceResourceNotFound):
        sf.Contact.get(key)
    with pytest.raises(SalesforceResourceNotFound, match="Provided external ID field does not exist"):
        sf.Contact.upsert("Email/a", {"LastName": "X"})


REFUSALS: dict[str, tuple[dict[str, Any], list[str] | None]] = {
    "REQUIRED_FIELD_MISSING": ({"FirstName": "Ada"}, ["LastName"]),
    "INVALID_FIELD": ({"LastName": "L", "Wings": 2}, None),
    "INVALID_FIELD_FOR_INSERT_UPDATE": ({"LastName": "L", "CreatedDate": "2026-01-01T00:00:00Z"}, ["CreatedDate"]),
    "STRING_TOO_LONG": ({"LastName": "L" * 81}, ["LastName"]),
    "INVALID_EMAIL_ADDRESS": ({"LastName": "L", "Email": "nobody"}, ["Email"]),
    "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST": ({"LastName": "L", "Interests__c": "API;Tea"}, ["Interests__c"]),
    "MALFORMED_ID": ({"LastName": "L", "AccountId": "0035e0000000Q0uAAE"}, ["AccountId"]),
    "INVALID_CROSS_REFERENCE_KEY": ({"LastName": "L", "AccountId": "0015e00000zzzzz"}, []),
    "DUPLICATE_VALUE": ({"LastName": "L", "External_Id__c": "con-1"}, []),
    "JSON_PARSER_ERROR": ({"LastName": "L", "Birthdate": "soon"}, None),
}


def test_what_cannot_be_written_is_refused_in_salesforces_words(sf):
    for code, (body, fields) in REFUSALS.items():
        with pytest.raises(SalesforceMalformedRequest) as refusal:
            sf.Contact.create(body)
        content: Any = refusal.value.content
        (fault,) = content
        assert (fault["errorCode"], fault.get("fields")) == (code, fields), fault
    assert sf.query("SELECT COUNT() FROM Contact")["totalSize"] == 4500
    for name, call in {
        "NOT_FOUND": lambda: sf.Unicorn__c.get("a005e0000000Q0uAAE"),
        "external ID field": lambda: sf.Contact.get("no-id"),
        "does not exist": lambda: sf.Contact.get("0035e00000zzzzz"),
    }.items():
        with pytest.raises(SalesforceResourceNotFound, match=name):
            call()
    for query, code in {
        "SELECT Id, Wings FROM Contact": "INVALID_FIELD",
        "SELECT Id FROM Unicorn": "INVALID_TYPE",
        "SELECT Id FRM Contact": "MALFORMED_QUERY",
    }.items():
        with pytest.raises(SalesforceMalformedRequest, match=code):
            sf.query(query)


def test_collections_tell_what_became_of_each_record(sf):
    def send(method, path="", **json):
        return sf.restful(f"composite/sobjects{path}", method=method, json=json)

    records = [
        {"attributes": {"type": "Account"}, "Name": "One"},
        {"attributes": {"type": "Contact"}, "FirstName": "No last name"},
    ]
    kept, refused = send("POST", records=records)
    assert (kept["success"], refused["success"]) == (True, False)
    assert refused["errors"] == [
        {
            "statusCode": "REQUIRED_FIELD_MISSING",
            "message": "Required fields are missing: [LastName]",
            "fields": ["LastName"],
        }
    ]
    before = sf.query("SELECT COUNT() FROM Account")["totalSize"]
    rolled_back = send("POST", records=records, allOrNone=True)
    assert rolled_back[0]["errors"][0]["statusCode"] == "ALL_OR_NONE_OPERATION_ROLLED_BACK"
    assert sf.query("SELECT COUNT() FROM Account")["totalSize"] == before
    change = {"attributes": {"type": "Account"}, "id": kept["id"], "Name": "Two"}
    changed = send("PATCH", records=[change, {**change, "id": "0015e00000zzzzz"}])
    assert [one["success"] for one in changed] == [True, False]
    assert [one["Name"] for one in send("POST", "/Account", ids=[kept["id"]], fields=["Name"])] == ["Two"]
    path = "/Contact/External_Id__c"
    rows = [{"attributes": {"type": "Contact"}, "External_Id__c": key, "LastName": "Z"} for key in ("CON-1", "new")]
    assert [one["created"] for one in send("PATCH", path, records=rows)] == [False, True]
    deleted = sf.restful(f"composite/sobjects?ids={kept['id']},0015e00000zzzzz&allOrNone=false", method="DELETE")
    assert [one["success"] for one in deleted] == [True, False]
    with pytest.raises(SalesforceMalformedRequest, match="EXCEEDED_ID_LIMIT"):
        send("POST", records=records * 101)


def test_composite_requests_use_what_earlier_ones_answered(sf):
    root = "/services/data/v60.0"
    requests_: list[dict[str, Any]] = [
        {"method": "POST", "url": f"{root}/sobjects/Account", "referenceId": "a", "body": {"Name": "Ref"}},
        {"method": "POST", "url": f"{root}/sobjects/Contact", "referenceId": "c",
         "body": {"LastName": "Ref", "AccountId": "@{a.id}"}},
        {"method": "GET", "url": f"{root}/query?q=SELECT+Name+FROM+Contact+WHERE+AccountId='@{{a.id}}'",
         "referenceId": "q"},
        {"method": "GET", "url": f"{root}/sobjects/Account/describe", "referenceId": "d"},
    ]  # fmt: skip
    answers = sf.restful("composite", method="POST", json={"compositeRequest": requests_})["compositeResponse"]
    assert [answer["httpStatusCode"] for answer in answers] == [201, 201, 200, 200]
    assert answers[2]["body"]["records"][0]["Name"] == "Ref"
    requests_[1]["body"] = {"AccountId": "@{a.id}"}
    before = sf.query("SELECT COUNT() FROM Account")["totalSize"]
    body = {"allOrNone": True, "compositeRequest": requests_}
    answers = sf.restful("composite", method="POST", json=body)["compositeResponse"]
    assert [answer["body"][0]["errorCode"] for answer in answers] == [
        "PROCESSING_HALTED", "REQUIRED_FIELD_MISSING", "PROCESSING_HALTED", "PROCESSING_HALTED",
    ]  # fmt: skip
    assert sf.query("SELECT COUNT() FROM Account")["totalSize"] == before
    batch = {"batchRequests": [{"method": "GET", "url": "v60.0/limits"}, {"method": "GET", "url": "v60.0/nothing"}]}
    answer = sf.restful("composite/batch", method="POST", json=batch)
    assert (answer["hasErrors"], [one["statusCode"] for one in answer["results"]]) == (True, [200, 404])
    tree = {"records": [{"attributes": {"type": "Account", "referenceId": "r1"}, "Name": "Tree", "Contacts": {
        "records": [{"attributes": {"type": "Contact", "referenceId": "r2"}, "LastName": "Leaf"}]}}]}  # fmt: skip
    grown = sf.restful("composite/tree/Account", method="POST", json=tree)
    assert [one["referenceId"] for one in grown["results"]] == ["r1", "r2"]
    assert sf.Contact.get(grown["results"][1]["id"])["AccountId"] == grown["results"][0]["id"]


def test_bulk_queries_come_as_csv_in_parts(sf):
    query = "SELECT Id, Name, Account.Name, HasOptedOutOfEmail, Score__c, CreatedDate FROM Contact"
    client = sf.bulk2.Contact._client
    job = client.create_job("query", query=query)
    assert (job["state"], job["object"]) == ("UploadComplete", "Contact")
    with pytest.raises(SalesforceMalformedRequest, match="INVALIDJOBSTATE"):
        client.get_query_results(job["id"])
    client.wait_for_job(job["id"], is_query=True, wait=0)
    info = client.get_job(job["id"], is_query=True)
    assert (info["state"], info["numberRecordsProcessed"]) == ("JobComplete", 4500)
    rows: list[dict[str, str]] = []
    locator, sizes = "", []
    while True:
        part = client.get_query_results(job["id"], locator, max_records=2000)
        rows += csv.DictReader(io.StringIO(part["records"]))
        sizes.append(part["number_of_records"])
        locator = part["locator"]
        if not locator:
            break
    assert (sizes, len(rows)) == ([2000, 2000, 500], 4500)
    record = sf.query(f"{query} LIMIT 1")["records"][0]
    assert rows[0] == {
        "Id": record["Id"],
        "Name": record["Name"],
        "Account.Name": record["Account"]["Name"],
        "HasOptedOutOfEmail": str(record["HasOptedOutOfEmail"]).lower(),
        "Score__c": "" if record["Score__c"] is None else str(record["Score__c"]),
        "CreatedDate": record["CreatedDate"].replace("+0000", "Z"),
    }
    parts = sf.bulk2.Contact.query("SELECT Id FROM Contact WHERE Title = 'Buyer'", max_records=300, wait=0)
    assert next(iter(parts)).count("\n") == 301
    running = client.create_job("queryAll", query="SELECT Id FROM Account")
    assert client.abort_job(running["id"], is_query=True)["state"] == "Aborted"
    bad = client.create_job("query", query="SELECT MailingAddress FROM Contact")
    with pytest.raises(SalesforceOperationError, match="compound data not supported"):
        client.wait_for_job(bad["id"], is_query=True, wait=0)
    with pytest.raises(SalesforceMalformedRequest, match="INVALID_FIELD"):
        client.create_job("query", query="SELECT Wings FROM Contact")
    sf.restful(f"jobs/query/{job['id']}", method="DELETE")
    with pytest.raises(SalesforceResourceNotFound):
        client.get_job(job["id"], is_query=True)


def test_bulk_jobs_insert_upsert_update_and_delete(sf):
    contacts = sf.bulk2.Contact
    rows = [
        {"LastName": 'Bulk, "One"', "Account.External_Id__c": "ACC-3", "Score__c": "1.5"},
        {"LastName": "", "Account.External_Id__c": "", "Score__c": ""},
        {"LastName": "Three", "Account.External_Id__c": "", "Score__c": "much"},
    ]
    (job,) = contacts.insert(records=rows, wait=0)
    assert (job["numberRecordsProcessed"], job["numberRecordsFailed"]) == (3, 2)
    kept = list(csv.DictReader(io.StringIO(contacts.get_successful_records(job["job_id"]))))
    assert [(row["sf__Created"], row["LastName"]) for row in kept] == [("true", 'Bulk, "One"')]
    made = sf.Contact.get(kept[0]["sf__Id"])
    assert (made["Score__c"], made["AccountId"]) == (1.5, sf.Account.get("External_Id__c/ACC-3")["Id"])
    failed = [row["sf__Error"] for row in csv.DictReader(io.StringIO(contacts.get_failed_records(job["job_id"])))]
    assert [one.partition(":")[0] for one in failed] == ["REQUIRED_FIELD_MISSING", "INVALID_TYPE_ON_FIELD_IN_RECORD"]
    assert contacts.get_unprocessed_records(job["job_id"]).count("\n") == 1
    rows = [{"External_Id__c": key, "LastName": "Up"} for key in ("CON-5", "up-1")]
    (job,) = contacts.upsert(records=rows, external_id_field="External_Id__c", wait=0)
    created = [
        row["sf__Created"] for row in csv.DictReader(io.StringIO(contacts.get_successful_records(job["job_id"])))
    ]
    assert created == ["false", "true"]
    change = [{"Id": made["Id"], "FirstName": "New", "Score__c": "#N/A"}]
    (job,) = contacts.update(records=change, column_delimiter="TAB", line_ending="CRLF", wait=0)
    assert job["numberRecordsFailed"] == 0
    after = sf.Contact.get(made["Id"])
    assert (after["FirstName"], after["Score__c"], after["LastName"]) == ("New", None, 'Bulk, "One"')
    (job,) = contacts.delete(records=[{"Id": made["Id"]}, {"Id": "0035e00000zzzzz"}], wait=0)
    assert (job["numberRecordsProcessed"], job["numberRecordsFailed"]) == (2, 1)
    with pytest.raises(SalesforceOperationError, match="Field name not found : Wings"):
        contacts.insert(records=[{"LastName": "L", "Wings": "2"}], wait=0)


def test_custom_fields_are_made_and_used_at_once(sf):
    def tool(action, method="GET", **data):
        return sf.toolingexecute(action, method, data or None)

    metadata = {"type": "Text", "label": "Shoe Size", "length": 5}
    made = tool("sobjects/CustomField", "POST", FullName="Contact.Shoe_Size__c", Metadata=metadata)
    assert made["success"] is True
    contact = sf.Contact.create({"LastName": "L", "Shoe_Size__c": "42"})["id"]
    assert sf.query("SELECT Shoe_Size__c FROM Contact WHERE Shoe_Size__c = '42'")["totalSize"] == 1
    with pytest.raises(SalesforceMalformedRequest, match="DUPLICATE_DEVELOPER_NAME"):
        tool("sobjects/CustomField", "POST", FullName="Contact.Shoe_Size__c", Metadata=metadata)
    where = "TableEnumOrId = 'Contact' AND DeveloperName IN ('Shoe_Size')"
    query = f"query/?q=SELECT Id, FullName, Metadata, EntityDefinition.QualifiedApiName FROM CustomField WHERE {where}"
    (found,) = tool(query)["records"]
    assert (found["Id"], found["Metadata"]["length"], found["EntityDefinition"]["QualifiedApiName"]) == (
        made["id"], 5, "Contact")  # fmt: skip
    tool(f"sobjects/CustomField/{made['id']}", "PATCH", Metadata={**metadata, "length": 20, "label": "Size"})
    described = {item["name"]: item for item in sf.Contact.describe()["fields"]}["Shoe_Size__c"]
    assert (described["length"], described["label"], described["custom"]) == (20, "Size", True)
    kinds: dict[str, dict[str, Any]] = {
        "Long__c": {"type": "LongTextArea", "length": 1000, "visibleLines": 3},
        "Check__c": {"type": "Checkbox", "defaultValue": "false"},
        "Day__c": {"type": "Date"},
        "Moment__c": {"type": "DateTime"},
        "Amount__c": {"type": "Number", "precision": 10, "scale": 2},
        "Pick__c": {"type": "Picklist", "valueSet": {"valueSetDefinition": {"sorted": False, "value": [
            {"fullName": "a", "label": "A"}]}}},
        "Ref__c": {"type": "Lookup", "referenceTo": "Account", "relationshipName": "Refs"},
    }  # fmt: skip
    for name, more in kinds.items():
        body = {"label": name, **more}
        assert tool("sobjects/CustomField", "POST", FullName=f"Machine__c.{name}", Metadata=body)["success"]
    types = {item["name"]: item["type"] for item in sf.Machine__c.describe()["fields"]}
    assert [types[name] for name in kinds] == [
        "textarea", "boolean", "date", "datetime", "double", "picklist", "reference"]  # fmt: skip
    assert sf.query("SELECT COUNT() FROM Machine__c WHERE Check__c = false")["totalSize"] == 450
    tool(f"sobjects/CustomField/{made['id']}", "DELETE")
    assert "Shoe_Size__c" not in sf.Contact.get(contact)
    bad: tuple[dict[str, Any], ...] = (
        {"type": "Text", "label": "X"},
        {"type": "Text", "length": 5},
        {"type": "Wings", "label": "X"},
    )
    for body in bad:
        with pytest.raises(SalesforceMalformedRequest):
            tool("sobjects/CustomField", "POST", FullName="Contact.Bad__c", Metadata=body)


def test_permission_sets_let_a_field_be_seen(sf):
    permission_set = sf.PermissionSet.create({"Name": "IntegrationCustomFieldVisibility", "Label": "Visibility"})["id"]
    with pytest.raises(SalesforceMalformedRequest, match="DUPLICATE_VALUE"):
        sf.PermissionSet.create({"Name": "IntegrationCustomFieldVisibility", "Label": "Visibility"})
    row = {"ParentId": permission_set, "SobjectType": "Contact", "PermissionsRead": True, "PermissionsEdit": True}
    sf.FieldPermissions.create({**row, "Field": "Contact.Score__c"})
    for field, code in {"Contact.Score__c": "DUPLICATE_VALUE", "Contact.Wings__c": "RESTRICTED_PICKLIST"}.items():
        with pytest.raises(SalesforceMalformedRequest, match=code):
            sf.FieldPermissions.create({**row, "Field": field})
    user = sf.query("SELECT Id FROM User WHERE Username = 'admin@example.com'")["records"][0]["Id"]
    sf.PermissionSetAssignment.create({"PermissionSetId": permission_set, "AssigneeId": user})
    with pytest.raises(SalesforceMalformedRequest, match="DUPLICATE_VALUE"):
        sf.PermissionSetAssignment.create({"PermissionSetId": permission_set, "AssigneeId": user})
    query = "SELECT Field, Parent.Name FROM FieldPermissions WHERE Parent.Name LIKE 'Integration%'"
    assert [one["Field"] for one in sf.query(query)["records"]] == ["Contact.Score__c"]


def test_searches_find_words(sf):
    sf.Contact.create({"LastName": "Lovelace", "FirstName": "Ada", "Email": "ada@analytical.example"})
    found = sf.search("FIND {ada lovel*} IN ALL FIELDS RETURNING Contact(Id, Name WHERE Email != null LIMIT 5), Lead")
    assert [(one["attributes"]["type"], one["Name"]) for one in found["searchRecords"]] == [("Contact", "Ada Lovelace")]
    assert len(sf.quick_search("Lovelace")["searchRecords"]) == 1
    assert sf.quick_search("ovelace")["searchRecords"] == []
    with pytest.raises(SalesforceMalformedRequest, match="MALFORMED_SEARCH"):
        sf.quick_search("")


def test_faults_come_when_they_are_asked_for(org, sf):
    org.control(
        "fail",
        rules=[
            "500@request=1",
            "403@request=2",
            "400/UNABLE_TO_LOCK_ROW@request=3",
            "404/INVALID_QUERY_LOCATOR@page=2",
        ],
    )
    with pytest.raises(SalesforceGeneralError) as fault:
        sf.limits()
    assert fault.value.status == 500
    with pytest.raises(SalesforceRefusedRequest, match="REQUEST_LIMIT_EXCEEDED"):
        sf.limits()
    with pytest.raises(SalesforceMalformedRequest, match="UNABLE_TO_LOCK_ROW"):
        sf.Contact.create({"LastName": "L"})
    with pytest.raises(SalesforceResourceNotFound, match="INVALID_QUERY_LOCATOR"):
        sf.query_all("SELECT Id FROM Contact")
    org.control("fail", rules=[])
    ids = org.control("records/Contact", count=3)["ids"]
    since = (org.clock.moment - timedelta(seconds=1)).replace(microsecond=0)
    changed = sf.query(format_soql("SELECT Id FROM Contact WHERE SystemModstamp > {}", since))
    assert [record["Id"] for record in changed["records"]] == ids
    assert "There is no object" in org.control("records/Unicorn", count=3)["error"]
