"""The account: what an integration asks when it is connected."""

from __future__ import annotations

from collections.abc import Sequence

from conjunct.simulators.contract import Answer, Call, Route
from conjunct.simulators.hubspot import bodies
from conjunct.simulators.hubspot.definitions import PORTAL_ID


class AccountApi:
    """Answers for the account, under every version of the API."""

    def routes(self) -> Sequence[Route]:
        """The routes."""
        return (
            Route("GET", "/account-info/{version}/details", self.account),
            Route("GET", "/account-info/{version}/api-usage/daily/private-apps", self.usage),
            Route("GET", "/integrations/v1/me", self.me),
        )

    def usage(self, _call: Call) -> Answer:
        """How many requests were made today, of how many."""
        used = {"name": "private-apps-api-calls-daily", "usageLimit": 650_000, "currentUsage": 0}
        return bodies.json_answer({"results": [{**used, "fetchStatus": "SUCCESS"}]})

    def account(self, _call: Call) -> Answer:
        """The account."""
        return bodies.json_answer(
            {
                "portalId": PORTAL_ID,
                "accountType": "DEVELOPER_TEST",
                "timeZone": "US/Eastern",
                "companyCurrency": "USD",
                "additionalCurrencies": [],
                "utcOffset": "-05:00",
                "utcOffsetMilliseconds": -18_000_000,
                "uiDomain": "app.hubspot.com",
                "dataHostingLocation": "na1",
            }
        )

    def me(self, _call: Call) -> Answer:
        """The account, as the oldest of these paths tells it."""
        return bodies.json_answer(
            {"portalId": PORTAL_ID, "timeZone": "US/Eastern", "currency": "USD", "utcOffset": "-05:00"}
        )
