"""The OAuth server under test's other side: run, asked as its clients may, and counted in what it was asked."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from scripts.realcheck.judging import require, require_equal
from scripts.realcheck.processes import running, said, until

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Identity:
    """`url` is where it is; `secret` is that of each of its clients."""

    url: str
    log: Path
    secret: str = field(repr=False)

    def lines(self) -> list[dict[str, Any]]:
        """All that it has told until now. Its library warns on the other stream, which ends there as well."""
        text = self.log.read_text(errors="replace")
        return [json.loads(line) for line in text.splitlines() if line.startswith("{")]

    def asked(self, grant: str, status: int = 200) -> int:
        """How many token requests of a grant it has answered with a status."""
        return sum(each.get("grant") == grant and each["status"] == status for each in self.lines())

    def revocations(self) -> int:
        """How many tokens it was asked to revoke."""
        return sum(each.get("asked") == "revocation" and each["status"] == 200 for each in self.lines())

    def accepts(self, access_token: str) -> bool:
        """Whether an access token is good."""
        answer = httpx.get(f"{self.url}/me", headers={"Authorization": f"Bearer {access_token}"}, timeout=10)
        require(answer.status_code in (200, 401), f"/me answers {answer.status_code} {answer.text}")
        return answer.status_code == 200

    def revoke(self, refresh_token: str, client: str = "steady") -> None:
        """End a grant by revoking its refresh token (RFC 7009)."""
        answer = self._post("/token/revocation", client, {"token": refresh_token})
        require_equal("the answer to a revocation", 200, answer.status_code)

    def refuses(self, refresh_token: str, client: str = "steady") -> str:
        """Use a refresh token that must not be good; why it is not."""
        form = {"grant_type": "refresh_token", "refresh_token": refresh_token}
        answer = self._post("/token", client, form)
        require(answer.status_code == 400, f"the refresh token is still good: {answer.status_code}")
        told: dict[str, str] = answer.json()
        require_equal("its error", "invalid_grant", told["error"])
        return told["error_description"]

    def _post(self, path: str, client: str, form: dict[str, str]) -> httpx.Response:
        return httpx.post(self.url + path, data=form, auth=(client, self.secret), timeout=10)


@contextmanager
def identity(folder: Path, *, callback: str, secret: str) -> Iterator[Identity]:
    """Run it for the length of the block; its clients' redirects go to `callback`."""
    log = folder / "identity.log"
    environment = {**os.environ, "CALLBACK": callback, "SECRET": secret}
    command = ["node", str(HERE / "server.mjs")]
    with running(command, environment=environment, folder=HERE, log=log, grace=10) as process:
        url = until("the OAuth server is ready", lambda: said(process, log, '{"url":"'), within=30)
        yield Identity(url.removesuffix('"}'), log, secret)
