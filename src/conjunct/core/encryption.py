"""Encryption of secrets at rest: AES-256-GCM envelopes with key ids.

Every project has data keys; each is kept wrapped by a versioned master key. An envelope is the bytes
`v1|<key id>|<nonce, 12 bytes><ciphertext and tag>`; the associated data names the table, row and column that the
secret belongs to, so that an envelope moved elsewhere does not open.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import os
from collections.abc import Mapping
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_VERSION = b"v1"
_NONCE_BYTES = 12
_KEY_BYTES = 32


class DecryptionFailed(Exception):
    """An envelope does not open: the wrong key, the wrong place, or damage."""


class Keyring:
    """AES-256 keys by id, one of which encrypts.

    Old keys still open what they sealed. `repr` shows the ids and never a key.
    """

    def __init__(self, keys: Mapping[str, bytes], current: str) -> None:
        if current not in keys:
            raise ValueError(f"the current key {current!r} is not among the keys")
        self._ciphers = {key_id.encode(): AESGCM(key) for key_id, key in keys.items()}
        self._current_key = keys[current]
        self.current = current

    def __repr__(self) -> str:
        return f"Keyring(ids={sorted(key.decode() for key in self._ciphers)}, current={self.current!r})"

    def encrypt(self, plaintext: bytes, place: str) -> bytes:
        """Seal `plaintext` for `place`, such as `connection:0192…:credentials`."""
        key_id = self.current.encode()
        nonce = os.urandom(_NONCE_BYTES)
        sealed = self._ciphers[key_id].encrypt(nonce, plaintext, place.encode())
        return b"|".join((_VERSION, key_id, nonce + sealed))

    def derive(self, purpose: str) -> bytes:
        """A key for another purpose, such as signing; the same as long as the current key is."""
        return hmac.digest(self._current_key, b"conjunct derived key: " + purpose.encode(), "sha256")

    def decrypt(self, envelope: bytes, place: str) -> bytes:
        """Open what `encrypt` sealed for the same `place`; raises `DecryptionFailed`."""
        try:
            version, key_id, rest = bytes(envelope).split(b"|", 2)
        except ValueError:
            raise DecryptionFailed("this is not an envelope") from None
        cipher = self._ciphers.get(key_id)
        if version != _VERSION or cipher is None:
            raise DecryptionFailed(f"no key {key_id.decode(errors='replace')!r} for this envelope")
        try:
            return cipher.decrypt(rest[:_NONCE_BYTES], rest[_NONCE_BYTES:], place.encode())
        except (InvalidTag, ValueError):
            raise DecryptionFailed(f"the envelope does not open at {place!r}") from None


def new_key() -> bytes:
    """A fresh AES-256 key."""
    return AESGCM.generate_key(bit_length=256)


def parse_master_key(text: str) -> Keyring:
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
        keys[key_id] = key
    if not keys:
        raise ValueError("the master key is empty")
    return Keyring(keys, current=next(reversed(keys)))


def load_or_create_master_key(path: Path) -> Keyring:
    """The master key kept in a file of mode 0600; made, and made durable, where there is none yet."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return parse_master_key(path.read_text())
    with os.fdopen(descriptor, "w") as file:
        file.write(f"m1:{base64.b64encode(new_key()).decode()}\n")
        file.flush()
        os.fsync(file.fileno())
    return parse_master_key(path.read_text())
