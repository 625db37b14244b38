"""Sign-in by SOAP, as clients older than OAuth do it."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from xml.sax.saxutils import escape

from conjunct.simulators.contract import Answer, Call, Route
from conjunct.simulators.salesforce.access import Tokens
from conjunct.simulators.salesforce.database import Database

_XML = "text/xml; charset=utf-8"
_ENVELOPE = (
    '<?xml version="1.0" encoding="UTF-8"?><soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"'
    ' xmlns="urn:partner.soap.sforce.com" xmlns:sf="urn:fault.partner.soap.sforce.com"><soapenv:Body>{}'
    "</soapenv:Body></soapenv:Envelope>"
)
_REFUSED = (
    "<soapenv:Fault><faultcode>sf:{code}</faultcode><faultstring>{code}: {message}</faultstring><detail><sf:LoginFault>"
    "<sf:exceptionCode>{code}</sf:exceptionCode><sf:exceptionMessage>{message}</sf:exceptionMessage>"
    "</sf:LoginFault></detail></soapenv:Fault>"
)
_BAD = "wrong"


class SoapApi:
    """Answers `login` of the partner API. Any password is good, but those that start with `wrong`."""

    def __init__(self, tokens: Tokens, database: Callable[[], Database]) -> None:
        self._tokens = tokens
        self._database = database

    def routes(self) -> Sequence[Route]:
        """The routes; none needs an access token."""
        return (Route("POST", "/services/Soap/u/{version}", self.login),)

    def login(self, call: Call) -> Answer:
        """An access token for a user's name and password."""
        body = call.body.decode("utf-8", "replace")
        username, password = _element(body, "username"), _element(body, "password")
        if not username or not password or password.startswith(_BAD):
            message = "Invalid username, password, security token; or user locked out."
            return _answer(500, _REFUSED.format(code="INVALID_LOGIN", message=message))
        database = self._database()
        org, user = database.records("Organization").record_id(0), database.user
        url = escape(f"{call.origin}/services/Soap/u/{call.params['version']}/{org[:15]}")
        token = self._tokens.issue(org)
        return _answer(
            200,
            f"<loginResponse><result><metadataServerUrl>{url.replace('/u/', '/m/')}</metadataServerUrl>"
            f"<passwordExpired>false</passwordExpired><sandbox>false</sandbox><serverUrl>{url}</serverUrl>"
            f"<sessionId>{token}</sessionId><userId>{user}</userId><userInfo><organizationId>{org}</organizationId>"
            f"<sessionSecondsValid>{self._tokens.lifetime}</sessionSecondsValid><userId>{user}</userId>"
            f"<userName>{username}</userName></userInfo></result></loginResponse>",
        )


def _element(body: str, name: str) -> str | None:
    """The text of an element, as it is written: it goes back into XML only."""
    match = re.search(rf"<(?:\w+:)?{name}>([^<]*)</", body)
    return match[1] if match else None


def _answer(status: int, content: str) -> Answer:
    return Answer(status, _ENVELOPE.format(content).encode(), content_type=_XML)
