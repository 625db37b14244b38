"""Bodies: JSON with numbers of any size, and forms with what is nested in brackets."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote

import pytest

from conjunct.connectors.bodies import form_body, json_body
from conjunct.connectors.formats import UnusableValue


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"a": 2**64, "b": [2**53 + 1, None]}, b'{"a":18446744073709551616,"b":[9007199254740993,null]}'),
        (["text"], b'["text"]'),
        ({"a": "half \ud800", "é": 1.5}, b'{"a":"half \\ud800","\\u00e9":1.5}'),
    ],
)
def test_json(value: Any, expected: bytes):
    assert json_body(value) == expected


@pytest.mark.parametrize(
    ("value", "form", "brackets"),
    [
        ({"a": 1, "b": True, "c": None, "d": "x&y"}, "a=1&b=true&c=&d=x&y", None),
        ({"a": {"b": {"c": 1}, "d": "e"}}, "a[b][c]=1&a[d]=e", None),
        ({"a": [1, "2"]}, "a=1&a=2", "a[0]=1&a[1]=2"),
        ({"a": {"b": [1, 2]}}, "a[b]=1&a[b]=2", "a[b][0]=1&a[b][1]=2"),
        ({"a": [{"b": 1}, {"b": [2]}]}, "a[0][b]=1&a[1][b]=2", "a[0][b]=1&a[1][b][0]=2"),
        ({"a": [], "b": {}}, "", None),
    ],
)
def test_forms(value: Any, form: str, brackets: str | None):
    assert unquote(form_body(value, indexed=False).decode()) == form
    assert unquote(form_body(value, indexed=True).decode()) == (form if brackets is None else brackets)


def test_names_and_values_are_encoded():
    assert form_body({"a": {"b": "x y&z=ü"}}, indexed=False) == b"a%5Bb%5D=x%20y%26z%3D%C3%BC"


def test_what_cannot_be_written_is_refused():
    endless: list[Any] = []
    endless.append(endless)
    no_json: list[Any] = [{"a": object()}, endless, {"a": 2**70, "b": float("inf")}]
    for value in no_json:
        with pytest.raises(UnusableValue):
            json_body(value)
    no_forms: list[Any] = [["no mapping"], {"a": "\ud800"}, {"a": endless}]
    for value in no_forms:
        with pytest.raises(UnusableValue):
            form_body(value, indexed=True)
