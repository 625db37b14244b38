"""Who is calling: API keys, customers' JWTs and builders' tokens, and the project that each opens."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import replace
from typing import TypeVar, cast

from sqlalchemy import func, or_, select

from conjunct.core.database import Database
from conjunct.core.problems import Unauthorized
from conjunct.tenants import customer_tokens
from conjunct.tenants.caller import Caller, Role, no_such_project
from conjunct.tenants.credentials import BUILDER_TOKEN_PREFIX, digest_of
from conjunct.tenants.models import ApiKeyRow, BuilderRow, BuilderTokenRow, JwtKeyRow, ProjectRow

_CACHE_SECONDS = 5.0
_CACHE_SIZE = 10_000

Found = TypeVar("Found")


class Authenticator:
    """Finds the caller of a credential, remembering answers for a few seconds.

    A credential that is switched off or deleted stops working at once in the process that did it, and within 5
    seconds in the others.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known: OrderedDict[Hashable, tuple[float, object]] = OrderedDict()

    async def authenticate(self, *, api_key: str | None = None, bearer: str | None = None) -> Caller:
        """The caller of the credential; an API key goes before a bearer token.

        `Unauthorized` when there is none, or it is off, expired or unknown.
        """
        if api_key:
            return await self._by_api_key(api_key)
        if bearer is None:
            raise Unauthorized(
                "The request has no credential.",
                remedy="Send your API key in the header X-Api-Key, or a token as Authorization: Bearer.",
            )
        if bearer.startswith(BUILDER_TOKEN_PREFIX):
            return await self._by_builder_token(bearer)
        return await self._by_customer_token(bearer)

    async def open_project(self, caller: Caller, project_id_or_name: str) -> str:
        """The id of the named project; `NotFound` for any that the caller cannot see, whether it exists or not."""
        if caller.project_id is not None:
            if project_id_or_name in (caller.project_id, caller.project_name):
                return caller.project_id
            raise no_such_project(project_id_or_name)
        statement = select(ProjectRow.id).where(
            ProjectRow.org_id == caller.org_id,
            or_(ProjectRow.id == project_id_or_name, ProjectRow.name == project_id_or_name),
        )
        async with self._database.reading() as connection:
            found = await connection.scalar(statement)
        if found is None:
            raise no_such_project(project_id_or_name)
        return str(found)

    def forget(self) -> None:
        """Drop every remembered answer; called where a credential changes, after the change is committed."""
        self._known = OrderedDict()

    async def _by_api_key(self, api_key: str) -> Caller:
        digest = digest_of(api_key)
        return await self._remembered(("api key", digest), lambda: self._find_api_key(digest))

    async def _by_builder_token(self, token: str) -> Caller:
        digest = digest_of(token)
        return await self._remembered(("builder token", digest), lambda: self._find_builder(digest))

    async def _by_customer_token(self, token: str) -> Caller:
        key_id = customer_tokens.key_id_of(token)
        public_key, opened = await self._remembered(("jwt key", key_id), lambda: self._find_jwt_key(key_id))
        claims = customer_tokens.verify(token, public_key)
        actor = f"jwt:{key_id}:{claims.consumer_ref}"
        return replace(opened, actor=actor, group_ref=claims.group_ref, consumer_ref=claims.consumer_ref)

    async def _find_api_key(self, digest: bytes) -> Caller:
        statement = (
            select(ApiKeyRow.id, ApiKeyRow.scopes, ProjectRow.id, ProjectRow.name, ProjectRow.frontend_access)
            .join(ProjectRow, ProjectRow.id == ApiKeyRow.project_id)
            .where(ApiKeyRow.digest == digest, ApiKeyRow.active)
        )
        async with self._database.reading() as connection:
            row = (await connection.execute(statement)).one_or_none()
        if row is None:
            raise Unauthorized(
                "The API key is unknown or switched off.",
                remedy="Check the header X-Api-Key; the first start of Conjunct writes a key into bootstrap.json.",
            )
        key_id, scopes, project_id, name, access = row
        return Caller(
            kind="api_key",
            actor=f"api-key:{key_id}",
            scopes=frozenset(scopes),
            project_id=project_id,
            project_name=name,
            frontend_access=frozenset(access),
        )

    async def _find_builder(self, digest: bytes) -> Caller:
        unexpired = or_(BuilderTokenRow.expire_time.is_(None), BuilderTokenRow.expire_time > func.now())
        statement = (
            select(BuilderRow.id, BuilderRow.org_id, BuilderRow.role)
            .join(BuilderTokenRow, BuilderTokenRow.builder_id == BuilderRow.id)
            .where(BuilderTokenRow.digest == digest, unexpired)
        )
        async with self._database.reading() as connection:
            row = (await connection.execute(statement)).one_or_none()
        if row is None:
            raise Unauthorized(
                "The builder's token is unknown, withdrawn or expired.",
                remedy="Ask the operator for a new one: `conjunct admin create-token EMAIL` makes it.",
            )
        builder_id, org_id, role = row
        return Caller(
            kind="builder",
            actor=f"builder:{builder_id}",
            scopes=frozenset({"full"}),
            builder_id=builder_id,
            org_id=org_id,
            role=cast("Role | None", role),
        )

    async def _find_jwt_key(self, key_id: str) -> tuple[str, Caller]:
        """The public key, and what all tokens signed with its other half have in common."""
        statement = (
            select(JwtKeyRow.public_key_pem, ProjectRow.id, ProjectRow.name, ProjectRow.frontend_access)
            .join(ProjectRow, ProjectRow.id == JwtKeyRow.project_id)
            .where(JwtKeyRow.id == key_id, JwtKeyRow.active)
        )
        async with self._database.reading() as connection:
            row = (await connection.execute(statement)).one_or_none()
        if row is None:
            raise customer_tokens.unknown_key()
        public_key, project_id, name, access = row
        return public_key, Caller(
            kind="jwt",
            actor="",
            scopes=frozenset({"frontend"}),
            project_id=project_id,
            project_name=name,
            frontend_access=frozenset(access),
        )

    async def _remembered(self, key: Hashable, find: Callable[[], Awaitable[Found]]) -> Found:
        now, memory = time.monotonic(), self._known
        known = memory.get(key)
        if known is not None and known[0] > now:
            return cast("Found", known[1])
        memory.pop(key, None)
        found = await find()
        # In the memory of before: what was found while everything was forgotten may be old, and is forgotten with it.
        memory[key] = (now + _CACHE_SECONDS, found)
        while len(memory) > _CACHE_SIZE:
            memory.popitem(last=False)
        return found
