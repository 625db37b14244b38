"""How customers get from the provider back to the link that they set out from."""

from __future__ import annotations

from urllib.parse import urlencode

from fastapi.responses import RedirectResponse

from conjunct.connections import ConnectLinkService, SetOut
from conjunct.core.database import Database
from conjunct.core.problems import Problem
from conjunct.web.connect.layout import PRIVATE


async def back_to_link(
    database: Database, links: ConnectLinkService, set_out: SetOut, problem: Problem | None = None
) -> RedirectResponse:
    """Go on to the page of the link, which tells of the connection, or of the problem and lets them try again."""
    query = {"result": "connected"}
    if problem is not None:
        words = f"{problem.detail} {problem.remedy or ''}".strip()
        async with database.transaction() as session:
            await links.note_failure(session, set_out.project_id, set_out.link.id, words)
        query = {"provider": set_out.provider}
    # Relative to the callback's own address, which providers know: whatever stands before it stays.
    return RedirectResponse(f"../../connect/{set_out.link.token}?{urlencode(query)}", 303, headers=PRIVATE)
