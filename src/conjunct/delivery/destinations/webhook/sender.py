"""Posting one message to a webhook, and reading what the answer means."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from conjunct.core.egress import Egress, EgressError
from conjunct.delivery.destinations.contract import Answer, Outgoing
from conjunct.delivery.destinations.webhook.signing import SigningKey, signed_headers

# Only the status counts. A short answer is read, so that its connection can serve again; of a long one, no more.
MAX_ANSWER_BYTES = 64 * 1024
GONE = 410


class WebhookSender:
    """Posts to one URL."""

    def __init__(self, url: str, headers: Mapping[str, str], keys: Sequence[SigningKey], egress: Egress) -> None:
        self._url = url
        has_type = any(name.lower() == "content-type" for name in headers)
        self._headers = dict(headers) if has_type else {"Content-Type": "application/json", **headers}
        self._keys = keys
        self._egress = egress

    async def send(self, outgoing: Outgoing, timeout_seconds: float) -> Answer:
        """Post once. 2xx is success; a redirect is not followed; whatever else is a failure."""
        headers = self._headers | signed_headers(outgoing.message_id, outgoing.body, outgoing.sent_at, self._keys)
        status: int | None = None
        wait = failure = None
        start = time.perf_counter()
        try:
            async with self._egress.stream(
                "POST", self._url, headers=headers, body=outgoing.body, timeout=timeout_seconds
            ) as response:
                status, wait = response.status, response.headers.get("Retry-After")
                await _drain(response.content.iter_any())
        except EgressError as error:
            failure = error.message
        elapsed = time.perf_counter() - start
        if status is None:
            return Answer(delivered=False, elapsed=elapsed, error=failure)
        return _judge(status, elapsed, _retry_after(wait, outgoing.sent_at))


async def _drain(chunks: AsyncIterator[bytes]) -> None:
    read = 0
    async for chunk in chunks:
        read += len(chunk)
        if read > MAX_ANSWER_BYTES:
            return


def _judge(status: int, elapsed: float, retry_after: timedelta | None) -> Answer:
    if 200 <= status < 300:
        return Answer(delivered=True, elapsed=elapsed, status=status)
    return Answer(
        delivered=False,
        elapsed=elapsed,
        status=status,
        error=f"The destination answered {status}.",
        retry_after=retry_after,
        gone=status == GONE,
    )


def _retry_after(value: str | None, now: datetime) -> timedelta | None:
    """The header's seconds or date as a span from now; None when it is missing or makes no sense."""
    if value is None:
        return None
    try:
        if value.strip().isdecimal():
            return timedelta(seconds=int(value))
        moment = parsedate_to_datetime(value)
    except (ValueError, OverflowError):
        return None
    moment = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    return max(moment - now, timedelta())
