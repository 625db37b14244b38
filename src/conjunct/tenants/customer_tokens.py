"""JWTs that builders sign for their customers: RS256, short-lived, each confined to one group."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import jwt

from conjunct.core.problems import Unauthorized

ALGORITHM = "RS256"
LONGEST_LIFE = 600
"""Seconds from a token's `iat` to its `exp`."""
LEEWAY = 10
"""Seconds that clocks may differ, and that a client may go on with a token that it remembers until `exp`."""

_LONGEST_TOKEN = 8_192
_KEY_ID = re.compile(r"[A-Za-z0-9-]{1,64}")  # what is none of ours may hold what a database cannot be asked for
_LONGEST_REF = 500
_REMEDY = (
    f"Sign the token with {ALGORITHM} and the private key whose public key is registered; name its id as `kid`; give "
    f"`groupRef`, `consumerRef`, `iat`, and an `exp` at most {LONGEST_LIFE} seconds after `iat`."
)


@dataclass(frozen=True, slots=True)
class Claims:
    """For whom a token speaks."""

    group_ref: str
    consumer_ref: str


def key_id_of(token: str) -> str:
    """The `kid` that the token names; `Unauthorized` when it is no RS256 token. Nothing is verified yet."""
    if len(token) > _LONGEST_TOKEN:
        raise _refusal("it is too long")
    try:
        header = jwt.get_unverified_header(token)
    except jwt.InvalidTokenError:
        raise _refusal("it is not a JWT") from None
    if header.get("alg") != ALGORITHM:
        raise _refusal(f"its algorithm is not {ALGORITHM}")
    key_id = header.get("kid")
    if not isinstance(key_id, str) or not _KEY_ID.fullmatch(key_id):
        raise _refusal("its header names no `kid` of a registered key")
    return key_id


def verify(token: str, public_key_pem: str) -> Claims:
    """The claims of a token with a good signature that is valid now; `Unauthorized` otherwise."""
    try:
        claims = jwt.decode(
            token,
            public_key_pem,
            algorithms=[ALGORITHM],
            leeway=LEEWAY,
            options={"require": ["exp", "iat"], "verify_aud": False, "verify_sub": False},
        )
    except jwt.ExpiredSignatureError:
        raise _refusal("it has expired") from None
    except jwt.ImmatureSignatureError:
        raise _refusal("it is not valid yet: its `iat` or `nbf` lies in the future") from None
    except jwt.MissingRequiredClaimError as error:
        raise _refusal(f"it lacks the claim `{error.claim}`") from None
    except (jwt.InvalidTokenError, ValueError, OverflowError):  # the latter two for an `iat` that is no moment
        raise _refusal("its signature or its claims are not good") from None
    if int(claims["exp"]) - int(claims["iat"]) > LONGEST_LIFE:
        raise _refusal(f"it lives longer than {LONGEST_LIFE} seconds")
    return Claims(_ref(claims, "groupRef"), _ref(claims, "consumerRef"))


def unknown_key() -> Unauthorized:
    """The refusal of a token whose `kid` names no key that is registered and switched on."""
    return _refusal("its `kid` names no key that is registered and active")


def _ref(claims: dict[str, Any], name: str) -> str:
    value = claims.get(name)
    if not isinstance(value, str) or not value or len(value) > _LONGEST_REF or "\x00" in value:
        raise _refusal(f"its claim `{name}` is not a text of 1 to {_LONGEST_REF} characters")
    return value


def _refusal(why: str) -> Unauthorized:
    return Unauthorized(f"The bearer token is not accepted: {why}.", remedy=_REMEDY)
