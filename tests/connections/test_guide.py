"""The examples of the how-to guide work as they stand."""

from __future__ import annotations

import json
import re
from pathlib import Path

import httpx

from tests.connections.making import make

GUIDE = Path(__file__).parents[2] / "docs/how-to/connect-a-customer.md"


async def test_every_request_of_the_guide_is_accepted(client: httpx.AsyncClient) -> None:
    made = await make(client, "keyed")
    requests = re.findall(r'curl -X (\w+) "\$CONJUNCT(\S+)".*?-d \'(.*?)\'\n', GUIDE.read_text(), re.DOTALL)
    assert [method for method, _, _ in requests] == ["POST", "POST", "PATCH"]
    for method, path, body in requests:
        url = path.replace("$PROJECT", "acme").replace("$CONNECTION_ID", made["id"])
        response = await client.request(method, url, json=json.loads(body))
        assert response.is_success, response.text
