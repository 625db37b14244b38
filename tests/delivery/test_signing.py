"""Signatures verify with the public library, through a rotation too."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from conjunct.delivery.destinations.webhook.signing import SigningKey, new_signing_key, rotate, signed_headers

BODY = '{"name":"Zoë"}'.encode()


def headers_of(entries: list[dict[str, Any]], signed_at: datetime) -> dict[str, str]:
    return signed_headers("op-1", BODY, signed_at, [SigningKey.parse(entry) for entry in entries])


def test_the_public_library_verifies_it() -> None:
    entries, now = rotate([], datetime.now(UTC)), datetime.now(UTC)
    headers = headers_of(entries, now)
    assert Webhook(entries[0]["key"]).verify(BODY, headers) == {"name": "Zoë"}


def test_both_families_of_names_say_the_same() -> None:
    now = datetime.now(UTC)
    headers = headers_of(rotate([], now), now)
    for part in ("id", "timestamp", "signature"):
        assert headers[f"svix-{part}"] == headers[f"webhook-{part}"]
    assert headers["svix-id"] == "op-1"
    assert headers["svix-timestamp"] == str(int(now.timestamp()))


@pytest.mark.parametrize("change", ["body", "id", "timestamp", "key"])
def test_any_change_is_noticed(change: str) -> None:
    now = datetime.now(UTC)
    entries = rotate([], now)
    headers, body, key = headers_of(entries, now), BODY, entries[0]["key"]
    if change == "body":
        body = body.replace(b"Z", b"z")
    elif change == "key":
        key = new_signing_key()
    else:
        headers[f"webhook-{change}"] = str(int(now.timestamp()) + 1)
    with pytest.raises(WebhookVerificationError):
        Webhook(key).verify(body, headers)


def test_a_key_is_whsec_and_256_bits() -> None:
    key = new_signing_key()
    assert key.startswith("whsec_")
    assert len(SigningKey.parse({"key": key, "validUntil": None}).secret) == 32
    assert key != new_signing_key()


def test_old_and_new_key_both_sign_for_24_hours() -> None:
    begin = datetime.now(UTC) - timedelta(hours=23, minutes=59)
    old = rotate([], begin)
    both = rotate(old, begin)
    now = datetime.now(UTC)
    headers = headers_of(both, now)
    assert len(headers["svix-signature"].split(" ")) == 2
    for entry in (old[0], both[0]):
        Webhook(entry["key"]).verify(BODY, headers)

    after = begin + timedelta(hours=24)
    assert len(headers_of(both, after)["svix-signature"].split(" ")) == 1


def test_rotating_twice_does_not_lengthen_the_first_overlap() -> None:
    begin = datetime(2026, 3, 1, tzinfo=UTC)
    first = rotate([], begin)
    second = rotate(first, begin)
    third = rotate(second, begin + timedelta(hours=12))
    assert [entry["key"] for entry in third[1:]] == [second[0]["key"], first[0]["key"]]
    assert third[2]["validUntil"] == (begin + timedelta(hours=24)).isoformat()
    assert len(rotate(third, begin + timedelta(hours=25))) == 3


def test_a_key_does_not_show_itself() -> None:
    assert "secret" not in repr(SigningKey(b"secret"))
