"""Templates: what is unset disappears, what is set keeps its type, and nothing escapes from where it is put."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conjunct.connectors.formats import UnusableValue
from conjunct.connectors.templates import (
    BLANK,
    UNSET,
    TemplateSyntaxError,
    compile_path,
    compile_template,
)

NOON = datetime(2026, 1, 31, 12, 0, 0, 250_000, tzinfo=UTC)


def render(template: Any, time: Any = "rfc3339", **variables: Any) -> Any:
    return compile_template(template, time).render(variables)


def test_an_unset_variable_removes_its_key():
    assert render({"a": "{x}", "b": 1, "c": {"d": "{y}"}}, y=2) == {"b": 1, "c": {"d": 2}}


def test_in_a_list_an_unset_variable_removes_the_whole_item():
    template = [{"field": "a", "value": "{since}"}, {"field": "b", "value": "{until}"}]
    assert render(template, until=5) == [{"field": "b", "value": 5}]


def test_in_a_list_an_unset_variable_deep_within_an_item_removes_the_item():
    assert render([{"range": {"from": "{since}", "to": 1}}, 2]) == [2]


def test_a_mapping_or_list_that_loses_everything_is_unset():
    assert render({"groups": [{"filters": [{"value": "{x}"}]}], "limit": 1}) == {"limit": 1}
    assert render({"a": {"b": "{x}"}}) is UNSET


def test_empty_mappings_and_lists_that_were_written_stay():
    assert render({"a": {}, "b": [], "c": None, "d": ""}) == {"a": {}, "b": [], "c": None, "d": ""}


@pytest.mark.parametrize("value", [7, 2**70, 1.5, True, "text", ["a"], {"b": 1}, 0, False, ""])
def test_a_lone_variable_keeps_the_type_of_its_value(value: Any):
    assert render({"x": "{v}"}, v=value) == {"x": value}


def test_within_a_text_values_become_text():
    assert render("a{n}b{yes}{no}", n=7, yes=True, no=False) == "a7btruefalse"


def test_blank_is_empty_in_a_text_and_unset_alone():
    assert render("SELECT Id FROM X{where}", where=BLANK) == "SELECT Id FROM X"
    assert render({"filter": "{where}", "top": 1}, where=BLANK) == {"top": 1}


def test_doubled_braces_are_braces():
    assert render("{{ users {{ {id} }} }}", id=5) == "{ users { 5 } }"


def test_a_value_may_be_written_as_the_text_of_its_json():
    assert render({"values": "{record|json}"}, record={"a": [1, "é"]}) == {"values": '{"a":[1,"é"]}'}


def test_a_literal_is_never_a_template():
    assert render({"query": {"$literal": "{ users { id } }"}, "x": "{unset}"}) == {"query": "{ users { id } }"}


def test_each_gives_an_item_for_each_entry():
    template = [{"$each": "filter", "name": "{field}", "value": "{value}"}, "{tail}"]
    entries = [{"field": "a", "value": 1}, {"field": "b", "value": "2"}]
    assert render(template, filter=entries) == [{"name": "a", "value": 1}, {"name": "b", "value": "2"}]
    assert render({"all": template}) is UNSET


def test_an_entry_is_there_whatever_it_lacks():
    template = [{"$each": "records", "id": "{id}", "more": {"a": "{a}", "b": ["{b}"]}}]
    entries = [{"id": 1, "a": None, "b": None}, {"id": 2, "a": 3, "b": 4}, {"id": None}]
    assert render(template, records=entries) == [{"id": 1}, {"id": 2, "more": {"a": 3, "b": [4]}}]


def test_keys_are_templates_too():
    template = {"{one}": "{x}", "a{{{two}}}": 1, "{{c}}": {"{none}": 1}, "{number}": 2}
    assert render(template, one="thing", x={"y": None}, two="b", number=5) == {"thing": {"y": None}, "a{b}": 1, "5": 2}
    assert render({"{{a}}": "{{b}}"}) == {"{a}": "{b}"}
    assert compile_template(template).names == {"one", "two", "x", "none", "number"}


def test_mappings_are_laid_over_one_another():
    template = {"$merge": [{"a": 1, "id": "{id}"}, "{record}", {"b": "{unset}"}, {"a": "{last}"}]}
    assert render(template, id=7, record={"a": 2, "c": None}) == {"a": 2, "id": 7, "c": None}
    assert render([template], record={"id": 8}, last=3) == [{"a": 3, "id": 8}]
    assert render({"x": {"$merge": ["{record}", {"b": "{unset}"}]}, "y": 1}) == {"y": 1}
    assert render({"x": {"$merge": ["{record}"]}}, record={}) == {"x": {}}
    each = {"$merge": [{"limit": 1}, {"$each": "filter", "{field}s": ["{value}"]}]}
    filters = [{"field": "email", "value": "a@example.com"}, {"field": "owner", "value": 7}]
    assert render(each, filter=filters) == {"limit": 1, "emails": ["a@example.com"], "owners": [7]}
    assert render(each) == {"limit": 1}
    with pytest.raises(UnusableValue):
        render({"$merge": ["{record}"]}, record="no mapping")


def test_list_is_the_list_itself():
    assert render({"properties": {"$list": "fields"}}, fields=["a", "b"]) == {"properties": ["a", "b"]}
    assert render({"properties": {"$list": "fields"}, "x": 1}, fields=[]) == {"x": 1}


@pytest.mark.parametrize(
    ("pipe", "expected"),
    [
        ("rfc3339", "2026-01-31T12:00:00Z"),
        ("rfc3339ms", "2026-01-31T12:00:00.250Z"),
        ("unix", 1769860800),
        ("unix_ms", 1769860800250),
        ("date", "2026-01-31"),
        ("datetime", "2026-01-31 12:00:00"),
        ("unix|text", "1769860800"),
        ("earlier|rfc3339ms", "2026-01-31T11:59:59.250Z"),
        ("later|unix", 1769860801),
    ],
)
def test_times_are_written_as_providers_want_them(pipe: str, expected: Any):
    elsewhere = NOON.astimezone(timezone(timedelta(hours=-8)))
    assert render(f"{{t|{pipe}}}", t=elsewhere) == expected


def test_a_time_without_a_pipe_is_written_in_the_style_of_the_object():
    assert render("{t}", "unix", t=NOON) == 1769860800
    assert render("> {t}", "rfc3339ms", t=NOON) == "> 2026-01-31T12:00:00.250Z"


@pytest.mark.parametrize(
    ("pipe", "value", "expected"),
    [
        ("csv", ["a", "b"], "a,b"),
        ("int", "42", 42),
        ("next", "41", 42),
        ("lower", "ABC", "abc"),
        ("upper", "abc", "ABC"),
        ("last", "https://api.example.com/users/AB7/", "AB7"),
        ("last", "AB7", "AB7"),
        ("soql", "O'Hara\\\n", r"'O\'Hara\\" + r"\n'"),
        ("soql", 5, "5"),
        ("soql", True, "true"),
        ("odata", "O'Hara", "'O''Hara'"),
        ("quoted", 'say "hi"\\', '"say \\"hi\\"\\\\"'),
        ("name", "Owner__r.Name", "Owner__r.Name"),
        ("names", ["Id", "Name"], "Id,Name"),
    ],
)
def test_pipes_format_and_quote(pipe: str, value: Any, expected: Any):
    assert render(f"{{v|{pipe}}}", v=value) == expected


@pytest.mark.parametrize("value", ["Id FROM Contact", "a'b", "x) OR (1=1", "", "1a", "a;b"])
def test_what_is_no_name_cannot_stand_where_a_name_must(value: str):
    with pytest.raises(UnusableValue):
        render("{v|name}", v=value)


@pytest.mark.parametrize("pipe", ["int", "unix", "date"])
def test_a_pipe_refuses_a_value_of_another_kind(pipe: str):
    with pytest.raises(UnusableValue):
        render(f"{{v|{pipe}}}", v="abc")


@pytest.mark.parametrize(
    "template",
    [
        "{",
        "}",
        "a}b",
        "{a b}",
        "{}",
        "{a|nothing}",
        "{a.b}",
        {"$each": "x"},
        {"$list": 1},
        {"$literal": 1, "b": 2},
        {"$merge": "{a}"},
        {"$merge": [1]},
        {"$merge": ["x{a}"]},
        {"$merge": [], "b": 1},
        {"{a b}": 1},
    ],
)
def test_what_is_no_template_is_refused(template: Any):
    with pytest.raises(TemplateSyntaxError):
        compile_template(template)


@pytest.mark.parametrize("name", ["a/b", "a?b", "a#b", "a b", "ä", "%2e", "a&b=c", "a%2Fb"])
def test_a_value_in_a_path_stays_one_segment(name: str):
    path = compile_path("/objects/{object}/search").render({"object": name})
    assert path.count("/") == 3
    assert not set("?# ") & set(path)


@pytest.mark.parametrize("name", ["..", ".", "", "a/../b", "../x", "a//b"])
def test_a_path_never_goes_upwards(name: str):
    for slashed in (frozenset({"object"}), frozenset[str]()):
        with pytest.raises(UnusableValue):
            compile_path("/objects/{object}", slashed=slashed).render({"object": name})


def test_a_slash_is_kept_only_where_the_definition_lists_it():
    assert compile_path("/v1/{object}", slashed=frozenset({"object"})).render({"object": "me/x y"}) == "/v1/me/x%20y"
    assert compile_path("{api}/q", raw=frozenset({"api"})).render({"api": "/services/v60"}) == "/services/v60/q"


NAMES = ["since", "until", "cursor", "limit"]
LEAVES = st.one_of(
    st.integers(),
    st.booleans(),
    st.sampled_from(["plain", *(f"{{{name}}}" for name in NAMES), *(f"from {{{name}}}" for name in NAMES)]),
)
TEMPLATES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.sampled_from("abcde"), inner, max_size=4)),
    max_leaves=20,
)


def texts_in(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [text for item in value.values() for text in texts_in(item)]
    if isinstance(value, list):
        return [text for item in value for text in texts_in(item)]
    return [value] if isinstance(value, str) else []


@settings(deadline=None)
@given(TEMPLATES, st.dictionaries(st.sampled_from(NAMES), st.integers(), max_size=4))
def test_nothing_rendered_has_a_placeholder_or_an_unset_mark(template: Any, variables: dict[str, int]):
    rendered = compile_template(template).render(variables)
    if rendered is not UNSET:
        assert not [text for text in texts_in(rendered) if "{" in text]
        assert "UNSET" not in repr(rendered)


@settings(deadline=None)
@given(TEMPLATES)
def test_with_everything_set_a_template_keeps_its_shape(template: Any):
    rendered = compile_template(template).render(dict.fromkeys(NAMES, 1))
    assert shape(rendered) == shape(template)


def shape(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: shape(item) for key, item in value.items()}
    return [shape(item) for item in value] if isinstance(value, list) else None


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from("abcd"), st.sampled_from(NAMES)), st.sets(st.sampled_from(NAMES)))
def test_exactly_the_keys_of_unset_variables_are_absent(keys: dict[str, str], given_names: set[str]):
    template = {"always": 1, **{key: f"{{{name}}}" for key, name in keys.items()}}
    rendered = compile_template(template).render(dict.fromkeys(given_names, 1))
    assert set(rendered) == {"always", *(key for key, name in keys.items() if name in given_names)}
