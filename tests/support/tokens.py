"""Credentials to test with, other than API keys: customers' JWTs and builders' tokens."""

from __future__ import annotations

import time
from functools import cache
from typing import Any, Literal

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from conjunct.core.database import Database
from conjunct.tenants.credentials import digest_of, new_builder_token, shown_prefix
from conjunct.tenants.models import BuilderRow, BuilderTokenRow


@cache
def signing_key(name: str = "own") -> rsa.RSAPrivateKey:
    """A private key, made once a process for each name: making one takes a while."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def public_pem(name: str = "own") -> str:
    """The public half of a signing key."""
    return signing_key(name).public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def customer_token(kid: str, group_ref: str, consumer_ref: str, *, key: str = "own", **changed: Any) -> str:
    """A customer's JWT that is good but for the claims that are given; None takes one away."""
    now = int(time.time())
    claims = {"groupRef": group_ref, "consumerRef": consumer_ref, "iat": now, "exp": now + 300, **changed}
    given = {name: value for name, value in claims.items() if value is not None}
    return jwt.encode(given, signing_key(key), algorithm="RS256", headers={"kid": kid})


async def make_builder(
    database: Database, name: str, org_id: str | None = None, role: Literal["owner", "member"] = "owner"
) -> tuple[str, str]:
    """A builder, in the org if one is given: their id and a token."""
    token = new_builder_token()
    async with database.transaction() as session:
        builder = BuilderRow(
            org_id=org_id,
            role=role if org_id else None,
            email=f"{name}@example.com",
            idp_provider="conjunct",
            idp_ref=name,
        )
        session.add(builder)
        await session.flush()
        session.add(BuilderTokenRow(builder_id=builder.id, digest=digest_of(token), prefix=shown_prefix(token)))
    return builder.id, token
