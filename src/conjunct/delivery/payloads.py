"""Large bodies: kept encrypted in the storage, fetched by a link that authenticates itself for 15 minutes."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from conjunct.core.database import Database
from conjunct.core.encryption import Keyring
from conjunct.core.storage import Storage
from conjunct.delivery.messages import Message, Payload
from conjunct.delivery.models import DeliveryPayloadRow
from conjunct.delivery.problems import PayloadLinkExpired, PayloadLinkInvalid
from conjunct.kit.clock import Clock
from conjunct.kit.ids import new_id
from conjunct.tenants import ProjectKeys

LINK_LIFETIME = timedelta(minutes=15)
KEPT = timedelta(hours=1)
"""How long a payload stays after it was last offered; longer than its link, so that no download is cut off."""

_UNIX_DIGITS = 12

_PUT = text("""
insert into delivery_payload (id, project_id, message_id, part, sealed_key, expires_at)
values (:id, :project_id, :message_id, 0, :sealed_key, :expires_at)
on conflict (project_id, message_id, part) do update set expires_at = excluded.expires_at
returning id, sealed_key
""")


@dataclass(frozen=True, slots=True)
class _Stored:
    id: str
    project_id: str
    keyring: Keyring = field(repr=False)
    signing_key: bytes = field(repr=False)
    sealed_content: bytes | None = field(repr=False)


class PayloadService:
    """Stores payloads, makes their links, and answers them."""

    def __init__(
        self, *, database: Database, keys: ProjectKeys, storage: Storage, public_url: str, clock: Clock
    ) -> None:
        self._database = database
        self._keys = keys
        self._storage = storage
        self._public_url = public_url.rstrip("/")
        self._clock = clock

    async def store(self, keyring: Keyring, project_id: str, message_id: str, content: bytes) -> Payload:
        """Keep the payload of a message; for the same message again, in place of the former. No transaction is open."""
        new, key = new_id(), secrets.token_bytes(32)
        values = {
            "id": new,
            "project_id": project_id,
            "message_id": message_id,
            "sealed_key": keyring.encrypt(key, key_place(new)),
            "expires_at": self._clock.now() + KEPT,
        }
        async with self._database.transaction() as session:
            payload_id, sealed_key = (await session.execute(_PUT, values)).one()
        await self._storage.put(
            _storage_key(project_id, payload_id), keyring.encrypt(content, content_place(payload_id))
        )
        return open_payload(keyring, payload_id, sealed_key)

    async def keep(
        self, session: AsyncSession, keyring: Keyring, project_id: str, message_id: str, content: bytes, part: int
    ) -> Payload:
        """Keep a payload of a message in the database, on the transaction that keeps the message. They are rare."""
        new, key = new_id(), secrets.token_bytes(32)
        row = DeliveryPayloadRow(
            id=new,
            project_id=project_id,
            message_id=message_id,
            part=part,
            sealed_key=keyring.encrypt(key, key_place(new)),
            sealed_content=keyring.encrypt(content, content_place(new)),
            expires_at=self._clock.now() + KEPT,
        )
        session.add(row)
        await session.flush()
        return Payload(new, key)

    def body_of(self, message: Message) -> bytes:
        """The message's body as it is sent now, with a fresh link to each of its payloads."""
        body = message.body
        for payload in message.payloads:
            body = body.replace(payload.placeholder.encode(), self.link(payload).encode())
        return body

    def link(self, payload: Payload) -> str:
        """A link that is valid for 15 minutes from now."""
        expires = int((self._clock.now() + LINK_LIFETIME).timestamp())
        signature = _sign(payload.signing_key, payload.id, expires)
        return f"{self._public_url}/v1/payloads/{payload.id}?expires={expires}&signature={signature}"

    async def download(self, payload_id: str, expires: str, signature: str) -> bytes:
        """What the link stands for; `PayloadLinkInvalid` or `PayloadLinkExpired`.

        An unknown payload and a bad signature get the same answer. No transaction is open.
        """
        found = await self._find(payload_id)
        moment = int(expires) if expires.isascii() and expires.isdecimal() and len(expires) <= _UNIX_DIGITS else 0
        expected = _sign(found.signing_key if found else bytes(32), payload_id, moment)
        if not hmac.compare_digest(expected.encode(), signature.encode("utf-8", "replace")) or found is None:
            raise PayloadLinkInvalid
        if datetime.fromtimestamp(moment, UTC) <= self._clock.now():
            raise PayloadLinkExpired
        sealed = found.sealed_content or await self._storage.get(_storage_key(found.project_id, found.id))
        if sealed is None:
            raise PayloadLinkExpired
        return found.keyring.decrypt(sealed, content_place(found.id))

    async def remove_expired(self, now: datetime, limit: int) -> int:
        """Remove up to `limit` payloads that were last offered long ago and whose message waits no more."""
        async with self._database.transaction() as session:
            expired = (await session.execute(_EXPIRED, {"now": now, "limit": limit})).all()
        for payload_id, project_id in expired:
            await self._storage.delete(_storage_key(project_id, payload_id))
        if expired:
            async with self._database.transaction() as session:
                await session.execute(_REMOVE, {"ids": [row.id for row in expired], "now": now})
        return len(expired)

    async def _find(self, payload_id: str) -> _Stored | None:
        async with self._database.transaction() as session:
            # The only way in without a tenant: the link's signature, checked next, stands for it.
            row = (
                await session.execute(
                    select(
                        DeliveryPayloadRow.id,
                        DeliveryPayloadRow.project_id,
                        DeliveryPayloadRow.sealed_key,
                        DeliveryPayloadRow.sealed_content,
                    ).where(DeliveryPayloadRow.id == payload_id)
                )
            ).one_or_none()
            if row is None:
                return None
            keyring = await self._keys.keyring(session, row.project_id)
        key = keyring.decrypt(row.sealed_key, key_place(row.id))
        return _Stored(row.id, row.project_id, keyring, key, row.sealed_content)


# Where its message still waits or can be pulled, a payload stays, whatever its time.
_EXPIRED = text("""
select p.id, p.project_id from delivery_payload p
where p.expires_at <= :now
    and not exists (select from delivery_message m where m.project_id = p.project_id and m.id = p.message_id)
    and not exists (select from delivery_kept k where k.project_id = p.project_id and k.id = p.message_id)
order by p.expires_at limit :limit
""")
_REMOVE = text("delete from delivery_payload where id = any(cast(:ids as text[])) and expires_at <= :now")


async def offer_again(session: AsyncSession, project_id: str, message_id: str, now: datetime) -> None:
    """Keep the payload of a message that is about to be sent again for as long as its new link needs."""
    await session.execute(
        text(
            "update delivery_payload set expires_at = :expires_at "
            "where project_id = :project_id and message_id = :message_id"
        ),
        {"project_id": project_id, "message_id": message_id, "expires_at": now + KEPT},
    )


def open_payload(keyring: Keyring, payload_id: str, sealed_key: bytes) -> Payload:
    """The payload from its row."""
    return Payload(payload_id, keyring.decrypt(sealed_key, key_place(payload_id)))


def _sign(key: bytes, payload_id: str, expires: int) -> str:
    return hmac.new(key, f"{payload_id}.{expires}".encode("utf-8", "replace"), hashlib.sha256).hexdigest()


def key_place(payload_id: str) -> str:
    """What the key that signs a payload\'s links is sealed for."""
    return f"delivery_payload:{payload_id}:sealed_key"


def content_place(payload_id: str) -> str:
    """What a payload is sealed for, in the storage or in the database."""
    return f"delivery_payload:{payload_id}:content"


def _storage_key(project_id: str, payload_id: str) -> str:
    return f"payloads/{project_id}/{payload_id}"
