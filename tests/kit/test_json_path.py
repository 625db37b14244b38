from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conjunct.kit.json_path import assign, format_selector, is_nested, lookup, parse_selector


@pytest.mark.parametrize(
    ("text", "selector"),
    [
        ("email", ("email",)),
        ("job.title", ("job.title",)),
        ("$id", ("$id",)),
        ("$['address']['city']", ("address", "city")),
        ('$["address"]["city"]', ("address", "city")),
        ("$['Home Phone']", ("Home Phone",)),
        ("$['a.b']['c]d']", ("a.b", "c]d")),
        (r"$['it\'s']", ("it's",)),
        (r"""$['child$With.Special\"Characters\"']""", ('child$With.Special"Characters"',)),
        (r"$['back\\slash']", ("back\\slash",)),
        (r"$['caf\u00e9']", ("café",)),
        (r"$['\ud83d\ude00']", ("😀",)),
    ],
)
def test_a_selector_is_a_plain_name_or_quoted_names_in_brackets(text, selector):
    assert parse_selector(text) == selector


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "must not be empty"),
        ("  ", "must not be empty"),
        ("$.address.city", "uses dots"),
        ("$[", "at character 2"),
        ("$['address'", "at character 2"),
        ("$['address']['city'", "at character 13"),
        ("$['address'].city", "at character 13"),
        ("$['address'][0]", "at character 13"),
        ("$[*]", "at character 2"),
        ("$['']", "empty name"),
        (r"$['a\q']", r"unknown escape \\q"),
        (r"$['\ud83d']", "surrogate"),
    ],
)
def test_a_malformed_selector_is_refused_with_the_place(text, complaint):
    with pytest.raises(ValueError, match=complaint):
        parse_selector(text)


def test_bracket_notation_is_nested_and_a_plain_name_is_not():
    assert is_nested("$['a']['b']")
    assert not is_nested("a.b")
    assert not is_nested("$id")


RECORD: dict[str, Any] = {
    "email": "ada@example.com",
    "phone": None,
    "Address": {"City": "London", "city": "Paris"},
    "tags": ["a"],
}


@pytest.mark.parametrize(
    ("selector", "value"),
    [
        (("email",), "ada@example.com"),
        (("phone",), None),
        (("Address", "City"), "London"),
        (("address", "city"), "absent"),
        (("email", "domain"), "absent"),
        (("phone", "mobile"), "absent"),
        (("tags", "0"), "absent"),
        (("fax",), "absent"),
    ],
)
def test_lookup_follows_names_through_objects_only(selector, value):
    assert lookup(RECORD, selector, "absent") == value


@pytest.mark.parametrize(
    ("selector", "value"),
    [
        (("EMAIL",), "ada@example.com"),
        (("address", "city"), "Paris"),
        (("address", "CITY"), "London"),
        (("fax",), "absent"),
    ],
)
def test_lookup_ignoring_case_prefers_the_exact_name(selector, value):
    assert lookup(RECORD, selector, "absent", ignore_case=True) == value


def test_assign_makes_the_objects_on_the_way():
    record: dict[str, Any] = {}
    assign(record, ("address", "city"), "London")
    assign(record, ("address", "zip"), "N1")
    assign(record, ("email",), "ada@example.com")
    assert record == {"address": {"city": "London", "zip": "N1"}, "email": "ada@example.com"}


def test_assign_puts_nothing_inside_a_value():
    record: dict[str, Any] = {"address": "London"}
    with pytest.raises(ValueError, match="address holds a value"):
        assign(record, ("address", "city"), "London")
    assert record == {"address": "London"}


_names = st.text(st.characters(exclude_categories=["Cs"]), min_size=1).filter(str.strip)


@given(st.lists(_names, min_size=1, max_size=4).map(tuple))
def test_a_formatted_selector_reads_back_the_same(selector):
    assert parse_selector(format_selector(selector)) == selector


@given(st.lists(_names, min_size=1, max_size=4).map(tuple))
def test_what_is_assigned_is_found(selector):
    record: dict[str, Any] = {}
    assign(record, selector, 1)
    assert lookup(record, selector) == 1
    assert lookup(record, selector, ignore_case=True) == 1


@given(st.text(alphabet="$[]'\"\\u0dabc. ") | st.text())
def test_any_text_is_parsed_or_refused(text):
    try:
        selector = parse_selector(text)
    except ValueError:
        return
    assert all(selector)
    assert parse_selector(format_selector(selector)) == selector
