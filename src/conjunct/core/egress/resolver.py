"""Name resolution that gives only addresses which the policy allows.

The connection is then made to just these addresses: no second lookup could give others.
"""

from __future__ import annotations

import socket
from ipaddress import ip_address

from aiohttp.abc import AbstractResolver, ResolveResult

from .addresses import EgressPolicy, refusal


class GuardedResolver(AbstractResolver):
    """Asks another resolver and leaves out what the policy does not allow."""

    def __init__(self, inner: AbstractResolver, policy: EgressPolicy) -> None:
        self._inner = inner
        self._policy = policy

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """The allowed addresses of `host`. Raises `AddressRefused` if it has others only, `OSError` if none."""
        found = await self._inner.resolve(host, port, family)
        allowed = [each for each in found if self._policy.allows(ip_address(each["host"].partition("%")[0]))]
        if not found:
            raise OSError(None, "the name has no address")
        if not allowed:
            raise refusal(host)
        return allowed

    async def close(self) -> None:
        """Nothing of its own to close: the inner resolver belongs to who made it."""
