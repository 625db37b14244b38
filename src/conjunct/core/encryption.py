"""Encryption of secrets at rest: AES-256-GCM envelopes with key ids.

Every project has data keys; each is kept wrapped by a versioned master key. An envelope is the bytes
`v1|<key id>|<nonce, 12 bytes><ciphertext and tag>`; the associated data names the table, row and column that the
secret belongs to, so that an envelope moved elsewhere does not open. `master_keys` keeps the master keys,
`sealed_columns` says which columns hold envelopes.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import os
from collections.abc import Callable, Mapping
from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_VERSION = b"v1"
_NONCE_BYTES = 12
_KEY_BYTES = 32


class DecryptionFailed(Exception):
    """An envelope does not open: the wrong key, the wrong place, or damage."""


class UnknownKey(DecryptionFailed):
    """An envelope names a key that is not on the keyring."""


class Keys(Protocol):
    """What seals and opens: a keyring, or one that keeps itself up to date."""

    def encrypt(self, plaintext: bytes, place: str) -> bytes:
        """Seal `plaintext` for `place`, such as `connection:0192…:credentials`."""
        ...

    def decrypt(self, envelope: bytes, place: str) -> bytes:
        """Open what `encrypt` sealed for the same `place`; raises `DecryptionFailed`."""
        ...


class Keyring:
    """AES-256 keys by id, oldest first, one of which encrypts.

    Old keys still open what they sealed. `repr` shows the ids and never a key. `on_unknown` hears that an envelope
    named a key that is not here, before `UnknownKey` is raised.
    """

    def __init__(
        self, keys: Mapping[str, bytes], current: str, *, on_unknown: Callable[[], object] = lambda: None
    ) -> None:
        if current not in keys:
            raise ValueError(f"the current key {current!r} is not among the keys")
        self._ciphers = {key_id.encode(): AESGCM(key) for key_id, key in keys.items()}
        # The current one first: what signs is what most often verifies.
        self._keys = (keys[current], *(key for key_id, key in keys.items() if key_id != current))
        self._on_unknown = on_unknown
        self.ids = tuple(keys)
        self.current = current

    def __repr__(self) -> str:
        return f"Keyring(ids={sorted(self.ids)}, current={self.current!r})"

    def encrypt(self, plaintext: bytes, place: str) -> bytes:
        """Seal `plaintext` for `place`, such as `connection:0192…:credentials`."""
        key_id = self.current.encode()
        nonce = os.urandom(_NONCE_BYTES)
        sealed = self._ciphers[key_id].encrypt(nonce, plaintext, place.encode())
        return b"|".join((_VERSION, key_id, nonce + sealed))

    def derive(self, purpose: str) -> DerivedKeys:
        """Keys for another purpose, such as signing."""
        return DerivedKeys(lambda: self, purpose)

    def derive_each(self, purpose: str) -> tuple[bytes, ...]:
        """A key for the purpose from each key, the current one's first."""
        label = b"conjunct derived key: " + purpose.encode()
        return tuple(hmac.digest(key, label, "sha256") for key in self._keys)

    def decrypt(self, envelope: bytes, place: str) -> bytes:
        """Open what `encrypt` sealed for the same `place`; raises `DecryptionFailed`."""
        try:
            version, key_id, rest = bytes(envelope).split(b"|", 2)
        except ValueError:
            raise DecryptionFailed("this is not an envelope") from None
        cipher = self._ciphers.get(key_id)
        if version != _VERSION:
            raise DecryptionFailed(f"this is an envelope of another version: {version[:10]!r}")
        if cipher is None:
            self._on_unknown()
            raise UnknownKey(f"no key {key_id.decode(errors='replace')!r} for this envelope")
        try:
            return cipher.decrypt(rest[:_NONCE_BYTES], rest[_NONCE_BYTES:], place.encode())
        except (InvalidTag, ValueError):
            raise DecryptionFailed(f"the envelope does not open at {place!r}") from None


class DerivedKeys:
    """Keys for one purpose, one derived from each key of a keyring: the current one signs, and any of them verifies.

    So what was signed before a rotation is good after it.
    """

    def __init__(self, source: Callable[[], Keyring], purpose: str) -> None:
        self._source = source
        self._purpose = purpose
        self._from = source()
        self._derived = self._from.derive_each(purpose)

    def __repr__(self) -> str:
        return f"DerivedKeys({self._purpose!r})"

    @property
    def all(self) -> tuple[bytes, ...]:
        """The keys that verify, each 32 bytes; the current one first."""
        keyring = self._source()
        if keyring is not self._from:
            self._from, self._derived = keyring, keyring.derive_each(self._purpose)
        return self._derived

    @property
    def current(self) -> bytes:
        """The key that signs, 32 bytes."""
        return self.all[0]


def new_key() -> bytes:
    """A fresh AES-256 key."""
    return AESGCM.generate_key(bit_length=256)


def format_master_keys(keys: Mapping[str, bytes]) -> str:
    """The text that `parse_master_keys` reads."""
    return "".join(f"{key_id}:{base64.b64encode(key).decode()}\n" for key_id, key in keys.items())


def parse_master_keys(text: str) -> dict[str, bytes]:
    """Master keys from text: lines `<id>:<base64 of 32 bytes>`; the last line's key encrypts. Raises `ValueError`."""
    keys: dict[str, bytes] = {}
    for number, line in enumerate(filter(None, map(str.strip, text.splitlines())), start=1):
        key_id, separator, encoded = line.partition(":")
        try:
            key = base64.b64decode(encoded, validate=True)
        except binascii.Error:
            key = b""
        if not separator or not key_id or "|" in key_id or len(key) != _KEY_BYTES:
            raise ValueError(f"line {number} of the master key is not `<id>:<base64 of 32 bytes>`")
        if key_id in keys:
            raise ValueError(f"line {number} of the master key has the id of an earlier line")
        keys[key_id] = key
    if not keys:
        raise ValueError("the master key is empty")
    return keys


def parse_master_key(text: str) -> Keyring:
    """The keyring of master keys in text, whose last line's key encrypts. Raises `ValueError`."""
    keys = parse_master_keys(text)
    return Keyring(keys, current=next(reversed(keys)))
