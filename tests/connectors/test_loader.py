"""Definitions from YAML: merged, checked, and every fault told at once with its place."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from conjunct.connectors import InvalidDefinition, load_definition, object_support, support
from conjunct.connectors.document_schema import document_schema, document_schema_text
from conjunct.connectors.loader import merge

from .scripted import definition

ROOT = Path(__file__).parents[2]
GOOD = definition(
    read="""
    request: {path: "/{object}", query: {limit: "{page_size}", cursor: "{cursor}"}}
    records: data
    page: {style: cursor, at: next, size: {default: 10}}
"""
)


def faults(text: str) -> list[tuple[int | None, str, str]]:
    with pytest.raises(InvalidDefinition) as caught:
        load_definition(text)
    return [(issue.line, issue.name, issue.detail) for issue in caught.value.issues]


def test_the_published_schema_is_the_one_of_the_models():
    published = ROOT / "docs/reference/provider-definition.schema.json"
    assert published.read_text() == document_schema_text(), "write it anew, see conjunct.connectors.document_schema"


def test_the_published_schema_is_a_schema_and_takes_what_the_loader_takes():
    jsonschema.Draft202012Validator.check_schema(document_schema())
    document = yaml.safe_load(GOOD)
    document["objects"] = {"a": None, "b": {"read": {"where": None, "page": {"size": None}}}}
    jsonschema.validate(document, document_schema())
    load_definition(yaml.safe_dump(document))
    document["objects"]["b"]["reed"] = {}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(document, document_schema())


def test_objects_are_merged_over_the_defaults():
    text = GOOD.replace(
        "  things: {}",
        """
  things: {}
  empty:
  others:
    time: unix
    read: {id: key, request: {query: {limit: null, extra: 1}}}
  listed:
    read:
      request: {path: /list, query: {cursor: null, offset: "{offset}"}}
      page: {style: offset}
""",
    )
    loaded = load_definition(text)
    things, others, listed = (loaded.objects[name] for name in ("things", "others", "listed"))
    assert loaded.objects["empty"] == things
    assert things.read is not None
    assert others.read is not None
    assert listed.read is not None
    assert (others.time, others.read.id, others.read.records) == ("unix", "key", "data")
    assert others.read.request.query == {"cursor": "{cursor}", "extra": 1}
    assert others.read.page == things.read.page
    assert (listed.read.page.style, listed.read.page.at, listed.read.page.size) == ("offset", None, None)


@pytest.mark.parametrize(
    ("base", "own", "expected"),
    [
        ({"a": 1}, {"b": 2}, {"a": 1, "b": 2}),
        ({"a": {"x": 1, "y": 2}}, {"a": {"y": None, "z": 3}}, {"a": {"x": 1, "z": 3}}),
        ({"a": [1, 2]}, {"a": [3]}, {"a": [3]}),
        ({"a": {"x": 1}}, {"a": 5}, {"a": 5}),
        ({"a": 5}, {"a": {"x": 1}}, {"a": {"x": 1}}),
        ({"p": {"style": "a", "x": 1}}, {"p": {"style": "b"}}, {"p": {"style": "b"}}),
        ({"p": {"style": "a", "x": 1}}, {"p": {"style": "a", "y": 2}}, {"p": {"style": "a", "x": 1, "y": 2}}),
    ],
)
def test_merging(base: Any, own: Any, expected: Any):
    assert merge(base, own) == expected


def test_every_fault_of_a_file_is_told_at_once_where_it_is():
    text = """spec: conjunct/provider@1
name: bad name
display: Bad
base_url: https://api.bad.test
auth: {type: apiKey, nam: X-Key}
defaults:
  tme: unix
  read:
    request:
      method: FETCH
    page: {style: cursors, size: {default: 0}}
objects:
  custom:
    read: {fields_from: []}
errors:
  rules:
    - {status: 400, class: nonsense}
"""
    found = faults(text)
    assert [(line, name) for line, name, _ in found] == [
        (2, "name"),
        (5, "auth.nam"),
        (7, "defaults.tme"),
        (10, "defaults.read.request.method"),
        (11, "defaults.read.page.style"),
        (11, "defaults.read.page.size.default"),
        (14, "objects.custom.read.fields_from"),
        (17, "errors.rules.0.class"),
    ]
    with pytest.raises(InvalidDefinition) as caught:
        load_definition(text)
    issues = {issue.name: issue for issue in caught.value.issues}
    assert issues["auth.nam"].remedy == "Did you mean 'name'?"
    assert issues["defaults.tme"].remedy == "Did you mean 'time'?"
    assert (issues["auth.nam"].line, issues["auth.nam"].column) == (5, 22)
    assert caught.value.to_wire()["issues"][1]["context"] == {"line": 5, "column": 22}


@pytest.mark.parametrize(
    ("change", "name", "words"),
    [
        (('"/{object}"', '"/{objct}"'), "defaults.read.request.path", "no variable 'objct'"),
        (('"{cursor}"', '"{cursor|nope}"'), "defaults.read.request.query.cursor", "no pipe 'nope'"),
        (('"{cursor}"', '"{cursor"'), "defaults.read.request.query.cursor", "no partner"),
        (('"{cursor}"', "1"), "defaults.read.page.style", "needs {cursor}"),
        (("at: next, ", ""), "defaults.read.page", "needs 'at'"),
        (
            ("  things: {}", "  things: {read: {page: {style: link_header, parameter: t}, request: {query: null}}}"),
            "objects.things.read.page.parameter",
            "for a cursor",
        ),
        (("records: data", "records: a..b"), "defaults.read.records", "not a path"),
        (("records: data", "max_url: 900"), "defaults.read.max_url", "no variant"),
        (("style: cursor", "style: cursor, stop_if: $.a"), "defaults.read.page.stop_if", "not a path"),
        (("size: {default: 10}", "stop: short_page"), "defaults.read.page.stop", "only with a size"),
        (("{default: 10}", "{default: 10, max: 5}"), "defaults.read.page.size", "more than the maximum"),
        (
            ("{default: 10}", "{default: 1}, restart: {when_cursor_ge: 1, var: v, from: id}"),
            "defaults.read.page.restart",
            "{v}",
        ),
        (("api.small.test", "{host}.small.test"), "base_url", "no variable 'host'"),
        (("  things: {}", "  things: {count: {at: total}}"), "objects.things.count", "via: read"),
        (("  things: {}", "  things: {schema: {source: describe}}"), "objects.things.schema", "needs a request"),
        (("  things: {}", "  things: {vars: {a: '{since}'}}"), "objects.things.vars.a", "no variable 'since'"),
        (
            ("  things: {}", "  things: {read: {request: {path: null}}}"),
            "objects.things.read.request.path",
            "needs a path",
        ),
        (("display: Small", "display: Small\ndefault_module: crm"), "default_module", "no module"),
        (("display: Small", "display: Small\nextra_hosts: [https://x]"), "extra_hosts.0", "no scheme"),
        (("display: Small", "display: Small\nerrors: {rules: [{class: server}]}"), "errors.rules.0", "needs a status"),
        (
            ("display: Small", "display: Small\ninputs: [{name: a, pattern: '('}]"),
            "inputs.0.pattern",
            "regular expression",
        ),
        (("display: Small", "display: Small\ncheck: {path: '/{x}'}"), "check.path", "no variable 'x'"),
    ],
)
def test_what_the_models_cannot_see(change: tuple[str, str], name: str, words: str):
    assert change[0] in GOOD
    found = faults(GOOD.replace(*change))
    assert [fault[1] for fault in found] == [name]
    assert words in found[0][2]


def test_a_fault_of_the_defaults_is_told_once_and_an_own_one_where_it_is():
    text = GOOD.replace('"{cursor}"', '"{wrong} {cursor}"').replace(
        "  things: {}", '  a: {}\n  b: {}\n  c: {read: {request: {query: {x: "{bad}"}}}}'
    )
    assert [name for _, name, _ in faults(text)] == [
        "defaults.read.request.query.cursor",
        "objects.c.read.request.query.x",
    ]


@pytest.mark.parametrize(
    ("base_url", "inputs", "words"),
    [
        ("https://{w}.x.test", "[{name: w}]", "kind must be subdomain"),
        ("https://x.{w}", "[{name: w, kind: subdomain}]", "could name any host"),
        ("{w}", "[{name: w, kind: subdomain}]", "begins with https"),
        ("ftp://x.test", "[]", "begins with https"),
    ],
)
def test_an_input_can_never_choose_the_host_by_itself(base_url: str, inputs: str, words: str):
    text = GOOD.replace("https://api.small.test", f'"{base_url}"').replace(
        "display: Small", f"display: Small\ninputs: {inputs}"
    )
    assert [(name, words in detail) for _, name, detail in faults(text)] == [("base_url", True)]


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("a: [1, 2", 1, "not valid YAML"),
        ("a: 1\n b: 2", 2, "not valid YAML"),
        ("- a\n- b", 1, "a mapping"),
        ("", 1, "a mapping"),
        ("a: &a [*a]", 1, "too deep"),
        ("? [a, b]\n: 1", 1, "plain text"),
        ("a: !!python/object:os.system {}", 1, "python"),
        ("a: \x00", 1, "not valid YAML"),
        (
            "x0: &x0 [1,1,1,1,1,1,1,1,1]\n"
            + "".join(f"x{n}: &x{n} [{','.join([f'*x{n - 1}'] * 9)}]\n" for n in range(1, 9)),
            1,
            "too many",
        ),
    ],
)
def test_what_is_no_yaml_mapping_is_a_fault_with_a_line(text: str, line: int, words: str):
    found = faults(text)
    assert found[0][0] == line
    assert words in found[0][2]


def test_a_key_that_is_there_twice_is_a_fault():
    found = faults(GOOD.replace("display: Small", "display: Small\ndisplay: Other"))
    assert found == [(5, "display", "this key is there twice")]


def test_anchors_and_merge_keys_work_and_an_own_key_wins():
    text = GOOD.replace("defaults:", "anchors: {q: &q {limit: 5, extra: x}}\ndefaults:").replace(
        "  things: {}", "  things: {read: {request: {query: {<<: *q, limit: 7}}}}"
    )
    rule = load_definition(text).objects["things"].read
    assert rule is not None
    assert rule.request.query == {"limit": 7, "extra": "x", "cursor": "{cursor}"}


def test_a_mapping_that_merges_another_can_be_used_again():
    text = GOOD.replace("defaults:", "anchors: {a: &a {limit: 5}, b: &b {<<: *a, limit: 6}}\ndefaults:").replace(
        "  things: {}", "  things: {read: {request: {query: *b, body: *b}}}"
    )
    rule = load_definition(text).objects["things"].read
    assert rule is not None
    assert rule.request.query["limit"] == rule.request.body["limit"] == 6


def test_dates_in_yaml_are_texts():
    rule = load_definition(GOOD.replace("  things: {}", "  things: {vars: {v: 2026-01-31}}")).objects["things"]
    assert rule.vars == {"v": "2026-01-31"}


def test_what_is_supported_is_derived():
    text = GOOD.replace(
        "  things: {}",
        """
  plain: {}
  pushed: {read: {request: {query: {after: "{since}", gone: "{deleted}"}}}}
  where:
    read:
      where: {terms: ["t > {since}", {$each: filter, $term: "{field|name} = {value|soql}"}]}
      request: {query: {q: "{where}"}}
  ours: {read: {client_filter: {at: updated}}, count: {via: read, at: total}}
  "*": {}
""",
    )
    loaded = load_definition(text)
    derived = {name: object_support(loaded, name) for name in loaded.objects}
    assert {name for name, each in derived.items() if each.incremental} == {"pushed", "where", "ours"}
    assert {name for name, each in derived.items() if each.pushed} == {"pushed", "where"}
    assert {name for name, each in derived.items() if each.filter} == {"where"}
    assert {name for name, each in derived.items() if each.deleted} == {"pushed"}
    assert {name for name, each in derived.items() if each.count} == {"ours"}
    whole = support(loaded)
    assert (whole.read, whole.incremental, whole.filter, whole.describe, whole.custom_objects) == (
        True,
        True,
        True,
        False,
        True,
    )


def test_the_schema_is_json():
    assert json.loads(document_schema_text())["$id"].endswith("provider-definition.json")
