"""A config that does not fit is refused whole, with every fault named by its place."""

from __future__ import annotations

import pytest

from tests.installations.conftest import CONTACTS, DEALS, manifest, names, read_content

READ = "config.content.read.objects"
FILTERS = f"{READ}.contacts.fieldFilters"
BACKFILL = f"{READ}.contacts.backfill"
STRICT = DEALS.replace("- fieldName: amount", "- fieldName: amount\n            - mapToName: owner")
EQ = {"operator": "eq", "value": 1}


def contacts(**config):
    return read_content(contacts=config)


@pytest.fixture
async def ready(world):
    await world.deploy(manifest(CONTACTS, STRICT))
    await world.connect()
    return world


@pytest.mark.parametrize(
    ("content", "where"),
    [
        ({"provider": "rival", "proxy": {}}, "config.content.provider"),
        ({"provider": 5}, "config.content.provider"),
        (read_content(leads={}), f"{READ}.leads"),
        (contacts(objectName="leads"), f"{READ}.contacts"),
        (read_content(deals={"objectName": "contacts"}), f"{READ}.deals.objectName"),
        (read_content(contacts={}, people={"objectName": "contacts"}), f"{READ}.people"),
        (read_content(contacts=[]), f"{READ}.contacts"),
        ({"read": {"objects": []}}, "config.content.read.objects"),
        (contacts(schedule="hourly"), f"{READ}.contacts.schedule"),
        (contacts(schedule="*/5 * * * *"), f"{READ}.contacts.schedule"),
        (contacts(schedule=5), f"{READ}.contacts.schedule"),
        (contacts(schedule="TZ=Europe/Berlin */5 * * * *"), f"{READ}.contacts.schedule"),
        (contacts(destination=5), f"{READ}.contacts.destination"),
        (contacts(destination=""), f"{READ}.contacts.destination"),
        (contacts(disabled="yes"), f"{READ}.contacts.disabled"),
        (contacts(selectedFields={"phone": "true"}), f"{READ}.contacts.selectedFields.phone"),
        (contacts(selectedFields={"$[address]": True}), f"{READ}.contacts.selectedFields.$[address]"),
        (contacts(selectedFields=["phone"]), f"{READ}.contacts.selectedFields"),
        (contacts(selectedFieldsAuto="some"), f"{READ}.contacts.selectedFieldsAuto"),
        (contacts(selectedFieldMappings={"pronoun": "p"}), f"{READ}.contacts.selectedFieldMappings.pronoun"),
        (contacts(selectedFieldMappings={"source": "$['x"}), f"{READ}.contacts.selectedFieldMappings.source"),
        (contacts(selectedFieldMappings={"source": 5}), f"{READ}.contacts.selectedFieldMappings.source"),
        (contacts(selectedValueMappings={"stage": {"open": 1}}), f"{READ}.contacts.selectedValueMappings.stage.open"),
        (
            contacts(selectedValueMappings={"stage": {"open": "p1", "won": "", "lost": "", "new": "p1"}}),
            f"{READ}.contacts.selectedValueMappings.stage",
        ),
        (contacts(dynamicMappingsInput=[{"prompt": "?"}]), f"{READ}.contacts.dynamicMappingsInput.0"),
        (
            contacts(fieldFilters=[{"fieldName": "a", "operator": "gt", "value": 1}]),
            f"{READ}.contacts.fieldFilters.0.operator",
        ),
        (contacts(fieldFilters=[{"fieldName": "a", "operator": "eq"}]), f"{FILTERS}.0.value"),
        (
            contacts(fieldFilters=[{"fieldName": "a", "operator": "eq", "value": [1]}]),
            f"{READ}.contacts.fieldFilters.0.value",
        ),
        (contacts(fieldFilters=[{"fieldName": "a", **EQ}, {"fieldName": "a", **EQ}]), FILTERS),
        (contacts(backfill={}), f"{BACKFILL}.defaultPeriod"),
        (contacts(backfill={"defaultPeriod": {}}), f"{BACKFILL}.defaultPeriod"),
        (contacts(backfill={"defaultPeriod": {"days": -1}}), f"{BACKFILL}.defaultPeriod.days"),
        (contacts(backfill={"defaultPeriod": {"days": 1.5}}), f"{BACKFILL}.defaultPeriod.days"),
        (
            contacts(backfill={"defaultPeriod": {"fullHistory": 1}}),
            f"{BACKFILL}.defaultPeriod.fullHistory",
        ),
        (
            contacts(backfill={"defaultPeriod": {"days": 1}, "fieldFilters": [{"fieldName": "a", **EQ}] * 2}),
            f"{BACKFILL}.fieldFilters",
        ),
        (read_content(deals={}), f"{READ}.deals.selectedFieldMappings.owner"),
        ({}, f"{READ}.deals.selectedFieldMappings.owner"),
        ({"write": {"objects": {"leads": {}}}}, "config.content.write.objects.leads"),
        (
            {"write": {"objects": {"contacts": {"deletionSettings": {}}}}},
            "config.content.write.objects.contacts.deletionSettings.enabled",
        ),
        (
            {"write": {"objects": {"contacts": {"selectedFieldSettings": {"a": {"writeOnCreate": "ifEmpty"}}}}}},
            "config.content.write.objects.contacts.selectedFieldSettings.a.writeOnCreate",
        ),
        (
            {
                "write": {
                    "objects": {
                        "contacts": {
                            "selectedFieldSettings": {"a": {"default": {"stringValue": "x", "booleanValue": True}}}
                        }
                    }
                }
            },
            "config.content.write.objects.contacts.selectedFieldSettings.a.default",
        ),
        (
            {"write": {"objects": {"contacts": {"selectedValueDefaults": {"a": {"value": 1.5}}}}}},
            "config.content.write.objects.contacts.selectedValueDefaults.a.value",
        ),
        ({"subscribe": {"objects": {"deals": {}}}}, "config.content.subscribe.objects.deals"),
        (
            {"subscribe": {"objects": {"contacts": {"createEvent": {"enabled": True}}}}},
            "config.content.subscribe.objects.contacts.createEvent.enabled",
        ),
        ({"proxy": {"enabled": "true"}}, "config.content.proxy.enabled"),
    ],
)
async def test_a_fault_is_named(ready, content, where):
    refused = await ready.install(content, status=422, skipSampling=True)
    assert names(refused) == [where]
    assert refused["issues"][0]["detail"]
    assert await ready.count("installation") == 0


async def test_all_faults_are_told_at_once(ready):
    content = read_content(contacts={"schedule": "x", "selectedFieldMappings": {"pronoun": "p"}}, leads={})
    refused = await ready.install({**content, "provider": "rival"}, status=422)
    assert sorted(names(refused)) == [
        "config.content.provider",
        f"{READ}.contacts.schedule",
        f"{READ}.contacts.selectedFieldMappings.pronoun",
        f"{READ}.leads",
    ]
    refused = await ready.install(contacts(disabled=1, selectedFields={"a": 1}), status=422)
    assert len(names(refused)) == 2


@pytest.mark.parametrize(
    "content",
    [
        contacts(schedule="*/10 * * * *"),
        contacts(schedule="CRON_TZ=America/New_York 0 9 * * MON-FRI"),
        contacts(selectedValueMappings={"stage": {"open": "p1", "won": "", "lost": ""}}),
        contacts(schedule="", destination="other", disabled=False),
        contacts(selectedFieldMappings={"notes": "n", "cell": "mobile", "source": ""}),
        contacts(dynamicMappingsInput=[{"mapToName": "x"}], selectedFieldMappings={"x": "$['a']['b']"}),
        contacts(fieldFilters=[{"fieldName": "a", "operator": "eq", "value": each} for each in ("x",)]),
        contacts(fieldFilters=[{"fieldName": "a", "operator": "eq", "value": True}, {"fieldName": "b", **EQ}]),
        contacts(backfill={"defaultPeriod": {"days": 0}}),
        read_content(people={"objectName": "people"}),
        read_content(people={"objectName": "contacts"}),
        read_content(deals={"selectedFieldMappings": {"owner": "o"}}),
        {"read": {"objects": {}}},
        {"write": {"objects": {"job.appointments": {"deletionSettings": {"enabled": True}}}}},
        {"write": {"objects": {"contacts": {"selectedFieldSettings": {"a": {"default": {"integerValue": 0}}}}}}},
        {"subscribe": {"objects": {"contacts": {"otherEvents": ["contact.merge"], "providerOptions": {}}}}},
        {"proxy": {"enabled": False}, "anything": {"else": 1}},
    ],
)
async def test_what_fits_is_kept_as_given(ready, content):
    made = await ready.install(content, skipSampling=True)

    def holds(stored, given):
        if isinstance(given, dict):
            return all(holds(stored[key], value) for key, value in given.items())
        return stored == given

    assert holds(made["config"]["content"], content)
