"""What YAML is read, what is refused, and that the place is told in either case."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

import orjson
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from conjunct.manifests import ManifestInvalid, parse_manifest, validate_integration, validate_manifest
from conjunct.manifests.faults import Mark
from conjunct.manifests.source import MAX_BYTES, MAX_NODES, Unreadable, read_source

from . import examples


def refusal_of(content: str | bytes) -> tuple[Mark | None, str]:
    with pytest.raises(Unreadable) as refusal:
        read_source(content)
    return refusal.value.fault.mark, refusal.value.fault.detail


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("true", True),
        ("False", False),
        ("yes", "yes"),
        ("off", "off"),
        ("null", None),
        ("~", None),
        ("''", ""),
        ("12", 12),
        ("-7", -7),
        ("'12'", "12"),
        ("1.5", 1.5),
        ("1e3", 1000.0),
        ("1.0.0", "1.0.0"),
        ("12:30", "12:30"),
        ("2026-01-01", "2026-01-01"),
        (".inf", ".inf"),
        ("9" * 30, float("9" * 30)),
        ("9" * 100, "9" * 100),
        ("$['a']['b']", "$['a']['b']"),
    ],
)
def test_scalars_follow_yaml_1_2(text, value):
    data = read_source(f"key: {text}").data
    assert data == {"key": value}
    assert type(data["key"]) is type(value)


def test_anchors_aliases_and_merges_are_resolved():
    text = """
common: &common {destination: hook, schedule: "@daily"}
extra: &extra {schedule: "@hourly", enabled: always}
first: {<<: *common, schedule: "@weekly"}
second: {<<: [*common, *extra]}
third: *common
"""
    data = read_source(text).data
    assert data["first"] == {"destination": "hook", "schedule": "@weekly"}
    assert data["second"] == {"destination": "hook", "schedule": "@daily", "enabled": "always"}
    assert data["third"] == data["common"]


def test_every_value_and_key_is_located():
    source = read_source("a:\n  - x\n  - b: c\n    d: 'é'\n")
    assert source.locate(("a", 0)) == Mark(2, 5)
    assert source.locate(("a", 1, "b")) == Mark(3, 8)
    assert source.locate(("a", 1, "d"), on_key=True) == Mark(4, 5)
    assert source.locate(("a",), on_key=True) == Mark(1, 1)


def test_what_is_not_there_is_located_at_what_lacks_it():
    source = read_source("a:\n  - x\n  - b: c\n")
    assert source.locate(("a", 1, "missing")) == Mark(3, 5)
    assert source.locate(("a", 9)) == Mark(2, 3)
    assert source.locate(("nothing", "at", "all")) == Mark(1, 1)


def test_a_byte_order_mark_is_skipped():
    assert read_source("a: b".encode("utf-8-sig")).data == {"a": "b"}
    assert read_source("\ufeffa: b").data == {"a": "b"}


@pytest.mark.parametrize(
    ("text", "mark", "detail"),
    [
        ("", Mark(1, 1), "The manifest is empty"),
        ("# nothing\n", Mark(1, 1), "The manifest is empty"),
        ("a: b\n---\nc: d\n", Mark(2, 1), "A manifest is one YAML document; a second begins here"),
        ("a:\n\t- b\n", Mark(2, 1), "A tab is used for indentation"),
        ("a: b: c\n", Mark(1, 5), "A `:` is not expected here"),
        ("a: 'b\nc: d\n", Mark(1, 4), "A quote is not closed"),
        ("a: [b\n", Mark(1, 4), "A list in brackets is not closed"),
        ("a: [\n", Mark(2, 1), "A value was expected here"),
        ("a: {b: c\n", Mark(1, 4), "A mapping in braces is not closed"),
        ("a: @daily\n", Mark(1, 4), "A value cannot begin with `@`"),
        ("a: */10 * * * *\n", Mark(1, 4), "A value cannot begin with `*` unless it refers to an anchor"),
        ("a: *b\n", Mark(1, 4), "`*b` refers to nothing that is complete above it"),
        ("a: &a [*a]\n", Mark(1, 8), "`*a` refers to nothing that is complete above it"),
        ("? [a]\n: b\n", Mark(1, 3), "A list or mapping cannot be a key"),
        ('a: "\\q"\n', Mark(1, 5), "An unknown escape in double quotes"),
        ("a:\n  - b\n c: d\n", Mark(3, 2), "A key was expected here"),
        ("a: \x07\n", Mark(1, 4), "The control character U+0007 is not allowed"),
        ("a: \ud800\n", Mark(1, 4), "The control character U+D800 is not allowed"),
    ],
)
def test_broken_yaml_is_explained_with_its_place(text, mark, detail):
    assert refusal_of(text) == (mark, detail)


def test_bytes_that_are_not_utf_8_are_located():
    assert refusal_of(b"a: b\nc: \xff\n") == (Mark(2, 4), "The manifest is not UTF-8 text")
    assert refusal_of("a: b".encode("utf-16"))[1] == "The manifest is not UTF-8 text"


def test_broken_yaml_is_one_issue():
    with pytest.raises(ManifestInvalid) as refusal:
        parse_manifest("specVersion: 1.0.0\nintegrations: [a")
    (issue,) = refusal.value.issues
    assert (issue.name, issue.line, issue.column) == ("", 2, 15)


@pytest.mark.parametrize(
    ("text", "mark", "path", "detail"),
    [
        ("a: 1\nb: 2\na: 3\n", Mark(3, 1), ("a",), "`a` is given twice; first on line 1"),
        ("x:\n  - a: 1\n    a: 2\n", Mark(3, 5), ("x", 0, "a"), "`a` is given twice; first on line 2"),
        ("1: a\n", Mark(1, 1), (), "The key `1` is not text"),
        ("x: {true: a}\n", Mark(1, 5), ("x",), "The key `true` is not text"),
        ("~: a\n", Mark(1, 1), (), "The key `null` is not text"),
        ("a: !secret b\n", Mark(1, 4), ("a",), "The tag `!secret` is not supported"),
        ("a: !!python/name:os.system b\n", Mark(1, 4), ("a",), "The tag `tag:yaml.org,2002:python/name:os.system`"),
        ("<<: [a]\n", Mark(1, 5), ("<<",), "`<<` merges mappings only"),
    ],
)
def test_faults_that_leave_the_rest_readable_are_collected(text, mark, path, detail):
    (fault,) = read_source(text).faults
    assert (fault.mark, fault.path) == (mark, path)
    assert fault.detail.startswith(detail)


def test_collected_faults_are_reported_with_all_others():
    with pytest.raises(ManifestInvalid) as refusal:
        parse_manifest("specVersion: 1.0.0\nspecVersion: 1.0.0\nintegrations: []\n")
    assert [(issue.line, issue.name) for issue in refusal.value.issues] == [(2, "specVersion"), (3, "integrations")]


class TestLimits:
    def test_size(self):
        fits = "a: " + "b" * (MAX_BYTES - 3)
        assert read_source(fits).data == {"a": fits[3:]}
        for content in (fits + "b", (fits + "b").encode()):
            assert refusal_of(content) == (None, "The manifest is larger than 1,000,000 bytes")

    @pytest.mark.parametrize("opening", ["[", "{a: ", "- "])
    def test_depth(self, opening):
        mark, detail = refusal_of(opening * 10_000)
        assert detail == "The manifest is nested more than 32 levels deep"
        assert mark == Mark(1, 32 * len(opening) + 1)

    def test_number_of_values(self):
        assert len(read_source("[" + "a," * (MAX_NODES - 1) + "]").data) == MAX_NODES - 1
        assert refusal_of("[" + "a," * MAX_NODES + "]")[1] == "The manifest holds more than 100,000 values"

    def test_aliases_that_multiply(self):
        levels = [f"l{level}: &l{level} [{', '.join([f'*l{level - 1}'] * 9)}]" for level in range(1, 20)]
        laughs = "\n".join(["l0: &l0 [ha]", *levels])
        assert refusal_of(laughs)[1] == "The manifest's aliases repeat too much"

    def test_aliases_that_nest(self):
        levels = [f"l{level}: &l{level} [*l{level - 1}]" for level in range(1, 1000)]
        assert refusal_of("\n".join(["l0: &l0 [ha]", *levels]))[1] == "The manifest's aliases repeat too much"

    def test_merges_that_multiply(self):
        many = ", ".join(f"k{number}: 1" for number in range(10_000))
        text = f"a: &a {{{many}}}\nb: [{', '.join(['{<<: *a}'] * 100)}]"
        assert refusal_of(text)[1] == "The manifest holds more than 100,000 values"


_lines = st.lists(
    st.sampled_from("\n".join(examples.EVERY.values()).split("\n"))
    | st.text(alphabet=" -:[]{}&*!'\"#|>%@`,?\t$ab0.<\\", max_size=12),
    max_size=30,
).map("\n".join)

_words = st.sampled_from(
    [
        "name", "provider", "read", "objects", "objectName", "destination", "schedule", "requiredFields", "fieldName",
        "mapToName", "subscribe", "write", "updateEvent", "enabled", "always", "watchSchema", "allObjects", "backfill",
        "defaultPeriod", "days", "(fieldName)", "(mapToName)", "*/10 * * * *", "$['a']", "",
    ]
)  # fmt: skip
_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | _words | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_words | st.text(max_size=8), inner, max_size=5),
    max_leaves=40,
)


@given(st.text() | _lines)
@settings(max_examples=400, deadline=2000)
def test_any_text_is_parsed_or_refused(text):
    with contextlib.suppress(ManifestInvalid):
        parse_manifest(text)


@given(st.binary() | _lines.map(lambda text: text.encode("utf-8", "surrogatepass")))
@settings(max_examples=200, deadline=2000)
def test_any_bytes_are_parsed_or_refused(content):
    with contextlib.suppress(ManifestInvalid):
        parse_manifest(content)


@given(_json)
@settings(max_examples=400, deadline=2000)
def test_any_json_is_validated_or_refused_with_issues_that_are_json(content):
    wrapped = {"specVersion": "1.0.0", "integrations": [content]}
    for validate, value in ((validate_manifest, wrapped), (validate_integration, content)):
        issues = issues_of(validate, value)
        assert all(issue["name"] is not None and issue["detail"] for issue in issues)
        assert orjson.dumps(issues)


def issues_of(validate: Callable[[Any], object], value: Any) -> list[dict[str, Any]]:
    """The issues as they go over the wire; none for a value that is good."""
    try:
        validate(value)
    except ManifestInvalid as refusal:
        return [issue.to_wire() for issue in refusal.issues]
    return []


@given(_json)
@settings(max_examples=200, deadline=2000)
def test_yaml_and_json_of_one_content_get_the_same_verdict(content):
    text = yaml.safe_dump({"specVersion": "1.0.0", "integrations": [content]}, allow_unicode=True)
    data = read_or_none(text)
    if data is not None:
        by_line, by_path = issues_of(parse_manifest, text), issues_of(validate_manifest, data)
        assert sorted(issue["name"] for issue in by_line) == sorted(issue["name"] for issue in by_path)


def read_or_none(text: str) -> object:
    """The plain data of a text; None where YAML alone has something against it."""
    try:
        source = read_source(text)
    except Unreadable:
        return None
    return None if source.faults else source.data
