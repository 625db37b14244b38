"""What every request passes: the answer of before for a POST whose key was sent before."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator

from fastapi import Request, Response
from sqlalchemy.ext.asyncio import AsyncSession

from conjunct.core.http import AnswerInstead, on_answer
from conjunct.core.problems import InvalidRequest, Issue
from conjunct.tenants.dependencies import caller_of
from conjunct.tenants.idempotency.service import IdempotencyService

HEADER = "Idempotency-Key"
LONGEST_KEY = 255


async def idempotent(request: Request) -> AsyncIterator[None]:
    """Do a POST with an `Idempotency-Key` once: a repeat gets the first one's answer.

    The answer is kept on the transaction of the change that it tells of; where an operation has transactions of its
    own, right after them. A request that is refused leaves nothing, so that it can be mended and sent again.
    """
    key = request.headers.get(HEADER)
    if key is None or request.method != "POST":
        yield
        return
    service: IdempotencyService = request.app.state.idempotency
    caller = await caller_of(request)
    owned_key = _digest(caller.actor, caller.group_ref or "", _checked(key))
    claim = await service.claim(owned_key, await _request_digest(request))
    if isinstance(claim, Response):
        raise AnswerInstead(claim)
    held = claim

    async def keep(response: Response, session: AsyncSession | None) -> None:
        await service.keep(session, held, response)

    on_answer(request, keep)
    try:
        yield
    except BaseException:  # whatever ended the request, it was not answered
        await service.release(held)
        raise


def _checked(key: str) -> str:
    if key and len(key) <= LONGEST_KEY and key.isascii() and key.isprintable():
        return key
    raise InvalidRequest(
        f"The header {HEADER} has 1 to {LONGEST_KEY} printable ASCII characters.",
        remedy="Send a fresh UUID with every new request.",
        issues=[Issue(HEADER, f"must be 1 to {LONGEST_KEY} printable ASCII characters", location="header")],
    )


async def _request_digest(request: Request) -> bytes:
    return _digest(request.scope["path"], request.scope["query_string"].decode("latin-1"), await request.body())


def _digest(*parts: str | bytes) -> bytes:
    digest = hashlib.sha256()
    for part in parts:
        content = part.encode() if isinstance(part, str) else part
        digest.update(len(content).to_bytes(8, "big") + content)
    return digest.digest()
