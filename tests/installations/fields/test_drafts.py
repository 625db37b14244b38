"""Fields on the wire, as a connector is asked for them."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from conjunct.connectors import FieldDraft, FieldResult
from conjunct.installations.fields.drafts import draft_of, result_of
from conjunct.installations.fields.schemas import FieldDefinition, UpsertMetadata
from tests.support.specification import require_specification, specification


def field(value_type: str = "string", **more: Any) -> FieldDefinition:
    return FieldDefinition.model_validate({"fieldName": "mood", "displayName": "Mood", "valueType": value_type, **more})


def facts(value_type: str = "string", **more: Any) -> dict[str, Any]:
    return dict(draft_of(field(value_type, **more)).facts)


def test_what_is_not_said_is_no_fact():
    assert draft_of(field(required=False, unique=False, description="")) == FieldDraft("mood", "Mood", "string", {})


def test_what_is_said_is_a_fact_even_when_it_is_nothing_or_zero():
    numbers = {"precision": 5, "scale": 0, "min": 0, "max": 100, "defaultValue": 0}
    expected = {"precision": 5, "scale": 0, "min": 0, "max": 100, "default": 0}
    assert facts("float", numericOptions=numbers) == expected
    assert facts(required=True, unique=True, indexed=True, stringOptions={"length": 9, "defaultValue": ""}) == {
        "required": True,
        "unique": True,
        "indexed": True,
        "length": 9,
        "default": "",
    }


def test_a_text_of_given_values_is_a_select():
    options = {"values": ["a", "b"], "valuesRestricted": True}
    draft = draft_of(field(stringOptions=options))
    assert draft.value_type == "singleSelect"
    listed = [{"value": "a", "label": "a", "order": 1}, {"value": "b", "label": "b", "order": 2}]
    assert draft.facts == {"options": listed}
    assert draft_of(field("multiSelect", stringOptions=options)).value_type == "multiSelect"


def test_a_text_with_proposed_values_stays_a_text():
    draft = draft_of(field(stringOptions={"values": ["a"], "valuesRestricted": False, "length": 9}))
    assert (draft.value_type, draft.facts) == ("string", {"length": 9})


def test_a_select_may_take_other_values():
    assert facts("singleSelect", stringOptions={"values": ["a"], "valuesRestricted": False})["extensible"] is True
    assert "extensible" not in facts("singleSelect", stringOptions={"values": ["a"]})


def test_an_association_is_told_in_parts():
    association = {
        "associationType": "lookup",
        "targetObject": "Contact",
        "targetField": "Id",
        "cardinality": "many-to-one",
        "onDelete": "setNull",
        "required": True,
        "reverseLookupFieldName": "Tasks",
        "labels": {"singular": "Contact", "plural": "Contacts"},
    }
    assert facts("reference", association=association) == {
        "association": "lookup",
        "target_object": "Contact",
        "target_field": "Id",
        "cardinality": "many-to-one",
        "on_delete": "setNull",
        "association_required": True,
        "reverse_name": "Tasks",
        "singular_label": "Contact",
        "plural_label": "Contacts",
    }


def warnings(definition: FieldDefinition, *left_out: str) -> list[str]:
    return result_of(FieldResult("mood", "create", {}, left_out), definition).warnings or []


@pytest.mark.parametrize(
    ("value_type", "options", "parts"),
    [
        ("string", {"numericOptions": {"min": 1}}, ["numericOptions"]),
        ("int", {"stringOptions": {"length": 1}}, ["stringOptions"]),
        ("string", {"stringOptions": {"values": ["a"]}}, ["stringOptions.values"]),
        ("singleSelect", {"stringOptions": {"values": ["a"], "pattern": "a", "length": 1}}, ["length", "pattern"]),
        ("float", {"numericOptions": {"min": 1}}, []),
        ("string", {"stringOptions": {"length": 1}}, []),
    ],
)
def test_what_means_nothing_for_the_type_is_told(value_type: str, options: dict[str, Any], parts: list[str]):
    told = warnings(field(value_type, **options))
    assert len(told) == len(parts)
    assert all(f"{part}' means nothing" in words for part, words in zip(parts, told, strict=True))


def test_what_was_left_out_is_told_in_the_words_of_the_wire():
    told = warnings(field(), "length", "required", "association", "target_object", "on_delete")
    assert [words.split("'")[1] for words in told] == ["stringOptions.length", "required", "association"]
    assert [words.split("'")[1] for words in warnings(field(), "on_delete")] == ["association.onDelete"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"fieldName": ""},
        {"fieldName": "x" * 201},
        {"displayName": ""},
        {"valueType": ""},
        {"description": "x" * 5001},
        {"stringOptions": {"length": 0}},
        {"stringOptions": {"values": ["a", "a"]}},
        {"stringOptions": {"values": [""]}},
        {"stringOptions": {"values": ["x"] * 5001}},
        {"numericOptions": {"min": 2, "max": 1}},
        {"numericOptions": {"precision": 2, "scale": 3}},
        {"numericOptions": {"precision": 1.5}},
        {"association": {"associationType": "lookup"}},
    ],
)
def test_what_no_provider_could_make_is_refused(wrong: dict[str, Any]):
    with pytest.raises(ValidationError):
        FieldDefinition.model_validate({**field().model_dump(by_alias=True), **wrong})


def test_there_is_a_limit_of_fields():
    one = field().model_dump(by_alias=True)
    many = {"contacts": [one] * 60, "deals": [one] * 40}
    assert len(UpsertMetadata.model_validate({"groupRef": "g", "fields": many}).fields) == 2
    with pytest.raises(ValidationError, match="100 fields"):
        UpsertMetadata.model_validate({"groupRef": "g", "fields": {**many, "tickets": [one]}})


def test_the_specifications_own_examples_are_good():
    require_specification()
    paths = (specification() or {})["paths"]
    seen = 0
    for path in paths:
        if not path.endswith("/object-metadata"):
            continue
        for example in paths[path]["put"]["requestBody"]["content"]["application/json"]["examples"].values():
            request = UpsertMetadata.model_validate(example["value"])
            assert all(draft_of(each).name for fields in request.fields.values() for each in fields)
            seen += 1
    assert seen == 6
