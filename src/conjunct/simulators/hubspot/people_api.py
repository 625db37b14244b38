"""`/crm/v3/owners`: the people to whom records may belong."""

from __future__ import annotations

from collections.abc import Sequence

from conjunct.simulators.contract import Answer, Call, Route
from conjunct.simulators.hubspot import bodies, errors, listing
from conjunct.simulators.hubspot.owners import FORMER_OWNERS, OWNERS


class PeopleApi:
    """Answers for owners."""

    def routes(self) -> Sequence[Route]:
        """The routes; HubSpot's own client ends the first with a slash."""
        return (
            Route("GET", "/crm/v3/owners", self.list, page=True),
            Route("GET", "/crm/v3/owners/", self.list, page=True),
            Route("GET", "/crm/v3/owners/{id}", self.get),
        )

    def list(self, call: Call) -> Answer:
        """Owners, or those that were archived; perhaps the one of an `email`."""
        wire = [item.to_wire() for item in (FORMER_OWNERS if bodies.flag(call.query, "archived") else OWNERS)]
        email = call.query.get("email")
        found = [item for item in wire if email is None or item["email"] == email.casefold()]
        return listing.page(call, found, default=100, most=500)

    def get(self, call: Call) -> Answer:
        """One owner, by the owner's or by the user's id."""
        key = "userId" if call.query.get("idProperty") == "userId" else "id"
        known = FORMER_OWNERS if bodies.flag(call.query, "archived") else OWNERS
        found = next((wire for item in known if str((wire := item.to_wire())[key]) == call.params["id"]), None)
        if found is None:
            raise errors.not_found()
        return bodies.json_answer(found)
