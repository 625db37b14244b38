"""How a record becomes an entry of a message."""

from conjunct.connectors import ALL_FIELDS, Associated, Record
from conjunct.installations import ReadObject
from conjunct.installations.mapping import as_provider, plan_mapping

RAW = {"properties": {"Email": "a@b.c", "jobTitle": "CEO", "stage": "lead"}}


def make(**changes: object) -> ReadObject:
    return ReadObject(object_name="contacts", mapped_name=None, destination="d", schedule=None, **changes)  # type: ignore[arg-type]


def entry(read_object: ReadObject, **fields: object) -> dict[str, object]:
    return plan_mapping(read_object).entry(Record(id="1", fields=fields, raw=RAW))


def test_selected_fields_are_delivered_under_their_lower_cased_names() -> None:
    assert entry(make(fields=("Email",)), email="a@b.c") == {
        "fields": {"email": "a@b.c"},
        "mappedFields": {},
        "raw": RAW,
    }


def test_mapped_fields_are_delivered_under_the_builders_names_only() -> None:
    read_object = make(fields=("email", "phone"), mappings={"title": "jobTitle"})
    assert plan_mapping(read_object).requested == ("email", "phone", "jobTitle")
    found = entry(read_object, email="a@b.c", jobtitle="CEO")
    assert found["fields"] == {"email": "a@b.c"}
    assert found["mappedFields"] == {"title": "CEO"}


def test_a_mapped_field_does_not_slip_in_for_a_missing_selected_one() -> None:
    read_object = make(fields=("email", "phone"), mappings={"title": "jobTitle"})
    found = entry(read_object, email="a@b.c", jobtitle="CEO")
    assert "jobtitle" not in found["fields"]  # type: ignore[operator]


def test_all_fields_are_delivered_when_all_are_selected() -> None:
    read_object = make(fields=("email",), mappings={"title": "jobTitle"}, all_fields=True)
    assert plan_mapping(read_object).requested == ("email", "jobTitle", ALL_FIELDS)
    found = entry(read_object, email="a@b.c", jobtitle="CEO", stage="lead")
    assert found["fields"] == {"email": "a@b.c", "jobtitle": "CEO", "stage": "lead"}
    assert found["mappedFields"] == {"title": "CEO"}


def test_values_are_translated_from_the_providers_to_the_builders() -> None:
    read_object = make(
        fields=("stage",),
        mappings={"title": "jobTitle"},
        value_mappings={"Stage": {"NEW": "lead"}, "JobTitle": {"boss": "CEO"}},
    )
    found = entry(read_object, stage="lead", jobtitle="CEO")
    assert found["fields"] == {"stage": "NEW"}
    assert found["mappedFields"] == {"title": "boss"}


def test_values_without_a_translation_and_other_types_pass_unchanged() -> None:
    read_object = make(
        fields=("stage", "n", "tags"), value_mappings={"stage": {"NEW": "lead"}, "n": {"x": "1"}, "tags": {"A": "a"}}
    )
    found = entry(read_object, stage="customer", n=1, tags=["a", "b"])
    assert found["fields"] == {"stage": "customer", "n": 1, "tags": ["A", "b"]}


def test_absent_fields_are_absent_and_nulls_are_null() -> None:
    found = entry(make(fields=("email", "phone"), mappings={"title": "jobTitle"}), phone=None)
    assert found["fields"] == {"phone": None}
    assert found["mappedFields"] == {}


def test_nested_names_are_delivered_as_objects() -> None:
    """As Ampersand's page on nested field mapping shows it."""
    nested = "$['moreInfo']['currentStatus']"
    read_object = make(
        fields=("$['address']['city']",),
        mappings={"mail": "$['userInfo']['email']", nested: "stage", "$['moreInfo']['since']": "at"},
        value_mappings={nested: {"OPEN": "lead"}},
    )
    found = plan_mapping(read_object).entry(
        Record("1", {"$['address']['city']": "Rome", "$['userinfo']['email']": "a@b.c", "stage": "lead"}, RAW)
    )
    assert found["fields"] == {"$['address']['city']": "Rome"}
    assert found["mappedFields"] == {"mail": "a@b.c", "moreInfo": {"currentStatus": "OPEN"}}


def test_a_nested_name_within_a_mapped_value_stays_as_it_is_written() -> None:
    read_object = make(mappings={"info": "stage", "$['info']['x']": "email", "$['": "phone"})
    found = entry(read_object, stage="lead", email="a@b.c", phone="1")
    assert found["mappedFields"] == {"info": "lead", "$['info']['x']": "a@b.c", "$['": "1"}


def test_an_empty_value_is_translated_to_none_that_the_group_left_unmapped() -> None:
    read_object = make(fields=("stage",), value_mappings={"stage": {"NEW": "lead", "OLD": ""}})
    assert entry(read_object, stage="")["fields"] == {"stage": ""}


def test_associations_have_the_builders_name_and_an_entry_for_each_kind() -> None:
    label = {"category": "USER_DEFINED", "typeId": 7, "label": "Boss"}
    usual = {"category": "HUBSPOT_DEFINED", "typeId": 1, "label": None}
    associations = {
        "companies": [Associated("c1", [usual, label], {"toObjectId": 1}), Associated("c2", [])],
        "notes": [Associated("n1", None, {"Id": "n1"}), Associated("n2", None, "n2")],
        "deals": [],
    }
    plan = plan_mapping(make(associations={"companies": "company", "notes": "notes", "deals": "deals"}))
    company = {"objectName": "company", "rawObjectName": "companies"}
    note = {"objectName": "notes", "rawObjectName": "notes"}
    assert plan.entry(Record("1", {}, RAW, associations))["associations"] == {
        "companies": [
            {"id": "c1", **company, "providerAssociationMetadata": usual},
            {"id": "c1", **company, "providerAssociationMetadata": label},
            {"id": "c2", **company},
        ],
        "notes": [{"id": "n1", **note, "raw": {"Id": "n1"}}, {"id": "n2", **note}],
        "deals": [],
    }


def test_deleted_records_are_marked() -> None:
    plan = plan_mapping(make(fields=("email",)))
    record = Record("1", {"email": "a@b.c"}, RAW)
    assert plan.deleted_entry(record) == {**plan.entry(record), "deleted": True}


def test_conditions_on_delivered_names_and_values_become_the_providers() -> None:
    read_object = make(
        fields=("Email",),
        mappings={"title": "jobTitle"},
        value_mappings={"title": {"boss": "CEO"}, "stage": {"new": "lead"}},
    )
    given = (("title", "boss"), ("title", "clerk"), ("jobTitle", "boss"), ("stage", "new"), ("open", True), ("n", 5))
    assert as_provider(read_object, given) == (
        ("jobTitle", "CEO"),
        ("jobTitle", "clerk"),
        ("jobTitle", "boss"),
        ("stage", "lead"),
        ("open", True),
        ("n", 5),
    )
