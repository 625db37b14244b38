"""Token endpoints of providers: asked over the network, and what they give as it is kept."""

from __future__ import annotations

from datetime import datetime, timedelta

from conjunct.connections.credentials import OAuthTokens, Token
from conjunct.connectors import Definition, Transport
from conjunct.connectors.oauth import IssuedTokens, TokenRequest, read_tokens
from conjunct.kit.clock import Clock, SystemClock
from conjunct.providers import ProviderOverrides

LARGEST_ANSWER = 256 * 1024


class TokenEndpoint:
    """Asks for tokens, once: a code or a rotating refresh token must not be sent twice. `timeout` is in seconds."""

    timeout = 20.0

    def __init__(self, transport: Transport, overrides: ProviderOverrides, clock: Clock | None = None) -> None:
        self._transport = transport
        self._overrides = overrides
        self._clock = clock or SystemClock()

    def override(self, definition: Definition) -> str | None:
        """The URL that stands in for the provider's hosts, if any."""
        return self._overrides.base_url(definition.name)

    async def ask(self, definition: Definition, request: TokenRequest) -> IssuedTokens:
        """The tokens. Call while no transaction is open. Raises a `ProviderError` whose words hold no secret."""
        response = await self._transport.request(
            "POST",
            request.url,
            headers=request.headers,
            body=request.body,
            timeout=self.timeout,
            max_bytes=LARGEST_ANSWER,
        )
        return read_tokens(definition, request, response, self._clock.now())


def kept(issued: IssuedTokens, now: datetime, *, scopes: tuple[str, ...] | None) -> OAuthTokens:
    """The tokens with their times. Without word from the provider, the scopes are those that were asked for."""
    expires_at = None if issued.expires_in is None else now + timedelta(seconds=issued.expires_in)
    refresh = None if issued.refresh_token is None else Token(issued.refresh_token, issued_at=now)
    return OAuthTokens(Token(issued.access_token, now, expires_at), refresh, issued.scopes or scopes or None)
