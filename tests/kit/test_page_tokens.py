from __future__ import annotations

import base64
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conjunct.kit import page_tokens

KEY = b"k" * 32
POSITION = ("2026-01-01T00:00:00Z", "0192f0c1", 7, None, True)


def test_a_token_brings_back_the_position():
    token = page_tokens.encode(POSITION, key=KEY, scope="project-1")
    assert page_tokens.decode(token, keys=[KEY], scope="project-1") == POSITION


def test_a_token_can_stand_in_a_url_as_it_is():
    token = page_tokens.encode(("ÿ?>",) * 9, key=KEY)
    assert set(token) <= set(string.ascii_letters + string.digits + "-_")


@pytest.mark.parametrize(("key", "scope"), [(b"x" * 32, "project-1"), (KEY, "project-2"), (KEY, "")])
def test_a_token_is_good_only_with_its_key_and_its_list(key, scope):
    token = page_tokens.encode(POSITION, key=KEY, scope="project-1")
    with pytest.raises(ValueError, match="not valid"):
        page_tokens.decode(token, keys=[key], scope=scope)


def test_a_token_with_any_byte_changed_is_refused():
    token = page_tokens.encode(POSITION, key=KEY)
    raw = bytearray(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
    for index in range(len(raw)):
        forged = bytearray(raw)
        forged[index] ^= 1
        with pytest.raises(ValueError, match="not valid"):
            page_tokens.decode(base64.urlsafe_b64encode(forged).rstrip(b"=").decode(), keys=[KEY])


def test_a_position_that_makes_too_long_a_token_is_refused():
    with pytest.raises(ValueError, match="at most 2048"):
        page_tokens.encode(("x" * 2000,), key=KEY)


@pytest.mark.parametrize("token", ["", "A", "AAAA", "é", "=" * 8, "!!!!", "A" * 2049, "A" * 5])
def test_what_is_no_token_is_refused(token):
    with pytest.raises(ValueError, match="not valid"):
        page_tokens.decode(token, keys=[KEY])


@given(st.text())
def test_any_text_that_we_did_not_make_is_refused(text):
    with pytest.raises(ValueError, match="not valid"):
        page_tokens.decode(text, keys=[KEY])


_values = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=50)
)


@given(st.lists(_values, max_size=4), st.text(st.characters(exclude_categories=["Cs"])))
def test_any_position_comes_back(position, scope):
    token = page_tokens.encode(position, key=KEY, scope=scope)
    assert page_tokens.decode(token, keys=[KEY], scope=scope) == tuple(position)
