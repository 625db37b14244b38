"""How a record becomes an entry of a message."""

from conjunct.connectors import ALL_FIELDS, Record
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
        value_mappings={"stage": {"NEW": "lead"}, "title": {"boss": "CEO"}},
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
