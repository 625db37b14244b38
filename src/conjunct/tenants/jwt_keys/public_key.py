"""Public keys in PEM: which are accepted, and what to do about the others. The text itself is never repeated."""

from __future__ import annotations

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key

from conjunct.core.problems import InvalidRequest, Issue

SMALLEST_BITS = 2048
LARGEST_BITS = 8192

_HOW = "Give the output of: openssl rsa -in private_key.pem -pubout"


def normalised(pem: str) -> str:
    """The key alone, as PEM, without whatever stood around it; `InvalidRequest` unless it is a fitting RSA key."""
    if "PRIVATE KEY" in pem:
        raise _refusal(
            "this is a private key",
            "Register the public key only, and replace this pair: a private key that was sent is no longer private. "
            + _HOW,
        )
    if "BEGIN CERTIFICATE" in pem:
        raise _refusal("this is a certificate", "Give its key: openssl x509 -in certificate.pem -pubkey -noout")
    try:
        key = load_pem_public_key(pem.encode())
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise _refusal("this is not a public key in PEM format", _HOW) from None
    if not isinstance(key, RSAPublicKey):
        raise _refusal("this is not an RSA key", "Make an RSA key: openssl genrsa -out private_key.pem 2048")
    if not SMALLEST_BITS <= key.key_size <= LARGEST_BITS:
        raise _refusal(
            f"the key has {key.key_size} bits, and {SMALLEST_BITS} to {LARGEST_BITS} are accepted",
            "Make another one: openssl genrsa -out private_key.pem 2048",
        )
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def _refusal(fault: str, remedy: str) -> InvalidRequest:
    issue = Issue("publicKeyPem", fault, remedy=remedy)
    return InvalidRequest(f"The public key is not accepted: {fault}.", remedy=remedy, issues=[issue])
