"""Sessions as they are kept: sealed, claimed by one call at a time, found again by their id or their state."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import orjson
from sqlalchemy.ext.asyncio import AsyncSession

from conjunct.connections.custom_auth.models import CustomAuthSessionRow
from conjunct.connections.custom_auth.places import digest_of, link_place, values_place
from conjunct.connections.custom_auth.problems import SessionBusy, SessionOver
from conjunct.connections.custom_auth.repository import CustomAuthRepository
from conjunct.connections.custom_auth.state import Start, Work
from conjunct.connections.oauth.links import LinkUse, SetOut
from conjunct.kit.clock import Clock
from conjunct.tenants import ProjectKeys

LIFETIME = timedelta(minutes=30)
"""How long a customer may take for each redirect."""

CLAIM = timedelta(minutes=3)
"""How long one call may work on a session before another may: longer than all that it asks the provider takes."""

_ORIGIN = re.compile(r"https?://[A-Za-z0-9.\-_\[\]:]{1,255}")
_STATE_LENGTH = 43  # of 32 random bytes in Base64


class Sessions:
    """The sessions of all projects, on the caller's transaction."""

    def __init__(self, keys: ProjectKeys, clock: Clock) -> None:
        self._keys = keys
        self._clock = clock

    async def add(self, session: AsyncSession, work: Work, start: Start) -> None:
        """Keep a new session, claimed by the call that begins it; those of the project that are over go."""
        sessions, now = CustomAuthRepository(session), self._clock.now()
        token: bytes | None = None
        if start.link is not None:
            keyring = await self._keys.keyring(session, work.project_id)
            token = keyring.encrypt(start.link.token.encode(), link_place(work.digest))
        origin = start.origin or ""
        await sessions.sweep(work.project_id, now)
        await sessions.add(
            session_digest=work.digest,
            project_id=work.project_id,
            provider=work.definition.name,
            provider_app_id=None if work.app is None else work.app.id,
            group_ref=work.who.group_ref,
            group_name=work.who.group_name,
            consumer_ref=work.who.consumer_ref,
            consumer_name=work.who.consumer_name,
            provider_workspace_ref=work.account.workspace_ref,
            provider_metadata=work.account.metadata,
            opener_origin=origin if _ORIGIN.fullmatch(origin) else None,
            connect_link_id=work.link_id,
            sealed_link_token=token,
            expire_time=now + LIFETIME,
            claim=work.claim,
            claim_until=now + CLAIM,
            **await self._progress(session, work),
        )

    async def lock(
        self, session: AsyncSession, project_id: str, digest: bytes, group_ref: str | None, consumer_ref: str | None
    ) -> CustomAuthSessionRow:
        """A session that can be gone on with, until the transaction ends; of a confined caller, only their own.

        Raises `SessionOver`, `SessionBusy`.
        """
        row = await CustomAuthRepository(session).lock(project_id, digest)
        if row is None or group_ref not in (None, row.group_ref) or consumer_ref not in (None, row.consumer_ref):
            raise SessionOver
        now = self._clock.now()
        if row.expire_time <= now:
            raise SessionOver(f"The session is over: the customer took more than {LIFETIME.seconds // 60} minutes.")
        if row.claim_until is not None and row.claim_until > now:
            raise SessionBusy
        return row

    async def values(self, session: AsyncSession, row: CustomAuthSessionRow) -> dict[str, Any]:
        """What is known so far."""
        keyring = await self._keys.keyring(session, row.project_id)
        found: dict[str, Any] = orjson.loads(keyring.decrypt(row.sealed_values, values_place(row.session_digest)))
        return found

    async def claim(self, session: AsyncSession, row: CustomAuthSessionRow, work: Work) -> None:
        """Let this call, and no other, work on a session that is locked; its redirect is used up."""
        taken = {"state_digest": None, "claim": work.claim, "claim_until": self._clock.now() + CLAIM}
        await self._change(session, work, row.claim, **taken)

    async def wait(self, session: AsyncSession, work: Work, state: str) -> None:
        """Give up the claim until the customer comes back with this state. Raises `SessionOver` where it was lost."""
        until = self._clock.now() + LIFETIME
        if not await self._change(session, work, work.claim, **_FREE, state_digest=digest_of(state), expire_time=until):
            raise _lost()

    async def put_back(self, session: AsyncSession, work: Work) -> None:
        """Give up the claim, so that the step that failed can be tried again."""
        await self._change(session, work, work.claim, **_FREE)

    async def end(self, session: AsyncSession, work: Work, *, must_hold: bool = False) -> None:
        """Forget a session that this call has claimed. Raises `SessionOver` if it must hold the claim and lost it."""
        if not await CustomAuthRepository(session).end(work.project_id, work.digest, work.claim) and must_hold:
            raise _lost()

    async def by_state(self, session: AsyncSession, params: Mapping[str, str]) -> CustomAuthSessionRow | None:
        """The session that waits for a callback with these parameters."""
        # Under which name the state comes back is known only when its session is.
        digests = [digest_of(value) for value in params.values() if len(value) == _STATE_LENGTH]
        return await CustomAuthRepository(session).by_state(digests) if digests else None

    async def set_out(self, session: AsyncSession, row: CustomAuthSessionRow) -> SetOut | None:
        """The hosted link that the session began on."""
        if row.connect_link_id is None or row.sealed_link_token is None:
            return None
        keyring = await self._keys.keyring(session, row.project_id)
        token = keyring.decrypt(row.sealed_link_token, link_place(row.session_digest)).decode()
        return SetOut(row.project_id, row.provider, LinkUse(row.connect_link_id, token))

    async def _change(self, session: AsyncSession, work: Work, held_by: str | None, **values: Any) -> bool:
        progress = await self._progress(session, work)
        return await CustomAuthRepository(session).change(work.project_id, work.digest, held_by, **progress, **values)

    async def _progress(self, session: AsyncSession, work: Work) -> dict[str, Any]:
        keyring = await self._keys.keyring(session, work.project_id)
        sealed = keyring.encrypt(orjson.dumps(dict(work.values)), values_place(work.digest))
        return {"position": work.position, "sealed_values": sealed}


_FREE: dict[str, Any] = {"claim": None, "claim_until": None}


def _lost() -> SessionOver:
    return SessionOver("Another call has gone on with this session meanwhile.")
