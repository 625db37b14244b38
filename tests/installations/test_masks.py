"""What each update mask replaces, and which are refused."""

from __future__ import annotations

from typing import Any

import pytest

from conjunct.installations.masks import ALLOWED_MASKS, apply_masks
from conjunct.installations.problems import InvalidUpdateMask
from conjunct.manifests import Integration

INTEGRATION = Integration.model_validate(
    {
        "name": "crm",
        "provider": "acme",
        "read": {
            "objects": [
                {"objectName": "contacts", "mapToName": "people", "destination": "hook", "schedule": ""},
                {"objectName": "job", "destination": "hook", "schedule": ""},
                {"objectName": "job.appointments", "destination": "hook", "schedule": ""},
            ]
        },
        "write": {"objects": [{"objectName": "contacts"}, {"objectName": "leads"}]},
    }
)
CURRENT: dict[str, Any] = {
    "provider": "acme",
    "read": {"objects": {"contacts": {"old": 1}, "job": {"old": 1}}},
    "write": {"objects": {"contacts": {"old": 1}}},
}


def given(**content: Any) -> dict[str, Any]:
    return {"config": {"content": content}}


def objects(**named: Any) -> dict[str, Any]:
    return {"objects": named}


@pytest.mark.parametrize(
    ("mask", "value", "action", "expected", "touched"),
    [
        (
            "config.content.read.objects.contacts",
            given(read=objects(contacts={"new": 1}, job={"new": 1})),
            "read",
            {"job": {"old": 1}, "contacts": {"new": 1}},
            "config.content.read.objects.contacts",
        ),
        (
            "config.content.read.objects.people",
            given(read=objects(people={"new": 1})),
            "read",
            {"job": {"old": 1}, "people": {"new": 1}},
            "config.content.read.objects.people",
        ),
        (
            "config.content.read.objects.job.appointments",
            given(read={"objects": {"job": {"new": 1}, "job.appointments": {"new": 2}}}),
            "read",
            {"contacts": {"old": 1}, "job": {"old": 1}, "job.appointments": {"new": 2}},
            "config.content.read.objects.job.appointments",
        ),
        (
            "config.content.read.objects.job\\.appointments",
            given(read={"objects": {"job.appointments": {"new": 2}}}),
            "read",
            {"contacts": {"old": 1}, "job": {"old": 1}, "job.appointments": {"new": 2}},
            "config.content.read.objects.job.appointments",
        ),
        (
            "config.content.write.objects.leads",
            given(write=objects(leads={})),
            "write",
            {"contacts": {"old": 1}, "leads": {}},
            "config.content.write.objects.leads",
        ),
        ("config.content.write.objects", given(write=objects()), "write", {}, "config.content.write.objects"),
        (
            "config.content.subscribe.objects.contacts",
            given(subscribe=objects(contacts={"new": 1})),
            "subscribe",
            {"contacts": {"new": 1}},
            "config.content.subscribe.objects.contacts",
        ),
        (
            "config.content.subscribe.objects",
            given(subscribe=objects(contacts={"new": 1})),
            "subscribe",
            {"contacts": {"new": 1}},
            "config.content.subscribe.objects",
        ),
    ],
)
def test_a_mask_replaces_one_place_and_nothing_else(mask, value, action, expected, touched):
    change = apply_masks(CURRENT, value, [mask], INTEGRATION)
    assert change.content == {**CURRENT, action: {"objects": expected}}
    assert change.touched == (touched,)
    assert (change.connection_id, change.created_by) == (None, None)


def test_the_parts_beside_the_content():
    value = {"connectionId": "c2", "config": {"createdBy": "builder:b", "content": {"proxy": {"enabled": False}}}}
    masks = ["connectionId", "config.createdBy", "config.content.proxy.enabled"]
    change = apply_masks(CURRENT, value, masks, INTEGRATION)
    assert (change.connection_id, change.created_by) == ("c2", "builder:b")
    assert change.content == {**CURRENT, "proxy": {"enabled": False}}
    assert apply_masks(CURRENT, value, masks[:1], INTEGRATION).content == CURRENT


def test_several_masks_work_together():
    value = given(read=objects(contacts={"new": 1}, job={"new": 1}))
    masks = ["config.content.read.objects.contacts", "config.content.read.objects.job"]
    change = apply_masks(CURRENT, value, masks, INTEGRATION)
    assert change.content["read"]["objects"] == {"contacts": {"new": 1}, "job": {"new": 1}}


@pytest.mark.parametrize(
    ("mask", "words"),
    [
        ("", "cannot be updated"),
        ("groupRef", "cannot be updated"),
        ("config", "cannot be updated"),
        ("config.content", "cannot be updated"),
        ("config.content.provider", "cannot be updated"),
        ("config.revisionId", "cannot be updated"),
        ("config.content.read", "cannot be updated"),
        ("config.content.read.objects", "cannot be updated"),
        ("config.content.read.objects.", "cannot be updated"),
        ("config.content.proxy", "cannot be updated"),
        ("config.content.read.objects.contacts.schedule", "inside contacts is replaced whole"),
        ("connectionId", "no value"),
        ("config.createdBy", "no value"),
        ("config.content.proxy.enabled", "no value"),
        ("config.content.read.objects.deals", "no value"),
        ("config.content.read.objects.job.appointments", "no value"),
        ("config.content.read.objects.job", "no value"),
        ("config.content.write.objects", "no value"),
        ("config.content.subscribe.objects.contacts", "no value"),
    ],
)
def test_other_masks_are_refused_with_those_that_are_allowed(mask, words):
    value = given(read={"objects": {"contacts": {}, "job": None}}, write={}, subscribe={"objects": "x"})
    with pytest.raises(InvalidUpdateMask) as refused:
        apply_masks(CURRENT, value, ["config.content.read.objects.contacts", mask], INTEGRATION)
    [issue] = refused.value.issues
    assert issue.name == "updateMask.1"
    assert words in issue.detail
    assert all(allowed in str(refused.value.remedy) for allowed in ALLOWED_MASKS)


def test_an_empty_mask_and_a_wrong_type_are_refused():
    with pytest.raises(InvalidUpdateMask):
        apply_masks(CURRENT, {}, [], INTEGRATION)
    with pytest.raises(InvalidUpdateMask, match="cannot be applied"):
        apply_masks(CURRENT, {"connectionId": 5}, ["connectionId"], INTEGRATION)
