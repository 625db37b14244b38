"""Who is calling: API keys, what each may do, and the project that it opens."""

from __future__ import annotations

import hashlib
import secrets
import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import select

from conjunct.core.database import Database
from conjunct.core.problems import Forbidden, NotFound, Unauthorized
from conjunct.tenants.models import ApiKeyRow, ProjectRow

Scope = Literal["full", "frontend"]

KEY_PREFIX = "cj_"
_SHOWN_CHARACTERS = 10
_CACHE_SECONDS = 5.0
_CACHE_SIZE = 10_000


@dataclass(frozen=True, slots=True)
class Caller:
    """The project that a credential opens and what it may do there."""

    project_id: str
    project_name: str
    scopes: frozenset[str]
    api_key_id: str

    def require(self, scope: Scope) -> None:
        """Refuse with `Forbidden` unless the credential has `scope`; `full` includes `frontend`."""
        if scope not in self.scopes and "full" not in self.scopes:
            raise Forbidden(
                f"This API key lacks the scope {scope!r}.",
                remedy=f"Use a key with the scope {scope!r} or 'full'.",
            )

    def open_project(self, project_id_or_name: str) -> str:
        """The id of the named project; `NotFound` for any other, whether it exists or not."""
        if project_id_or_name in (self.project_id, self.project_name):
            return self.project_id
        raise NotFound(
            f"There is no project {project_id_or_name!r} that this API key can see.",
            remedy="Check the project's id or name, and that the API key belongs to it.",
        )


def new_api_key() -> str:
    """A fresh API key: a visible prefix and 256 random bits."""
    return KEY_PREFIX + secrets.token_urlsafe(32)


def digest_of(api_key: str) -> bytes:
    """What is kept of an API key for look-up. The key is random, so that a plain SHA-256 cannot be guessed back."""
    return hashlib.sha256(api_key.encode()).digest()


def shown_prefix(api_key: str) -> str:
    """The first characters of a key, by which people tell it from others."""
    return api_key[:_SHOWN_CHARACTERS]


class Authenticator:
    """Finds the caller of an API key, remembering answers for a few seconds.

    A key that is switched off or deleted stops working at once in the process that did it, and within 5 seconds in
    the others.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known: OrderedDict[bytes, tuple[float, Caller]] = OrderedDict()

    async def authenticate(self, api_key: str | None) -> Caller:
        """The caller that `api_key` belongs to; `Unauthorized` when there is none, or it is off or unknown."""
        if not api_key:
            raise Unauthorized("The request has no API key.", remedy="Send your API key in the header X-Api-Key.")
        digest = digest_of(api_key)
        now = time.monotonic()
        known = self._known.get(digest)
        if known is not None and known[0] > now:
            return known[1]
        caller = await self._look_up(digest)
        if caller is None:
            self._known.pop(digest, None)
            raise Unauthorized(
                "The API key is unknown or switched off.",
                remedy="Check the header X-Api-Key; the first start of Conjunct writes a key into bootstrap.json.",
            )
        self._known[digest] = (now + _CACHE_SECONDS, caller)
        self._known.move_to_end(digest)
        while len(self._known) > _CACHE_SIZE:
            self._known.popitem(last=False)
        return caller

    def forget(self) -> None:
        """Drop every remembered answer; called where a key changes."""
        self._known.clear()

    async def _look_up(self, digest: bytes) -> Caller | None:
        statement = (
            select(ApiKeyRow.id, ApiKeyRow.scopes, ProjectRow.id, ProjectRow.name)
            .join(ProjectRow, ProjectRow.id == ApiKeyRow.project_id)
            .where(ApiKeyRow.digest == digest, ApiKeyRow.active)
        )
        async with self._database.reading() as connection:
            row = (await connection.execute(statement)).one_or_none()
        if row is None:
            return None
        key_id, scopes, project_id, project_name = row
        return Caller(project_id, project_name, frozenset(scopes), key_id)
