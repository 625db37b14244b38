"""Who keeps a connection's credentials fresh while a connector uses them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from conjunct.connectors.auth import Credentials
from conjunct.connectors.errors import ProviderError


class Keeper(Protocol):
    """The credentials of one connection, for as long as a connector works with them.

    Safe to use from several tasks. Its methods raise `ProviderError`: `AuthRevoked` where the customer must connect
    again, a retryable one where new credentials cannot be had now.
    """

    async def fresh(self) -> Credentials:
        """Credentials that are good now: renewed before, if their end has come."""
        ...

    async def renewed(self, refused: Credentials, /) -> Credentials | None:
        """Others than those that the provider has just refused, or None where there are none to be had."""
        ...

    async def accepted(self, credentials: Credentials, /) -> None:
        """Hear that the provider has taken these credentials."""
        ...

    async def refused(self, credentials: Credentials, error: ProviderError, /) -> None:
        """Hear that the provider does not take these credentials, and that there are no others to try."""
        ...


@dataclass(frozen=True, slots=True)
class Fixed:
    """Credentials that are what they are."""

    credentials: Credentials

    async def fresh(self) -> Credentials:
        """The credentials."""
        return self.credentials

    async def renewed(self, _refused: Credentials) -> Credentials | None:
        """None: there are no others."""
        return None

    async def accepted(self, _credentials: Credentials) -> None:
        """Nothing."""

    async def refused(self, _credentials: Credentials, _error: ProviderError) -> None:
        """Nothing."""
