"""Each rule of a manifest: what is refused, where the issue points, and what it advises."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from conjunct.connectors import ObjectSupport
from conjunct.core.problems import Issue
from conjunct.manifests import (
    Limits,
    ManifestInvalid,
    parse_manifest,
    read_objects,
    validate_integration,
    validate_manifest,
)

from . import examples

PROVIDERS = {"salesforce": ["account-engagement", "crm"], "hubspot": ["crm"], "notion": []}
LIMITS = Limits(known_providers=PROVIDERS)


def issues_of(text: str | bytes, limits: Limits = LIMITS) -> tuple[Issue, ...]:
    with pytest.raises(ManifestInvalid) as refusal:
        parse_manifest(text, limits=limits)
    return refusal.value.issues


def the_issue(text: str, limits: Limits = LIMITS) -> tuple[int | None, int | None, str, str, str | None]:
    """The one issue of a text: line, column, name, detail, remedy."""
    (issue,) = issues_of(text, limits)
    return issue.line, issue.column, issue.name, issue.detail, issue.remedy


def integration(body: str) -> str:
    """A manifest whose integration has these lines; the first of them is line 5, and they begin in column 5."""
    lines = "".join(f"    {line}\n" for line in body.strip("\n").split("\n"))
    return f"specVersion: 1.0.0\nintegrations:\n  - name: acme\n    provider: hubspot\n{lines}"


def read_object(body: str) -> str:
    """A manifest whose one read object has these lines; the first of them is line 9, and they begin in column 11."""
    lines = "".join(f"      {line}\n" for line in body.strip("\n").split("\n"))
    return integration(f"read:\n  objects:\n    - objectName: contacts\n      destination: hook\n{lines}")


READ = "integrations.0.read.objects.0"
PROXY = "proxy: {enabled: true}"


@pytest.mark.parametrize("text", examples.EVERY.values(), ids=examples.EVERY)
def test_good_manifests_are_accepted(text):
    assert parse_manifest(text, limits=LIMITS) == parse_manifest(text.encode(), limits=LIMITS)


class TestTopLevel:
    def test_another_spec_version(self):
        text = integration(PROXY).replace("1.0.0", "2.0.0")
        assert the_issue(text) == (
            1, 14, "specVersion", "`specVersion` must be `1.0.0`", "Write `specVersion: 1.0.0`",
        )  # fmt: skip

    def test_a_spec_version_that_yaml_takes_for_a_number(self):
        (issue,) = issues_of(integration(PROXY).replace("1.0.0", "1.0"))
        assert (issue.line, issue.column, issue.value) == (1, 14, 1.0)

    def test_missing_keys_point_at_the_mapping_that_lacks_them(self):
        assert [(issue.line, issue.column, issue.name, issue.detail) for issue in issues_of("{}")] == [
            (1, 1, "specVersion", "`specVersion` is missing"),
            (1, 1, "integrations", "`integrations` is missing"),
        ]

    def test_no_integrations(self):
        assert the_issue("specVersion: 1.0.0\nintegrations: []\n") == (
            2, 1, "integrations", "`integrations` is an empty list", "List at least one item, or remove the key",
        )  # fmt: skip

    @pytest.mark.parametrize(("text", "kind"), [("- a", "a list"), ("just text", "text"), ("1", "a number")])
    def test_something_else_than_a_mapping(self, text, kind):
        assert the_issue(text)[:4] == (1, 1, "", f"This must be a mapping of keys to values, not {kind}")

    def test_two_integrations_with_one_name(self):
        text = f"{integration(PROXY)}  - name: acme\n    provider: notion\n    {PROXY}\n"
        assert the_issue(text) == (
            6, 11, "integrations.1.name", "Two integrations are named `acme`; the first is integrations.0",
            "Give each integration its own name",
        )  # fmt: skip

    def test_everything_is_reported_at_once_in_the_order_of_the_text(self):
        text = integration(
            """
displayNme: Acme
read:
  objects:
    - objectName: contacts
      destination: 5
      schedule: "*/5 * * * *"
write:
  objects:
    - objectName: contact
      inheritMapping: true
"""
        ).replace("hubspot", "hubspott")
        assert [
            (issue.line, issue.column, issue.name.removeprefix("integrations.0.")) for issue in issues_of(text)
        ] == [
            (4, 15, "provider"),
            (5, 5, "displayNme"),
            (9, 24, "read.objects.0.destination"),
            (10, 21, "read.objects.0.schedule"),
            (13, 23, "write.objects.0.objectName"),
        ]

    def test_more_faults_than_anyone_reads_are_cut(self):
        text = "specVersion: 1.0.0\nintegrations:\n" + "  - {}\n" * 200
        with pytest.raises(ManifestInvalid, match="more than 100 faults; the first 100 are shown") as refusal:
            parse_manifest(text)
        assert len(refusal.value.issues) == 100

    def test_the_refusal_is_a_problem_of_the_api(self):
        with pytest.raises(ManifestInvalid) as refusal:
            parse_manifest(integration(PROXY).replace("hubspot", "hubspott"), limits=LIMITS)
        wire = refusal.value.to_wire()
        assert (wire["status"], wire["type"].rsplit("/", 1)[1]) == (422, "manifest-invalid")
        assert wire["detail"] == "The manifest has 1 fault."
        assert wire["issues"] == [
            {
                "in": "body",
                "name": "integrations.0.provider",
                "detail": "There is no provider `hubspott`",
                "value": "hubspott",
                "remedy": "Did you mean `hubspot`?",
                "context": {"line": 4, "column": 15},
            }
        ]


class TestKeysAndTypes:
    def test_a_misspelt_key_is_one_fault_though_the_right_one_is_missing(self):
        text = read_object("schedule: '@daily'").replace("objectName", "objctName")
        assert the_issue(text) == (
            7, 11, f"{READ}.objctName", "`objctName` is not a key of the manifest here", "Did you mean `objectName`?",
        )  # fmt: skip

    def test_a_key_in_the_wrong_case(self):
        assert the_issue(read_object("mapToname: people"))[4] == "Did you mean `mapToName`?"

    def test_a_key_that_is_like_no_other(self):
        keys = "`name`, `provider`, `displayName`, `module`, `read`, `write`, `proxy`, `subscribe`, `watchSchema`"
        assert the_issue(integration(f"{PROXY}\nxyzzy: 1")) == (
            6, 5, "integrations.0.xyzzy", "`xyzzy` is not a key of the manifest here", f"The keys here are {keys}",
        )  # fmt: skip

    def test_a_key_that_is_indented_too_far(self):
        text = integration("read:\n  objects: [{objectName: a, destination: b}]\n  write: {objects: [{objectName: a}]}")
        assert the_issue(text)[2:] == (
            "integrations.0.read.write", "`write` is not a key of the manifest here",
            "`write` belongs to the integration itself; check the indentation",
        )  # fmt: skip

    def test_an_unknown_key_without_a_value(self):
        assert the_issue(integration(f"{PROXY}\nmodul:"))[2:] == (
            "integrations.0.modul", "`modul` is not a key of the manifest here", "Did you mean `module`?",
        )  # fmt: skip

    def test_a_missing_key_names_its_owner(self):
        text = integration("read:\n  objects:\n    - objectName: contacts\n      schedule: '@daily'")
        assert the_issue(text) == (
            7, 11, f"{READ}.destination", "`destination` is missing in `contacts`", "Add `destination`",
        )  # fmt: skip

    def test_a_key_without_a_value(self):
        assert the_issue(integration("read:\nproxy: {}")) == (
            5, 5, "integrations.0.read", "`read` has no value", "Give it a value or remove it",
        )  # fmt: skip

    @pytest.mark.parametrize(
        ("body", "column", "name", "detail", "remedy"),
        [
            ("mapToName: 5", 22, "mapToName", "must be text, not a number", "Put it in quotes"),
            ("mapToName: true", 22, "mapToName", "must be text, not true or false", "Put it in quotes"),
            ("mapToName: [a]", 22, "mapToName", "must be text, not a list", None),
            ("backfill: 30", 21, "backfill", "must be a mapping of keys to values, not a number", None),
            ("requiredFields: email", 27, "requiredFields", "must be a list, not text", None),
            (
                "requiredFields: {fieldName: a}", 27, "requiredFields", "must be a list, not a mapping",
                "Begin each item with `- `",
            ),
            (
                "backfill: {defaultPeriod: {fullHistory: yes}}", 51, "backfill.defaultPeriod.fullHistory",
                "must be true or false, not text", "Write true or false, without quotes",
            ),
            (
                "backfill: {defaultPeriod: {days: 1.5}}", 44, "backfill.defaultPeriod.days",
                "must be a whole number, not a number", None,
            ),
        ],
    )  # fmt: skip
    def test_a_wrong_type(self, body, column, name, detail, remedy):
        key = name.rsplit(".", 1)[-1]
        assert the_issue(read_object(body)) == (9, column, f"{READ}.{name}", f"`{key}` {detail}", remedy)

    def test_a_field_that_is_only_a_name(self):
        assert the_issue(read_object("requiredFields:\n  - email")) == (
            10, 15, f"{READ}.requiredFields.0", "This must be a mapping of keys to values, not text",
            "Write `- fieldName: email`",
        )  # fmt: skip

    @pytest.mark.parametrize(
        ("body", "column", "detail", "remedy"),
        [
            ("optionalFieldsAuto: some", 31, "`optionalFieldsAuto` must be `all`", "Write `optionalFieldsAuto: all`"),
            ("enabled: true", 20, "`enabled` must be `always`", "Write `enabled: always`"),
            (
                "delivery: {mode: onrequest}", 28, "`mode` must be one of `auto`, `onRequest`",
                "Did you mean `onRequest`?",
            ),
        ],
    )  # fmt: skip
    def test_a_value_that_is_not_an_option(self, body, column, detail, remedy):
        line, at, _, what, advice = the_issue(read_object(body))
        assert (line, at, what, advice) == (9, column, detail, remedy)

    @pytest.mark.parametrize(
        ("body", "detail"),
        [
            ("mapToName: ''", "`mapToName` must not be empty"),
            ("mapToName: '  '", "`mapToName` must not be empty"),
            ("mapToName: ' a'", "`mapToName` must be one line without spaces around it"),
            (f"mapToName: {'a' * 256}", "`mapToName` is longer than 255 characters"),
            (f"mapToDisplayName: {'a' * 101}", "`mapToDisplayName` is longer than 100 characters"),
        ],
    )
    def test_a_text_that_is_no_name(self, body, detail):
        assert the_issue(read_object(body))[3] == detail

    def test_text_that_no_database_stores(self):
        assert the_issue(read_object('mapToName: "a\\0b"'))[:4] == (
            9, 22, f"{READ}.mapToName", "The control character U+0000 is not allowed",
        )  # fmt: skip


class TestIntegration:
    @pytest.mark.parametrize("name", ["my integration", "a/b", "-a", "é"])
    def test_characters_that_a_name_cannot_have(self, name):
        assert the_issue(integration(PROXY).replace("acme", name)) == (
            3, 11, "integrations.0.name", "`name` holds characters that a name cannot have",
            "Use letters, digits, hyphens and underscores, beginning with a letter or digit",
        )  # fmt: skip

    def test_a_name_that_is_too_long(self):
        assert the_issue(integration(PROXY).replace("acme", "a" * 65))[3] == "`name` is longer than 64 characters"

    def test_an_unknown_provider_with_a_near_match(self):
        assert the_issue(integration(PROXY).replace("hubspot", "Hubspot")) == (
            4, 15, "integrations.0.provider", "There is no provider `Hubspot`", "Did you mean `hubspot`?",
        )  # fmt: skip

    def test_an_unknown_provider_like_no_other(self):
        issue = the_issue(integration(PROXY).replace("hubspot", "zzz"))
        assert issue[4] == "See the list of providers, or define one of your own"

    def test_any_provider_goes_when_none_are_known(self):
        assert parse_manifest(integration(PROXY).replace("hubspot", "zzz")).integrations[0].provider == "zzz"

    def test_a_module_that_the_provider_does_not_have(self):
        assert the_issue(integration(f"module: crn\n{PROXY}")) == (
            5, 13, "integrations.0.module", "The provider `hubspot` has no module `crn`", "The modules are `crm`",
        )  # fmt: skip

    def test_a_module_of_a_provider_without_modules_is_let_be(self):
        text = integration(f"module: crm\n{PROXY}").replace("hubspot", "notion")
        assert parse_manifest(text, limits=LIMITS).integrations[0].module == "crm"

    def test_an_integration_that_does_nothing(self):
        assert the_issue(integration("displayName: Acme")) == (
            3, 5, "integrations.0", "The integration does nothing",
            "Add at least one of `read`, `write`, `subscribe`, `proxy`, `watchSchema`",
        )  # fmt: skip

    @pytest.mark.parametrize("action", ["read", "write", "subscribe"])
    def test_an_action_without_objects(self, action):
        assert the_issue(integration(f"{action}:\n  objects: []"))[:4] == (
            6, 7, f"integrations.0.{action}.objects", "`objects` is an empty list",
        )  # fmt: skip


class TestSchedule:
    @pytest.mark.parametrize(
        ("schedule", "detail"),
        [
            ("*/5 * * * *", "Two runs are only 5 minutes apart; 10 minutes is the finest"),
            ("* * * * *", "Two runs are only 1 minute apart; 10 minutes is the finest"),
            ("*/11 * * * *", "Two runs are only 5 minutes apart; 10 minutes is the finest"),
        ],
    )
    def test_a_schedule_finer_than_ten_minutes(self, schedule, detail):
        assert the_issue(read_object(f'schedule: "{schedule}"')) == (
            9, 21, f"{READ}.schedule", detail, 'Write "*/10 * * * *", or run less often',
        )  # fmt: skip

    def test_the_operator_may_allow_finer_ones(self):
        text = read_object('schedule: "*/5 * * * *"')
        limits = Limits(finest_schedule=timedelta(minutes=5))
        assert read_objects(parse_manifest(text, limits=limits).integrations[0])[0].schedule == "*/5 * * * *"

    @pytest.mark.parametrize(
        ("schedule", "detail"),
        [
            ("61 * * * *", "The minute field `61` is not valid"),
            ("0 0 * * * *", "A cron expression has five fields"),
            ("hourly", "A cron expression has five fields"),
            (" ", "A cron expression has five fields"),
        ],
    )
    def test_a_schedule_that_is_no_cron_expression(self, schedule, detail):
        line, column, name, what, remedy = the_issue(read_object(f'schedule: "{schedule}"'))
        assert (line, column, name) == (9, 21, f"{READ}.schedule")
        assert what.startswith(detail)
        assert remedy == 'A schedule looks like "*/10 * * * *"'

    @pytest.mark.parametrize("schedule", ['""', '"@hourly"', '"0 9 * * MON-FRI"', '"TZ=Asia/Tokyo @daily"'])
    def test_no_schedule_aliases_and_weekdays_are_good(self, schedule):
        parse_manifest(read_object(f"schedule: {schedule}"))

    def test_a_schedule_in_an_unknown_time_zone(self):
        text = read_object('schedule: "CRON_TZ=Europe/Belrin 0 9 * * *"')
        detail = "`Europe/Belrin` is not a known time zone; did you mean Europe/Berlin?"
        assert the_issue(text)[:4] == (9, 21, f"{READ}.schedule", detail)

    def test_a_schedule_in_a_time_zone_is_no_finer(self):
        assert "5 minutes apart" in the_issue(read_object('schedule: "TZ=Asia/Tokyo */5 * * * *"'))[3]

    def test_a_schedule_without_quotes_is_explained(self):
        assert the_issue(read_object("schedule: */10 * * * *")) == (
            9, 21, "", "A value cannot begin with `*` unless it refers to an anchor",
            'Put a cron schedule in quotes, such as "*/10 * * * *"',
        )  # fmt: skip


class TestBackfillAndDelivery:
    def test_days_and_full_history_at_once(self):
        assert the_issue(read_object("backfill:\n  defaultPeriod:\n    days: 30\n    fullHistory: true")) == (
            12, 15, f"{READ}.backfill.defaultPeriod.fullHistory", "`days` and `fullHistory` exclude each other",
            "Keep one of the two",
        )  # fmt: skip

    def test_neither_days_nor_full_history(self):
        assert the_issue(read_object("backfill:\n  defaultPeriod: {}")) == (
            10, 28, f"{READ}.backfill.defaultPeriod", "`defaultPeriod` says nothing", "Give `days` or `fullHistory`",
        )  # fmt: skip

    def test_a_backfill_without_a_period(self):
        assert the_issue(read_object("backfill: {}"))[2:4] == (
            f"{READ}.backfill.defaultPeriod", "`defaultPeriod` is missing",
        )  # fmt: skip

    @pytest.mark.parametrize(("days", "detail"), [(-1, "must be 0 or more"), (36_501, "must be 36500 or less")])
    def test_days_out_of_bounds(self, days, detail):
        issue = the_issue(read_object(f"backfill: {{defaultPeriod: {{days: {days}}}}}"))
        assert issue[:4] == (9, 44, f"{READ}.backfill.defaultPeriod.days", f"`days` {detail}")

    @pytest.mark.parametrize(("size", "detail"), [(49, "must be 50 or more"), (501, "must be 500 or less")])
    def test_a_page_size_out_of_bounds(self, size, detail):
        issue = the_issue(read_object(f"delivery: {{mode: onRequest, pageSize: {size}}}"))
        assert issue[:4] == (9, 49, f"{READ}.delivery.pageSize", f"`pageSize` {detail}")

    @pytest.mark.parametrize(("delivery", "column"), [("{mode: auto, pageSize: 50}", 34), ("{pageSize: 50}", 22)])
    def test_a_page_size_without_delivery_on_request(self, delivery, column):
        assert the_issue(read_object(f"delivery: {delivery}")) == (
            9, column, f"{READ}.delivery.pageSize", "`pageSize` applies only to `mode: onRequest`",
            "Remove it, or write `mode: onRequest`",
        )  # fmt: skip


class TestObjects:
    def test_an_association_given_twice(self):
        assert the_issue(read_object("associations: [deals, companies, deals]"))[2:4] == (
            f"{READ}.associations.2",
            "`deals` is given twice",
        )

    def test_associations_and_deleted_records_that_the_provider_cannot_tell(self):
        can = {"contacts": ObjectSupport(read=True, associations=("companies", "deals"))}
        limits = Limits(PROVIDERS, abilities=lambda _, name: can.get(name))
        text = read_object("associations: [deals, compnies]\ndeletedRecords: include")
        found = [(issue.name, issue.remedy) for issue in issues_of(text, limits)]
        assert found == [
            (f"{READ}.associations.1", "Did you mean `companies`?"),
            (f"{READ}.deletedRecords", "Remove `deletedRecords`"),
        ]

    @pytest.mark.parametrize(
        "support", [None, ObjectSupport(), ObjectSupport(read=True, associations=("*",), deleted=True)]
    )
    def test_associations_and_deleted_records_that_it_may_be_able_to_tell(self, support):
        limits = Limits(PROVIDERS, abilities=lambda *_: support)
        parse_manifest(read_object("associations: [deals]\ndeletedRecords: include"), limits=limits)

    @pytest.mark.parametrize("action", ["read", "write", "subscribe"])
    def test_an_object_given_twice(self, action):
        item = "- {objectName: a, destination: b, otherEvents: [c]}" if action == "subscribe" else "- {objectName: a}"
        if action == "read":
            item = "- {objectName: a, destination: b}"
        text = integration(f"{action}:\n  objects:\n    {item}\n    {item}")
        assert the_issue(text) == (
            8, 24, f"integrations.0.{action}.objects.1.objectName", f"`a` is given twice; first as {action}.objects.0",
            "Merge the two objects",
        )  # fmt: skip

    @pytest.mark.parametrize(
        "first", ["{objectName: a, mapToName: x, destination: b}", "{objectName: x, destination: b}"]
    )
    def test_an_object_mapped_to_the_name_of_another(self, first):
        second = "{objectName: c, mapToName: x, destination: b}"
        assert the_issue(integration(f"read:\n  objects:\n    - {first}\n    - {second}")) == (
            8, 38, "integrations.0.read.objects.1.mapToName", "`x` is already the name of read.objects.0",
            "Give each object its own name",
        )  # fmt: skip

    def test_an_object_mapped_to_its_own_name_is_good(self):
        parse_manifest(read_object("mapToName: contacts"))

    def test_an_object_without_fields_is_good(self):
        (contacts,) = read_objects(parse_manifest(read_object("schedule: '@daily'")).integrations[0])
        assert contacts.required_fields == contacts.optional_fields == ()

    def test_one_name_in_several_integrations_is_good(self):
        manifest = parse_manifest(examples.UNIFIED_CRM)
        assert [read_objects(item)[0].map_to_name for item in manifest.integrations] == ["company", "company"]


class TestFields:
    def test_neither_field_name_nor_map_to_name(self):
        assert the_issue(read_object("requiredFields:\n  - mapToDisplayName: Email")) == (
            10, 15, f"{READ}.requiredFields.0.fieldName", "A field needs `fieldName` or `mapToName`",
            "Give `fieldName` for a field of the provider, or `mapToName` for one that the consumer chooses",
        )  # fmt: skip

    @pytest.mark.parametrize(("key", "meant"), [("fieldNme", "fieldName"), ("mapToNme", "mapToName")])
    def test_a_misspelt_name(self, key, meant):
        assert the_issue(read_object(f"requiredFields:\n  - {key}: email"))[:1] == (10,)
        assert the_issue(read_object(f"requiredFields:\n  - {key}: email"))[4] == f"Did you mean `{meant}`?"

    @pytest.mark.parametrize("key", ["prompt", "default"])
    def test_what_only_a_consumers_mapping_has(self, key):
        assert the_issue(read_object(f"requiredFields:\n  - fieldName: email\n    {key}: x")) == (
            11, 15, f"{READ}.requiredFields.0.{key}",
            f"`{key}` is for a field that the consumer chooses, which has no `fieldName`",
            f"Remove `{key}`, or remove `fieldName`",
        )  # fmt: skip

    @pytest.mark.parametrize("key", ["fieldName", "mapToName", "default"])
    def test_a_malformed_nested_selector(self, key):
        other = "mapToName: b\n    " if key == "default" else ""
        line, column, name, detail, remedy = the_issue(
            read_object(f"requiredFields:\n  - {other}{key}: $['address'].city")
        )
        assert (line, column) == (11 if other else 10, 15 + len(key) + 2)
        assert name == f"{READ}.requiredFields.0.{key}"
        assert detail == "`$['address'].city` is not valid at character 13: expected a name such as ['city']"
        assert remedy == "A nested field looks like $['address']['city']"

    def test_a_field_listed_twice(self):
        body = "requiredFields:\n  - fieldName: email\noptionalFields:\n  - fieldName: email"
        assert the_issue(read_object(body)) == (
            12, 26, f"{READ}.optionalFields.0.fieldName",
            "`email` is listed twice; first in requiredFields.0.fieldName", "Keep one of the two",
        )  # fmt: skip

    @pytest.mark.parametrize("name", ["id", "$['id']", "$['a']['b']"])
    def test_two_fields_mapped_to_one_name(self, name):
        body = f'requiredFields:\n  - {{fieldName: x, mapToName: "{name}"}}\n  - {{mapToName: "{name}"}}'
        shown = "id" if name == "$['id']" else name
        assert the_issue(read_object(body))[:4] == (
            11, 27, f"{READ}.requiredFields.1.mapToName",
            f"`{shown}` is mapped twice; first in requiredFields.0.mapToName",
        )  # fmt: skip

    def test_a_mapped_name_that_is_also_a_field_of_its_own(self):
        body = "requiredFields:\n  - fieldName: phone\n  - {fieldName: mobilephone, mapToName: phone}"
        assert the_issue(read_object(body)) == (
            11, 51, f"{READ}.requiredFields.1.mapToName",
            "`phone` is also a field that is read under its own name (requiredFields.0.fieldName)",
            "Map to another name, or map that field too",
        )  # fmt: skip

    def test_a_mapped_name_inside_another_one(self):
        body = "requiredFields:\n  - {mapToName: info}\n  - {mapToName: \"$['info']['status']\"}"
        assert the_issue(read_object(body))[:4] == (
            11, 27, f"{READ}.requiredFields.1.mapToName",
            "`$['info']['status']` lies inside `info`, which is mapped to a value itself",
        )  # fmt: skip

    def test_one_field_under_several_names_is_good(self):
        body = "requiredFields:\n  - fieldName: a\n  - {fieldName: a, mapToName: b}\n  - {fieldName: a, mapToName: c}"
        parse_manifest(read_object(body))


class TestAlwaysEnabled:
    def test_without_schedule_and_fields(self):
        assert [
            (issue.line, issue.column, issue.name, issue.remedy) for issue in issues_of(read_object("enabled: always"))
        ] == [
            (7, 11, f"{READ}.schedule", "Add `schedule`"),
            (7, 11, f"{READ}.requiredFields", "Add `requiredFields`"),
        ]

    def test_a_required_field_that_nobody_is_asked_for(self):
        body = "enabled: always\nschedule: '@daily'\nrequiredFields:\n  - mapToName: x"
        assert the_issue(read_object(body)) == (
            12, 26, f"{READ}.requiredFields.0.mapToName",
            "An object with `enabled: always` cannot ask the consumer to choose a required field",
            "Add `fieldName` or `default`",
        )  # fmt: skip

    def test_a_required_mapping_with_a_default_is_good(self):
        parse_manifest(
            read_object("enabled: always\nschedule: '@daily'\nrequiredFields:\n  - {mapToName: x, default: y}")
        )


class TestInheritance:
    def test_a_write_object_without_its_read_object(self):
        text = integration(
            "read: {objects: [{objectName: a, destination: b}]}\n"
            "write:\n  objects:\n    - objectName: deals\n      inheritMapping: true"
        )
        assert the_issue(text) == (
            8, 23, "integrations.0.write.objects.0.objectName", "`inheritMapping` needs a read object named `deals`",
            "Add `deals` to the objects of `read`",
        )  # fmt: skip

    def test_unmapped_fields_of_a_write_object_without_a_mapping(self):
        text = integration("write:\n  objects:\n    - objectName: deals\n      unmappedFields: remove")
        assert the_issue(text) == (
            8, 11, "integrations.0.write.objects.0.unmappedFields",
            "`unmappedFields` needs `inheritMapping: true`: without it nothing is mapped",
            "Add `inheritMapping: true`, or remove `unmappedFields`",
        )  # fmt: skip

    def test_a_write_object_that_inherits_where_nothing_is_read_is_good(self):
        parse_manifest(integration("write: {objects: [{objectName: journalEntry, inheritMapping: true}]}"))

    def test_a_write_object_with_a_nearly_right_name(self):
        text = (
            read_object("mapToName: people")
            + integration("write:\n  objects:\n    - {objectName: contact, inheritMapping: true}").split(
                "provider: hubspot\n"
            )[1]
        )
        assert the_issue(text)[4] == "Did you mean `contacts`?"

    def test_a_write_object_under_its_mapped_name(self):
        text = (
            read_object("mapToName: people")
            + integration("write:\n  objects:\n    - {objectName: people, inheritMapping: true}").split(
                "provider: hubspot\n"
            )[1]
        )
        assert the_issue(text)[4] == "Did you mean `contacts`?"

    def test_a_subscribe_object_without_its_read_object(self):
        text = integration(
            """
subscribe:
  objects:
    - objectName: deals
      destination: hook
      inheritFieldsAndMapping: true
      createEvent: {enabled: always}
"""
        )
        assert the_issue(text)[:4] == (
            7, 23, "integrations.0.subscribe.objects.0.objectName",
            "`inheritFieldsAndMapping` needs a read object named `deals`",
        )  # fmt: skip

    @pytest.mark.parametrize("event", ["createEvent", "updateEvent", "deleteEvent", "associationChangeEvent"])
    @pytest.mark.parametrize("inherit", ["", ", inheritFieldsAndMapping: false"])
    def test_an_event_that_must_inherit(self, event, inherit):
        watch = ", watchFieldsAuto: all" if event == "updateEvent" else ""
        item = f"- {{objectName: a, destination: b, {event}: {{enabled: always{watch}}}{inherit}}}"
        _, _, name, detail, remedy = the_issue(integration(f"subscribe:\n  objects:\n    {item}"))
        assert name == "integrations.0.subscribe.objects.0.inheritFieldsAndMapping"
        assert detail == f"`{event}` needs `inheritFieldsAndMapping: true`"
        assert remedy == "Add `inheritFieldsAndMapping: true` and a read object with the same name"


class TestEvents:
    SUBSCRIBE = "integrations.0.subscribe.objects.0"

    def subscribed(self, body: str) -> str:
        """A manifest with a read object and this subscribe object; its first line is line 14, column 11."""
        lines = "".join(f"          {line}\n" for line in body.split("\n"))
        return (
            read_object("schedule: '@daily'")
            + "    subscribe:\n      objects:\n        - objectName: contacts\n          destination: hook\n"
            + lines
        )

    def test_no_event(self):
        assert the_issue(self.subscribed("inheritFieldsAndMapping: true")) == (
            12, 11, self.SUBSCRIBE, "The object subscribes to no event",
            "Add at least one of `createEvent`, `updateEvent`, `deleteEvent`, `associationChangeEvent`, `otherEvents`",
        )  # fmt: skip

    def test_no_other_event(self):
        assert the_issue(self.subscribed("otherEvents: []"))[:4] == (
            14, 11, f"{self.SUBSCRIBE}.otherEvents", "`otherEvents` is an empty list",
        )  # fmt: skip

    def test_a_misspelt_event(self):
        issue = the_issue(self.subscribed("inheritFieldsAndMapping: true\ncreateEvents: {enabled: always}"))
        assert issue[:2] == (15, 11)
        assert issue[4] == "Did you mean `createEvent`?"

    @pytest.mark.parametrize("enabled", ["true", "never"])
    def test_an_event_is_enabled_always(self, enabled):
        body = f"inheritFieldsAndMapping: true\ncreateEvent:\n  enabled: {enabled}"
        assert the_issue(self.subscribed(body)) == (
            16, 22, f"{self.SUBSCRIBE}.createEvent.enabled", "`enabled` must be `always`", "Write `enabled: always`",
        )  # fmt: skip

    def test_an_event_says_that_it_is_enabled(self):
        assert the_issue(self.subscribed("inheritFieldsAndMapping: true\ndeleteEvent: {}"))[2:4] == (
            f"{self.SUBSCRIBE}.deleteEvent.enabled", "`enabled` is missing",
        )  # fmt: skip

    def test_both_ways_to_choose_the_watched_fields(self):
        body = (
            "inheritFieldsAndMapping: true\nupdateEvent:\n  enabled: always\n  watchFieldsAuto: all\n"
            "  requiredWatchFields: [a]"
        )
        assert the_issue(self.subscribed(body)) == (
            18, 13, f"{self.SUBSCRIBE}.updateEvent.requiredWatchFields",
            "`watchFieldsAuto` and `requiredWatchFields` exclude each other", "Keep one of the two",
        )  # fmt: skip

    def test_no_watched_fields(self):
        assert the_issue(self.subscribed("inheritFieldsAndMapping: true\nupdateEvent:\n  enabled: always")) == (
            16, 13, f"{self.SUBSCRIBE}.updateEvent", "`updateEvent` does not say which fields to watch",
            "Add `watchFieldsAuto: all`, or list fields in `requiredWatchFields`",
        )  # fmt: skip

    def test_a_nested_watched_field(self):
        body = (
            "inheritFieldsAndMapping: true\nupdateEvent:\n  enabled: always\n  requiredWatchFields:\n    - $['a']['b']"
        )
        assert the_issue(self.subscribed(body)) == (
            18, 17, f"{self.SUBSCRIBE}.updateEvent.requiredWatchFields.0", "A nested field cannot be watched",
            "Watch the field that holds it",
        )  # fmt: skip


class TestWatchSchema:
    def test_more_often_than_hourly(self):
        text = integration(
            'watchSchema:\n  destination: hook\n  schedule: "*/30 * * * *"\n'
            "  allObjects: {fieldCreated: {enabled: always}}"
        )
        assert the_issue(text) == (
            7, 17, "integrations.0.watchSchema.schedule", "Two runs are only 30 minutes apart; 1 hour is the finest",
            'Write "0 * * * *", or run less often',
        )  # fmt: skip

    def test_hourly_stays_the_finest_whatever_reads_may_do(self):
        text = integration(
            'watchSchema: {destination: a, schedule: "*/30 * * * *", allObjects: {fieldCreated: {enabled: always}}}'
        )
        assert the_issue(text, Limits(finest_schedule=timedelta(minutes=1)))[0] == 5

    def test_nothing_to_watch_for(self):
        assert the_issue(integration("watchSchema: {destination: hook, allObjects: {}}")) == (
            5, 50, "integrations.0.watchSchema.allObjects", "`allObjects` names no change to watch for",
            "Add at least one of `fieldCreated`, `fieldDeleted`, `fieldChanged`",
        )  # fmt: skip

    def test_the_former_name_of_an_event(self):
        text = integration("watchSchema:\n  destination: a\n  allObjects:\n    fieldTypeChanged: {enabled: always}")
        assert the_issue(text)[4] == "Did you mean `fieldChanged`?"


class TestJsonContent:
    GOOD: dict[str, Any] = {"name": "acme", "provider": "hubspot", "proxy": {"enabled": True}}  # noqa: RUF012

    def test_an_integration_as_the_api_takes_it(self):
        assert validate_integration(self.GOOD, limits=LIMITS).to_wire() == self.GOOD

    def test_the_same_rules_hold_and_paths_stand_for_lines(self):
        content = {
            "name": "acme",
            "provider": "hubspott",
            "read": {"objects": [{"objectName": "contacts", "destination": 1, "schedule": "*/5 * * * *"}]},
        }
        with pytest.raises(ManifestInvalid) as refusal:
            validate_integration(content, limits=LIMITS, path=("latestRevision", "content"))
        assert {issue.name for issue in refusal.value.issues} == {
            "latestRevision.content.provider",
            "latestRevision.content.read.objects.0.destination",
            "latestRevision.content.read.objects.0.schedule",
        }
        assert {(issue.line, issue.column) for issue in refusal.value.issues} == {(None, None)}

    def test_nulls_are_refused_as_in_yaml(self):
        with pytest.raises(ManifestInvalid) as refusal:
            validate_integration({**self.GOOD, "read": None})
        assert [issue.detail for issue in refusal.value.issues] == ["`read` has no value"]

    def test_content_nested_without_end_is_refused(self):
        content: Any = {}
        for _ in range(5000):
            content = {"a": content}
        with pytest.raises(ManifestInvalid, match="fault"):
            validate_integration({**self.GOOD, "read": content})

    @pytest.mark.parametrize("content", [None, [], "text", 1, {}])
    def test_something_else_than_an_integration_is_refused(self, content):
        with pytest.raises(ManifestInvalid):
            validate_integration(content)
        with pytest.raises(ManifestInvalid):
            validate_manifest(content)

    def test_a_surrogate_half_is_refused(self):
        with pytest.raises(ManifestInvalid) as refusal:
            validate_integration({**self.GOOD, "displayName": "\ud800"})
        assert "U+D800" in refusal.value.issues[0].detail
