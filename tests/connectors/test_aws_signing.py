"""Signature Version 4: the signatures of Amazon's own test suite and of its SDK, and requests that carry them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from conjunct.connectors import Basic, ReadQuery
from conjunct.connectors.aws_signing import Scope, Signable, signature_headers
from conjunct.kit.clock import SystemClock
from conjunct.providers import catalog
from tests.connectors.scripted import ScriptedProvider, read_all

KEY_ID = "AKIDEXAMPLE"
SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
NOW = datetime(2015, 8, 30, 12, 36, tzinfo=UTC)
HOST = "https://example.amazonaws.com"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


class Then(SystemClock):
    """The moment of the test suite."""

    def now(self) -> datetime:
        return NOW


@pytest.mark.parametrize(
    ("request_", "token", "signed", "signature"),
    [
        (
            Signable("GET", f"{HOST}/", {}, None),
            None,
            "host;x-amz-date",
            "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
        ),
        (
            Signable("GET", f"{HOST}/?Param2=value2&Param1=value1", {}, None),
            None,
            "host;x-amz-date",
            "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
        ),
        (
            Signable("POST", f"{HOST}/", FORM, b"Param1=value1"),
            None,
            "content-type;host;x-amz-date",
            "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a",
        ),
        (
            Signable("GET", f"{HOST}/a%20b/%E1%88%B4?x=%20y&x=%2B&%E1%88%B4=bar&empty=", {}, None),
            "TOKEN==",
            "host;x-amz-date;x-amz-security-token",
            "105c2ab96ed257150eca2a2b5f7cbf82b9c013e58fa454a71f91e747cbc7d740",
        ),
    ],
    ids=["vanilla", "query", "form", "token"],
)
def test_signatures_are_those_of_the_test_suite(
    request_: Signable, token: str | None, signed: str, signature: str
) -> None:
    headers = signature_headers(
        request_, key_id=KEY_ID, secret=SECRET, scope=Scope("us-east-1", "service"), now=NOW, token=token
    )
    assert headers["X-Amz-Date"] == "20150830T123600Z"
    assert headers["Authorization"] == (
        f"AWS4-HMAC-SHA256 Credential={KEY_ID}/20150830/us-east-1/service/aws4_request, "
        f"SignedHeaders={signed}, Signature={signature}"
    )


async def test_each_request_is_signed_as_it_goes_over_the_wire(provider: ScriptedProvider) -> None:
    provider.answers({"Users": [{"UserId": "1"}], "NextToken": "t"}, {"Users": []})
    connector = provider.connector(catalog().get("aws"), Basic(KEY_ID, SECRET), clock=Then())
    await read_all(connector, ReadQuery("users"))
    for received in provider.received:
        sent = {name: received.headers[name] for name in ("Content-Type", "X-Amz-Target")}
        again = Signable(received.method, provider.url + received.raw_path, sent, received.body)
        scope = Scope("acme", "identitystore")
        signed = signature_headers(again, key_id=KEY_ID, secret=SECRET, scope=scope, now=NOW)
        assert received.headers["Authorization"] == signed["Authorization"]
        assert SECRET not in str(received.headers)
