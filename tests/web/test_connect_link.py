"""The pages of hosted links: a customer is walked through connecting, with no script, and nobody else gets far."""

from __future__ import annotations

import re
from datetime import timedelta
from urllib.parse import parse_qsl, urlsplit

from sqlalchemy import text

from conjunct.web.connect.forms import LARGEST_FORM
from tests.connections.flows import CALLBACK, WHO, Flow
from tests.connections.hosted import PATH, Page, Visitor, link_json, make_link, visit, visitor

SECRET = "typed-s3cret"
REDMINE = {"providerWorkspaceRef": "https://redmine.example.com", "apiKey": SECRET}
RETURN = "https://app.example.com/done?tab=crm"
HOSTILE = "</title></style><script>alert(1)</script>\"'><img src=x onerror=alert(2)>{0}&amp;"


NO_FORMS: list[tuple[int, bytes, dict[str, str]]] = [
    (413, b"apiKey=" + b"x" * LARGEST_FORM, {}),
    (400, "&".join(f"f{n}=x" for n in range(200)).encode(), {}),
    (400, b"apiKey=%ff%fe", {}),
    (400, b"apiKey=a%00b", {}),
    (400, "apiKey=\u0439".encode(), {}),
    (400, b'{"apiKey": "x"}', {"Content-Type": "application/json"}),
    (400, b"--x--", {"Content-Type": "multipart/form-data; boundary=x"}),
    (403, b"apiKey=x", {"Sec-Fetch-Site": "cross-site"}),
    (403, b"apiKey=x", {"Sec-Fetch-Site": "same-site"}),
]


async def came_back(visitor: Visitor, page: Page, **query: str) -> Page:
    """Go on to the provider and come back as its redirect says, or with this query instead."""
    assert page.forward is not None, page.text
    assert page.forward in page.links
    if query:
        query["state"] = dict(parse_qsl(urlsplit(page.forward).query))["state"]
    else:
        answer = await visitor.flow.browser.get(page.forward)
        assert answer.headers["location"].startswith(CALLBACK + "?")
        query = dict(parse_qsl(urlsplit(answer.headers["location"]).query))
    callback = visitor.flow.client.base_url.join("/callbacks/v1/oauth")
    return await visitor.followed(await visitor.flow.browser.get(callback, params=query))


class TestForms:
    async def test_an_api_key_is_asked_for_and_connects(self, flow: Flow) -> None:
        customer = await visit(flow)
        page = await customer.get()
        assert page.status == 200
        assert "Connect Redmine to" in page.text
        assert "For Acme" in page.text
        assert "Such as https://redmine.example.com" in page.text
        assert list(page.fields) == ["providerWorkspaceRef", "apiKey"]
        assert page.fields["apiKey"]["type"] == "password"
        assert "https://www.redmine.org/projects/redmine/wiki/Rest_api#Authentication" in page.links
        done = await customer.sent(REDMINE)
        assert (done.status, done.fields) == (200, {})
        assert "You are connected" in done.text
        [made] = await flow.connections()
        assert (made["apiKey"], made["providerWorkspaceRef"]) == (SECRET, "https://redmine.example.com")
        assert made["group"]["groupRef"] == WHO["groupRef"]
        assert made["consumer"]["consumerName"] == WHO["consumerName"]
        link = await link_json(flow)
        assert (link["status"], link["connectionId"]) == ("connected", made["id"])

    async def test_what_is_wrong_is_told_at_its_field_and_no_secret_is_shown_again(self, flow: Flow) -> None:
        customer = await visit(flow)
        page = await customer.sent({**REDMINE, "providerWorkspaceRef": 'ftp://"x" y'})
        assert page.status == 422
        assert "http or https address" in (page.fault("providerWorkspaceRef") or "")
        assert page.fields["providerWorkspaceRef"]["value"] == 'ftp://"x" y'
        assert page.fault("apiKey") is None
        assert SECRET not in page.response.text
        summary = next(each for each in page.all("div") if each.get("role") == "alert")
        assert (summary["tabindex"], "autofocus" in summary) == ("-1", True)
        assert page.response.text.partition("<title>")[2].startswith("Error: ")
        assert await flow.connections() == []

    async def test_all_that_is_missing_is_told_at_once(self, flow: Flow) -> None:
        page = await (await visit(flow)).sent({"apiKey": "  "})
        assert page.status == 400
        assert page.fault("providerWorkspaceRef") == "Give the address of your Redmine."
        assert page.fault("apiKey") == "Give the API key."

    async def test_a_key_that_cannot_be_sent_is_told_without_itself(self, flow: Flow) -> None:
        customer = await visit(flow)
        for key in ("x" * 40_000, "a\nb"):
            page = await customer.sent({**REDMINE, "apiKey": key})
            assert page.status in (400, 422)
            assert page.fault("apiKey")
            assert key not in page.response.text
        assert await flow.connections() == []

    async def test_only_what_is_asked_counts(self, flow: Flow) -> None:
        """Nobody connects another group, or with other fields, by what they send."""
        more = {"groupRef": "rival", "provider": "keyed", "returnUrl": "https://evil.com", "basicAuth.username": "x"}
        await (await visit(flow)).sent({**REDMINE, **more})
        [made] = await flow.connections()
        assert (made["group"]["groupRef"], made["provider"]) == ("acme", "redmine")

    async def test_a_customer_chooses_one_of_several_providers(self, flow: Flow) -> None:
        customer = await visit(flow, None, providers=["redmine", "keyed"])
        page = await customer.get()
        assert page.links == ["?provider=keyed", "?provider=redmine"]
        assert page.fields == {}
        assert (await customer.get("?provider=machine")).fields == {}  # not one of them
        assert (await customer.send({"apiKey": SECRET}, "?provider=machine")).status_code == 303
        assert await flow.connections() == []
        assert list((await customer.get("?provider=keyed")).fields) == ["apiKey"]
        assert "You are connected" in (await customer.sent({"apiKey": SECRET}, "?provider=keyed")).text
        assert "You are connected" in (await customer.sent(REDMINE, "?provider=redmine")).text
        assert [each["provider"] for each in await flow.connections()] == ["keyed"]

    async def test_a_customer_goes_on_to_the_return_url_once(self, flow: Flow) -> None:
        customer = await visit(flow, returnUrl=RETURN)
        assert RETURN + "&error=canceled" in (await customer.get()).links
        done = await customer.sent(REDMINE)
        [made] = await flow.connections()
        onward = f"{RETURN}&connectionId={made['id']}"
        assert (done.forward, done.links) == (onward, [onward])
        again = await customer.get()
        assert (again.forward, again.links) == (None, [onward])

    async def test_no_parameter_leads_elsewhere(self, flow: Flow) -> None:
        customer = await visit(flow)
        await customer.sent(REDMINE)
        page = await customer.get("?result=connected&returnUrl=https://evil.com&url=https://evil.com")
        assert (page.forward, page.links) == (None, [])


class TestOAuth:
    async def test_a_customer_agrees_at_the_provider_and_comes_back_to_the_link(self, flow: Flow) -> None:
        await flow.app()
        customer = await visit(flow, "hubspot", returnUrl=RETURN)
        page = await customer.get()
        assert page.fields == {}
        assert "Continue to Hubspot" in page.text or "Continue to HubSpot" in page.text
        done = await came_back(customer, await customer.sent({}))
        assert done.response.url.path == customer.url.path
        [made] = await flow.connections()
        assert done.forward == f"{RETURN}&connectionId={made['id']}"
        assert made["group"]["groupRef"] == "acme"
        assert (await link_json(flow))["connectionId"] == made["id"]

    async def test_inputs_are_checked_before_the_customer_is_sent_away(self, flow: Flow) -> None:
        await flow.app("spacious")
        customer = await visit(flow, "spacious")
        page = await customer.get()
        assert {name: each["value"] for name, each in page.fields.items()} == {
            "providerWorkspaceRef": "",
            "providerMetadata.region.value": "eu",
        }
        bad = await customer.sent({"providerWorkspaceRef": "evil.com/#", "providerMetadata.region.value": "EUROPE"})
        assert bad.forward is None
        assert "part of a host name" in (bad.fault("providerWorkspaceRef") or "")
        assert "look as expected" in (bad.fault("providerMetadata.region.value") or "")
        good = await customer.sent({"providerWorkspaceRef": "acme", "providerMetadata.region.value": ""})
        assert good.forward is not None
        assert urlsplit(good.forward).path == "/eu/authorize"

    async def test_a_refusal_is_told_on_the_links_page_and_can_be_tried_again(self, flow: Flow) -> None:
        await flow.app()
        customer = await visit(flow, None, providers=["keyed", "hubspot"], returnUrl=RETURN)
        sent = await customer.sent({}, "?provider=hubspot")
        page = await came_back(customer, sent, error="access_denied", error_description=HOSTILE)
        assert (page.status, page.response.url.path) == (200, customer.url.path)
        assert "did not give access" in page.text
        assert "try again" in page.text
        assert "<img" not in page.response.text
        assert "<script" not in page.response.text
        assert RETURN + "&error=connection_failed" in page.links
        assert page.all("form")
        link = await link_json(flow)
        assert link["status"] == "open"
        assert HOSTILE in link["error"]
        done = await came_back(customer, await customer.sent({}, "?provider=hubspot"))
        assert "You are connected" in done.text
        assert "error" not in await link_json(flow)

    async def test_a_state_works_once_and_then_ends_on_the_usual_page(self, flow: Flow) -> None:
        await flow.app("strict", scopes=["a"])
        customer = await visit(flow, "strict")
        page = await customer.sent({})
        await came_back(customer, page, code="c")
        again = await came_back(customer, page, code="c")
        assert again.status == 400
        assert again.response.url.path == "/callbacks/v1/oauth"

    async def test_of_two_flows_on_one_link_the_first_to_end_connects(self, flow: Flow) -> None:
        for name in ("strict", "telling"):
            await flow.app(name, scopes=["a"])
        flow.server.answer = {"access_token": "t", "team": "acme"}
        customer = await visit(flow, None, providers=["strict", "telling"])
        first, second = [await customer.sent({}, f"?provider={name}") for name in ("strict", "telling")]
        assert "You are connected" in (await came_back(customer, second, code="c")).text
        assert "You are connected" in (await came_back(customer, first, code="c")).text
        assert [each["provider"] for each in await flow.connections()] == ["telling"]

    async def test_whoever_set_out_in_time_may_come_back_after_the_link_has_expired(self, flow: Flow) -> None:
        await flow.app("strict", scopes=["a"])
        customer = await visit(flow, "strict", expiresInSeconds=60)
        page = await customer.sent({})
        flow.clock.advance(timedelta(minutes=5))
        assert (await customer.get()).status == 410
        assert "You are connected" in (await came_back(customer, page, code="c")).text

    async def test_a_link_that_was_revoked_meanwhile_connects_nothing(self, flow: Flow) -> None:
        await flow.app("strict", scopes=["a"])
        customer = await visit(flow, "strict")
        page = await customer.sent({})
        await flow.client.delete(f"{PATH}/{(await link_json(flow))['id']}")
        assert (await came_back(customer, page, code="c")).status == 400
        assert await flow.connections() == []


class TestSteps:
    async def test_a_customer_goes_through_the_steps_and_comes_back_to_the_link(self, flow: Flow) -> None:
        flow.server.answer = {"key": SECRET}
        customer = await visit(flow, "stepped")
        page = await customer.get()
        assert page.fields["customAuth.seal"]["type"] == "password"
        assert (await customer.sent({})).fault("customAuth.seal") == "Give your seal."
        sent = await customer.sent({"customAuth.seal": "s"})
        assert sent.forward is not None
        query = dict(parse_qsl(urlsplit(sent.forward).query))
        callback = flow.client.base_url.join(urlsplit(query["back"]).path)
        answer = await flow.browser.get(callback, params={"state": query["state"], "code": "c"})
        assert "You are connected" in (await customer.followed(answer)).text
        [made] = await flow.connections()
        assert (await link_json(flow))["connectionId"] == made["id"]
        assert flow.server.requests[-1][2] == {"code": "c", "seal": "s"}

    async def test_what_a_step_refuses_is_told_on_the_links_page(self, flow: Flow) -> None:
        customer = await visit(flow, "stepped")
        sent = await customer.sent({"customAuth.seal": "s"})
        query = dict(parse_qsl(urlsplit(sent.forward or "").query))
        callback = flow.client.base_url.join(urlsplit(query["back"]).path)
        answer = await flow.browser.get(callback, params={"state": query["state"]})
        page = await customer.followed(answer)
        assert (page.status, page.response.url.path) == (200, customer.url.path)
        assert "not connected yet" in page.text
        assert "customAuth.seal" in page.fields
        assert await flow.connections() == []


class TestRefusals:
    async def test_an_expired_link_shows_and_does_nothing(self, flow: Flow) -> None:
        customer = await visit(flow, returnUrl=RETURN)
        flow.clock.advance(timedelta(hours=24))
        for page in (await customer.get(), await customer.sent(REDMINE)):
            assert page.status == 410
            assert "expired" in page.text
            assert (page.fields, page.links) == ({}, [])
        assert await flow.connections() == []

    async def test_a_used_link_shows_that_it_is_done_for_as_long_as_it_is_known(self, flow: Flow) -> None:
        customer = await visit(flow)
        await customer.sent(REDMINE)
        flow.clock.advance(timedelta(days=2))
        for page in (await customer.get(), await customer.sent(REDMINE)):
            assert (page.status, page.fields) == (200, {})
            assert "You are connected" in page.text
        assert len(await flow.connections()) == 1

    async def test_a_revoked_link_is_as_unknown_as_any(self, flow: Flow) -> None:
        made = await make_link(flow)
        assert (await flow.client.delete(f"{PATH}/{made['id']}")).status_code == 204
        bodies = set()
        for url in (
            made["url"],
            made["url"][:-1],
            "/connect/nosuch",
            "/connect/" + "x" * 5_000,
            "/connect/%F0%9F%98%80",
        ):
            customer = visitor(flow, url)
            for page in (await customer.get(), await customer.sent(REDMINE)):
                assert page.status == 404
                bodies.add(re.sub(r'nonce="[^"]+"', "", page.response.text))
        assert len(bodies) == 1
        assert await flow.connections() == []

    async def test_what_is_no_form_of_ours_is_refused_on_a_page(self, flow: Flow) -> None:
        customer = await visit(flow)
        for status, content, headers in NO_FORMS:
            usual = {"Content-Type": "application/x-www-form-urlencoded"}
            answer = await flow.browser.post(customer.url, content=content, headers={**usual, **headers})
            assert answer.status_code == status, headers
            assert answer.headers["content-type"] == "text/html; charset=utf-8"
            assert Page.of(answer).all("h1")
        assert await flow.connections() == []

    async def test_a_customers_own_secret_is_in_no_table(self, flow: Flow) -> None:
        await (await visit(flow)).sent(REDMINE)
        async with flow.database.reading() as reading:
            for table in ("connect_link", "connection"):
                dump = str((await reading.execute(text(f"SELECT t::text FROM {table} t"))).all())
                assert SECRET not in dump


class TestFrame:
    async def test_what_others_have_named_is_text_and_nothing_else(self, flow: Flow) -> None:
        customer = await visit(flow, groupName=HOSTILE, returnUrl="https://app.example.com/?a='%22%3E")
        for page in (await customer.get(), await customer.sent({"providerWorkspaceRef": HOSTILE})):
            assert "alert(1)" in page.text
            assert "script" not in [tag for tag, _ in page.elements]
            assert "img" not in [tag for tag, _ in page.elements]
            assert not any(name.startswith("on") for _, each in page.elements for name in each)

    async def test_every_page_is_private_and_runs_nothing(self, flow: Flow) -> None:
        await flow.app()
        customer, other = await visit(flow), await visit(flow, "hubspot")
        pages = [await customer.get(), await customer.sent({}), await other.sent({}), await customer.sent(REDMINE)]
        pages += [await customer.get(), await visitor(flow, "/connect/nosuch").get()]
        for page in pages:
            [nonce] = {each["nonce"] for each in page.all("style")}
            assert page.response.headers["Content-Security-Policy"] == (
                f"default-src 'none'; style-src 'nonce-{nonce}'; form-action 'self'; "
                "base-uri 'none'; frame-ancestors 'none'"
            )
            headers = page.response.headers
            assert (headers["Cache-Control"], headers["Referrer-Policy"]) == ("no-store", "no-referrer")
            assert headers["X-Robots-Tag"] == "noindex, nofollow"
            assert "set-cookie" not in headers
            assert [each["lang"] for each in page.all("html")] == ["en"]
            assert len(page.all("h1")) == len(page.all("main")) == len(page.all("title")) == 1
        answer = await flow.browser.post(customer.url, data=REDMINE)
        assert answer.status_code == 303
        assert (answer.headers["Cache-Control"], answer.headers["Referrer-Policy"]) == ("no-store", "no-referrer")

    async def test_every_field_has_its_label_and_what_describes_it(self, flow: Flow) -> None:
        page = await (await visit(flow)).sent({})
        identifiers = [each["id"] for _, each in page.elements if "id" in each]
        assert len(identifiers) == len(set(identifiers))
        assert {each["for"] for each in page.all("label")} == {each["id"] for each in page.fields.values()}
        for each in page.fields.values():
            assert set(each["aria-describedby"].split()) <= set(identifiers)
