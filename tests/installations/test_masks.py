"""What each update mask replaces, and which are refused."""

from __future__ import annotations

from typing import Any

import pytest

from conjunct.installations.masks import ALLOWED_MASKS, Change, apply_masks
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
MASK = "config.content.read.objects"
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
        ("config.content.write.objects", given(read=objects()), "write", {}, "config.content.write.objects"),
        (
            "config.content.read.objects",
            given(read=objects(job={})),
            "read",
            {"job": {}},
            "config.content.read.objects",
        ),
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
    ("mask", "value", "expected"),
    [
        (
            "read.objects.contacts.disabled",
            {"read": objects(contacts={"disabled": True, "old": 2})},
            {"read": objects(contacts={"old": 1, "disabled": True}, job={"old": 1})},
        ),
        (
            "read.objects.people.old",
            {"read": objects(people={"old": 2})},
            {"read": objects(contacts={"old": 2}, job={"old": 1})},
        ),
        (
            "read.objects.job.appointments.disabled",
            {"read": {"objects": {"job.appointments": {"disabled": True}}}},
            {"read": {"objects": {**CURRENT["read"]["objects"], "job.appointments": {"disabled": True}}}},
        ),
        (
            "read.objects.job\\.appointments.disabled",
            {"read": {"objects": {"job.appointments": {"disabled": True}}}},
            {"read": {"objects": {**CURRENT["read"]["objects"], "job.appointments": {"disabled": True}}}},
        ),
        (
            "read.objects.contacts.selectedFields.$['address']['city.name']",
            {"read": objects(contacts={"selectedFields": {"$['address']['city.name']": True, "$['address']": 1}})},
            {
                "read": objects(
                    contacts={"old": 1, "selectedFields": {"$['address']['city.name']": True}}, job={"old": 1}
                )
            },
        ),
        ("read.objects.contacts", {"read": objects(contacts=None)}, {"read": objects(job={"old": 1})}),
        ("read.objects.people", {"read": objects(people=None)}, {"read": objects(job={"old": 1})}),
        (
            "read.objects.contacts.old",
            {"read": objects(contacts={"old": None})},
            {"read": objects(contacts={}, job={"old": 1})},
        ),
        ("read", {"read": None}, {}),
        ("write", {"write": objects(leads={})}, {"write": objects(leads={})}),
        ("subscribe", {"subscribe": None}, {}),
        ("subscribe.objects.contacts", {"subscribe": objects(contacts=None)}, {}),
        ("subscribe", {"subscribe": objects(contacts={})}, {"subscribe": objects(contacts={})}),
        ("proxy", {"proxy": {"enabled": True}}, {"proxy": {"enabled": True}}),
        ("provider", {"provider": "other"}, {"provider": "other"}),
    ],
)
def test_a_place_inside_or_a_whole_part_may_be_named_and_null_takes_it_out(mask, value, expected):
    change = apply_masks(CURRENT, given(**value), [f"config.content.{mask}"], INTEGRATION)
    rest = {key: each for key, each in CURRENT.items() if key != mask.partition(".")[0]}
    assert change.content == {**rest, **expected}


def test_the_whole_content_may_be_named():
    content = {"provider": "acme", "proxy": {"enabled": True}}
    change = apply_masks(CURRENT, given(**content), ["config.content"], INTEGRATION)
    assert change.content == content
    assert change.touched == ("config.content",)


def test_a_place_inside_an_object_that_stands_under_its_other_name_is_touched_there():
    change = apply_masks(CURRENT, given(read=objects(people={"old": 2})), [f"{MASK}.people.old"], INTEGRATION)
    assert change.touched == (f"{MASK}.contacts.old",)


def test_the_revision_is_no_choice():
    change = apply_masks(CURRENT, {"config": {"revisionId": "r1"}}, ["config.revisionId"], INTEGRATION)
    assert change == Change(CURRENT)


@pytest.mark.parametrize(
    ("mask", "words"),
    [
        ("", "cannot be updated"),
        ("groupRef", "cannot be updated"),
        ("config", "cannot be updated"),
        ("config.content.", "cannot be updated"),
        ("config.contents", "cannot be updated"),
        ("config.content.read.objects.", "cannot be updated"),
        ("config.content.read..objects", "cannot be updated"),
        ("config.content.read.objects.contacts.old.inside", "not an object"),
        ("config.content.read.objects." + "x." * 900 + "x", "more than 32 steps"),
        ("connectionId", "no value"),
        ("config.createdBy", "no value"),
        ("config.content.proxy", "no value"),
        ("config.content.proxy.enabled", "no value"),
        ("config.content.read.objects.deals", "no value"),
        ("config.content.read.objects.job.appointments", "no value"),
        ("config.content.read.objects.contacts.schedule", "no value"),
        ("config.content.subscribe.objects.contacts", "no value"),
    ],
)
def test_other_masks_are_refused_with_those_that_are_allowed(mask, words):
    content = {"read": {"objects": {"contacts": {"old": {"inside": 1}}}}, "subscribe": {"objects": "x"}}
    value = {"connectionId": None, **given(**content)}
    with pytest.raises(InvalidUpdateMask) as refused:
        apply_masks(CURRENT, value, ["config.revisionId", mask], INTEGRATION)
    [issue] = refused.value.issues
    assert issue.name == "updateMask.1"
    assert words in issue.detail
    assert all(allowed in str(refused.value.remedy) for allowed in ALLOWED_MASKS)


def test_an_empty_mask_and_a_wrong_type_are_refused():
    with pytest.raises(InvalidUpdateMask):
        apply_masks(CURRENT, {}, [], INTEGRATION)
    with pytest.raises(InvalidUpdateMask, match="cannot be applied"):
        apply_masks(CURRENT, {"connectionId": 5}, ["connectionId"], INTEGRATION)
