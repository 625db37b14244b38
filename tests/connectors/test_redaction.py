"""Secrets are hidden from a provider's words, however they stand there; what is no secret stays."""

from __future__ import annotations

import base64
from collections.abc import Callable
from html import escape
from urllib.parse import quote, quote_plus

import orjson
import pytest

from conjunct.connectors.redaction import redacted, texts_in

SECRET = 'k3y+with"odd"<ones>&m0re'


@pytest.mark.parametrize(
    "write",
    [
        str,
        str.upper,
        quote_plus,
        escape,
        lambda text: quote(text, safe=""),
        lambda text: orjson.dumps(text).decode()[1:-1],
        lambda text: text.encode().hex(),
        lambda text: text.encode().hex().upper(),
    ],
)
def test_a_secret_is_hidden_however_it_is_written(write: Callable[[str], str]) -> None:
    assert redacted(f"not {write(SECRET)}, sorry", [SECRET]) == "not [secret], sorry"


@pytest.mark.parametrize("before", ["", "a:", "ab:", "abc:"])
@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode])
def test_in_base64_too_whatever_stands_before_it(before: str, encode: Callable[[bytes], bytes]) -> None:
    told = redacted(f"Basic {encode((before + SECRET).encode()).decode()}", [SECRET])
    left = told.removeprefix("Basic ").replace("[secret]", "")
    assert "[secret]" in told
    assert len(left) <= 9  # what the user name, the padding and the ends between two letters come to


def test_parts_are_hidden() -> None:
    half = len(SECRET) // 2
    assert redacted(f"{SECRET[:half]} | {SECRET[half:]}", [SECRET]) == "[secret] | [secret]"


@pytest.mark.parametrize("end", ["", "…"])
def test_the_beginning_is_hidden_where_the_text_is_cut_off(end: str) -> None:
    assert redacted(f"not {SECRET[:5]}{end}", [SECRET]) == f"not [secret]{end}"
    assert redacted(f"not {SECRET[:3]}{end}", [SECRET]) == f"not {SECRET[:3]}{end}"


def test_of_secrets_that_overlap_or_hold_one_another_nothing_is_left() -> None:
    assert redacted("xabcdefghy", ["abcdef", "defgh", "cde"]) == "x[secret]y"
    assert redacted("abcdefgh", ["abcd", "abcdefgh"]) == "[secret]"


def test_a_short_secret_is_hidden_as_a_word() -> None:
    assert redacted("PIN 123 is not 41234, nor is abc=123", ["123"]) == "PIN [secret] is not 41234, nor is abc=[secret]"
    assert redacted("pin 1234x", ["1234"]) == "pin [secret]x"


@pytest.mark.parametrize("secrets", [[], [""], ["hunter2hunter2"]])
def test_what_is_no_secret_stays(secrets: list[str]) -> None:
    words = "İt is not a good hunter."
    assert redacted(words, secrets) == words


def test_the_texts_in_a_value_are_all_that_are_in_it() -> None:
    assert [*texts_in({"a": ["b", {"c": "d"}], "e": 7, "f": True, "g": None})] == ["b", "d", "7"]
