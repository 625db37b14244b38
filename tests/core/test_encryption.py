"""Secrets at rest open only with the right key, in the right place."""

import pytest

from conjunct.core.encryption import (
    DecryptionFailed,
    Keyring,
    UnknownKey,
    new_key,
    parse_master_key,
)

TWICE = f"m1:{'A' * 43}=\nm1:{'B' * 43}="


@pytest.fixture
def keyring() -> Keyring:
    return Keyring({"k1": new_key()}, current="k1")


def test_what_is_sealed_opens_at_its_place(keyring: Keyring) -> None:
    envelope = keyring.encrypt(b"a | secret", "connection:1:credentials")
    assert envelope.startswith(b"v1|k1|")
    assert b"secret" not in envelope
    assert keyring.decrypt(envelope, "connection:1:credentials") == b"a | secret"


def test_an_envelope_does_not_open_at_another_place(keyring: Keyring) -> None:
    envelope = keyring.encrypt(b"secret", "connection:1:credentials")
    with pytest.raises(DecryptionFailed, match="connection:2"):
        keyring.decrypt(envelope, "connection:2:credentials")


@pytest.mark.parametrize("damage", [b"", b"v1", b"v1|k1|", b"v2|k1|xxxxxxxxxxxxxxxxxxxx", b"v1|k9|" + b"x" * 40])
def test_damage_is_told_not_opened(keyring: Keyring, damage: bytes) -> None:
    with pytest.raises(DecryptionFailed):
        keyring.decrypt(damage, "somewhere")


def test_an_old_key_still_opens_after_rotation() -> None:
    old = new_key()
    envelope = Keyring({"k1": old}, current="k1").encrypt(b"secret", "p")
    rotated = Keyring({"k1": old, "k2": new_key()}, current="k2")
    assert rotated.decrypt(envelope, "p") == b"secret"
    assert rotated.encrypt(b"x", "p").startswith(b"v1|k2|")


def test_two_seals_of_one_text_differ(keyring: Keyring) -> None:
    assert keyring.encrypt(b"same", "p") != keyring.encrypt(b"same", "p")


def test_repr_shows_no_key() -> None:
    key = new_key()
    shown = repr(Keyring({"k1": key}, current="k1"))
    assert "k1" in shown
    assert repr(key) not in shown


def test_derived_keys_sign_with_the_current_key_and_verify_with_all() -> None:
    old, new = new_key(), new_key()
    before, after = Keyring({"k1": old}, "k1").derive("links"), Keyring({"k1": old, "k2": new}, "k2").derive("links")
    assert after.all == (after.current, before.current)
    assert after.current == Keyring({"k2": new}, "k2").derive("links").current
    assert after.current != Keyring({"k2": new}, "k2").derive("other").current
    assert after.current.hex() not in repr(after)


def test_an_unknown_key_is_heard_of_before_it_is_told() -> None:
    heard: list[str] = []
    envelope = Keyring({"k2": new_key()}, "k2").encrypt(b"x", "p")
    with pytest.raises(UnknownKey, match="no key 'k2'"):
        Keyring({"k1": new_key()}, "k1", on_unknown=lambda: heard.append("k2")).decrypt(envelope, "p")
    assert heard == ["k2"]


@pytest.mark.parametrize("text", ["", "m1", "m1:", "m1:!!!", "m1:c2hvcnQ=", ":c2hvcnQ=", TWICE])
def test_a_bad_master_key_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="master key"):
        parse_master_key(text)
