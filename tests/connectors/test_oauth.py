"""OAuth 2 in pure steps: URLs, token requests, and what answers say."""

from __future__ import annotations

import base64
import contextlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from html import escape
from typing import Any
from urllib.parse import parse_qs, parse_qsl, quote, quote_plus, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict

from conjunct.connectors import Definition, InvalidDefinition, load_definition
from conjunct.connectors.addresses import InvalidInputs, checked_inputs
from conjunct.connectors.errors import (
    AuthRevoked,
    BadRequest,
    MalformedAnswer,
    ProviderError,
    RateLimited,
    ServerFailed,
)
from conjunct.connectors.formats import UnusableValue
from conjunct.connectors.oauth import (
    IssuedTokens,
    NoOAuthFlow,
    OAuthClient,
    TokenRequest,
    authorization_url,
    callback_facts,
    challenge_of,
    code_request,
    read_tokens,
    refresh_request,
)

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
CLIENT = OAuthClient("client-1", "s3cret & more")
BACK = "https://conjunct.example.com/callbacks/v1/oauth"
WORKSPACE = "[{name: workspace, kind: subdomain}, {name: tenant}]"


@dataclass(frozen=True)
class Answer:
    """A token endpoint's answer."""

    body: bytes
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=lambda: CIMultiDict({"Content-Type": "application/json"}))


def definition(auth: str = "", inputs: str = "[]", **top: str) -> Definition:
    """A provider with this `auth`, merged over a plain one."""
    plain = "authorize_url: https://login.x.test/authorize, token_url: https://login.x.test/token"
    return load_definition(
        "spec: conjunct/provider@1\nname: x\ndisplay: Xeno\nbase_url: https://api.x.test\n"
        f"inputs: {inputs}\nauth: {{type: oauth2, {auth or plain}}}\n"
        + "".join(f"{key}: {value}\n" for key, value in top.items())
        + "objects: {things: {read: {request: {path: /things}}}}\n"
    )


def url_of(known: Definition, inputs: Mapping[str, str] | None = None, **options: Any) -> str:
    given_inputs = checked_inputs(known, inputs or {})
    told = {"redirect_uri": BACK, "state": "st&te", "scopes": ["a", "b:c"], **options}
    return authorization_url(known, "client 1", given_inputs, **told)


def request_of(known: Definition, **options: Any) -> TokenRequest:
    return code_request(known, CLIENT, {}, code="the-code", redirect_uri=BACK, **options)


def form_of(request: TokenRequest) -> dict[str, str]:
    return dict(parse_qsl(request.body.decode(), strict_parsing=True))


class TestWhereTheCustomerAgrees:
    def test_the_url_holds_what_the_flow_needs(self) -> None:
        url = urlsplit(url_of(definition()))
        assert (url.scheme, url.netloc, url.path) == ("https", "login.x.test", "/authorize")
        assert parse_qs(url.query, strict_parsing=True) == {
            "response_type": ["code"],
            "client_id": ["client 1"],
            "redirect_uri": [BACK],
            "state": ["st&te"],
            "scope": ["a b:c"],
        }

    def test_scopes_are_joined_as_the_provider_wants_them(self) -> None:
        known = definition("authorize_url: https://l/a, token_url: https://l/t, scope_separator: ','")
        assert parse_qs(urlsplit(url_of(known)).query)["scope"] == ["a,b:c"]
        assert "scope" not in parse_qs(urlsplit(url_of(known, scopes=[])).query)

    def test_some_scopes_are_always_asked_for(self) -> None:
        known = definition("authorize_url: https://l/a, token_url: https://l/t, scopes_always: [offline, a]")
        assert parse_qs(urlsplit(url_of(known)).query)["scope"] == ["a b:c offline"]
        assert parse_qs(urlsplit(url_of(known, scopes=[])).query)["scope"] == ["offline a"]

    def test_pkce_sends_the_challenge_and_never_the_verifier(self) -> None:
        url = url_of(definition(), verifier="dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk")
        query = parse_qs(urlsplit(url).query)
        # The example of RFC 7636, appendix B.
        assert query["code_challenge"] == ["E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"]
        assert query["code_challenge_method"] == ["S256"]
        assert "dBjftJeZ4CVP" not in url

    def test_parameters_of_the_definition_and_the_client_are_added(self) -> None:
        known = definition(
            "authorize_url: 'https://l/a?x=1', token_url: https://l/t, "
            "authorize_params: {prompt: login, tenant: '{tenant}'}",
            "[{name: tenant}]",
        )
        url = url_of(known, {"tenant": "t&1"}, params={"optional_scope": ["d", "e"], "prompt": ["consent"]})
        query = parse_qs(urlsplit(url).query)
        assert query["x"] == ["1"]
        assert (query["prompt"], query["tenant"], query["optional_scope"]) == (["consent"], ["t&1"], ["d e"])

    @pytest.mark.parametrize("name", ["state", "redirect_uri", "client_id", "response_type", "scope", "code_challenge"])
    def test_nobody_replaces_what_the_flow_itself_sets(self, name: str) -> None:
        assert parse_qs(urlsplit(url_of(definition(), params={name: ["evil"]})).query).get(name) != ["evil"]
        with pytest.raises(InvalidDefinition, match="the flow itself sets"):
            definition(f"authorize_url: https://l/a, token_url: https://l/t, authorize_params: {{{name}: evil}}")

    def test_an_override_stands_in_for_the_host(self) -> None:
        url = url_of(definition(), override="http://127.0.0.1:8081/sim")
        assert url.startswith("http://127.0.0.1:8081/sim/authorize?")

    def test_inputs_are_part_of_the_address(self) -> None:
        known = definition(
            "authorize_url: 'https://{workspace}.x.test/{tenant}/authorize', token_url: 'https://{workspace}.x.test/t'",
            WORKSPACE,
        )
        url = url_of(known, {"workspace": "acme", "tenant": "a/b?c#d"})
        assert url.startswith("https://acme.x.test/a%2Fb%3Fc%23d/authorize?")

    @pytest.mark.parametrize(
        "workspace",
        [
            "evil.com/#",
            "evil.com/",
            "evil.com?",
            "evil.com:443/",
            "a@evil.com",
            "evil.com\\",
            "a..b",
            "-",
            "a\nb",
            "\N{SNOWMAN}",
        ],
    )
    def test_a_workspace_never_leads_to_another_host(self, workspace: str) -> None:
        known = definition(
            "authorize_url: 'https://{workspace}.x.test/authorize', token_url: 'https://{workspace}.x.test/t'",
            WORKSPACE,
        )
        with pytest.raises(InvalidInputs):
            url_of(known, {"workspace": workspace, "tenant": "t"})

    @given(st.text(max_size=30), st.text(max_size=30))
    def test_whatever_is_given_the_host_stays_the_providers(self, workspace: str, tenant: str) -> None:
        known = definition(
            "authorize_url: 'https://{workspace}.x.test/{tenant}', token_url: 'https://{workspace}.x.test/t'", WORKSPACE
        )
        with contextlib.suppress(InvalidInputs, UnusableValue):
            url = urlsplit(url_of(known, {"workspace": workspace, "tenant": tenant}))
            assert (url.hostname or "").endswith(".x.test")
            assert url.path.count("/") == 1

    @pytest.mark.parametrize("key", ["authorize_url", "token_url", "refresh_url"])
    @pytest.mark.parametrize(
        "url", ["https://{workspace}", "https://{tenant}.x.test/a", "ftp://x.test", "https://{no}.x.test/a"]
    )
    def test_a_definition_whose_inputs_could_choose_the_host_is_refused(self, key: str, url: str) -> None:
        urls = {"authorize_url": "https://l/a", "token_url": "https://l/t", key: url}
        with pytest.raises(InvalidDefinition) as caught:
            definition(", ".join(f"{name}: '{value}'" for name, value in urls.items()), WORKSPACE)
        assert {issue.name for issue in caught.value.issues} == {f"auth.{key}"}

    def test_nor_where_a_token_is_revoked(self) -> None:
        urls = "authorize_url: 'https://l/a', token_url: 'https://l/t', revoke: {url: 'https://{workspace}'}"
        with pytest.raises(InvalidDefinition) as caught:
            definition(urls, WORKSPACE)
        assert {issue.name for issue in caught.value.issues} == {"auth.revoke.url"}

    def test_providers_without_a_browser_flow_have_no_url(self) -> None:
        with pytest.raises(NoOAuthFlow):
            url_of(definition("grant: client_credentials, token_url: https://l/t"))
        with pytest.raises(NoOAuthFlow):
            url_of(definition("token_url: https://l/t"))


class TestTokenRequests:
    def test_the_client_proves_itself_in_the_body(self) -> None:
        request = request_of(definition())
        assert request.url == "https://login.x.test/token"
        assert request.headers["Content-Type"] == "application/x-www-form-urlencoded"
        assert form_of(request) == {
            "grant_type": "authorization_code",
            "code": "the-code",
            "redirect_uri": BACK,
            "client_id": "client-1",
            "client_secret": "s3cret & more",
        }

    def test_the_client_proves_itself_by_basic_auth(self) -> None:
        request = request_of(definition("token_url: https://l/t, token_auth: basic"))
        assert (
            base64.b64decode(request.headers["Authorization"].removeprefix("Basic ")) == b"client-1:s3cret%20%26%20more"
        )
        assert form_of(request).keys() == {"grant_type", "code", "redirect_uri"}

    def test_a_public_client_sends_no_secret_but_the_verifier(self) -> None:
        request = code_request(
            definition(), OAuthClient("client-1", ""), {}, code="c", redirect_uri=BACK, verifier="the-verifier"
        )
        form = form_of(request)
        assert "client_secret" not in form
        assert form["code_verifier"] == "the-verifier"

    def test_a_refresh_asks_with_the_refresh_token_alone(self) -> None:
        form = form_of(refresh_request(definition(), CLIENT, {}, refresh_token="r"))
        assert form["grant_type"] == "refresh_token"
        assert form["refresh_token"] == "r"
        assert not form.keys() & {"code", "redirect_uri", "scope"}

    def test_nothing_secret_is_shown(self) -> None:
        request = request_of(definition("token_url: https://l/t, token_auth: basic"), verifier="the-verifier")
        shown = repr((request, CLIENT, IssuedTokens("acc3ss", "r3fresh")))
        for secret in ("s3cret", "the-code", "the-verifier", "acc3ss", "r3fresh", *request.secrets):
            assert secret not in shown


def read(answer: Answer, known: Definition | None = None, **options: Any) -> IssuedTokens:
    known = known or definition()
    return read_tokens(known, request_of(known, **options), answer, NOW)


def told(**body: Any) -> Answer:
    return Answer(json.dumps(body).encode())


class TestAnswers:
    def test_what_an_answer_holds(self) -> None:
        known = definition(
            "token_url: https://l/t, from_token: {scopes: granted.scopes, workspace: team.id, consumer: user}"
        )
        issued = read(
            told(
                access_token="a",
                refresh_token="r",
                expires_in=1800,
                granted={"scopes": "x y"},
                team={"id": 7},
                user="u",
            ),
            known,
        )
        assert issued == IssuedTokens("a", "r", 1800, ("x", "y"), "7", "u")

    def test_what_is_not_told_is_not_known(self) -> None:
        assert read(told(access_token="a", token_type="bearer")) == IssuedTokens("a")

    @pytest.mark.parametrize(
        ("value", "seconds"),
        [
            (3600, 3600), ("3600", 3600), (3599.5, 3599), (0, 0), (None, None), ("soon", None), (-1, None),
            (True, None), (1e300, None), ("9" * 400, None), ([], None), ({}, None),
        ],
    )  # fmt: skip
    def test_how_long_a_token_lasts(self, value: Any, seconds: int | None) -> None:
        assert read(told(access_token="a", expires_in=value)).expires_in == seconds

    @pytest.mark.parametrize(
        ("value", "scopes"),
        [
            ("a b", ("a", "b")),
            (["a", "b"], ("a", "b")),
            ("", None),
            (None, None),
            (7, None),
            ([7], None),
            ({"a": 1}, None),
        ],
    )
    def test_scopes_come_in_several_shapes(self, value: Any, scopes: Any) -> None:
        assert read(told(access_token="a", scope=value)).scopes == scopes

    def test_a_form_is_understood(self) -> None:
        headers = CIMultiDict({"content-type": "application/x-www-form-urlencoded; charset=utf-8"})
        issued = read(Answer(b"access_token=a%2Bb&expires_in=60&scope=x+y", headers=headers))
        assert issued == IssuedTokens("a+b", None, 60, ("x", "y"))

    @pytest.mark.parametrize(
        "body",
        [
            b"", b"{}", b"[]", b"null", b'"access_token"', b'{"access_token": null}', b'{"access_token": ""}',
            b'{"access_token": 5}', b'{"access_token": ["a"]}', b'{"access_token": "a\\r\\nX: y"}',
            b'{"access_token": "a\\u2028"}', b'{"access_token": "' + b"a" * 40_000 + b'"}', b'{"access_token": "a"',
            b"<!doctype html><p>Sign in</p>", b"\xff\xfe\x00", b"token=a",
        ],
    )  # fmt: skip
    def test_what_holds_no_token_is_no_answer(self, body: bytes) -> None:
        with pytest.raises(MalformedAnswer):
            read(Answer(body))

    @pytest.mark.parametrize(
        ("answer", "kind", "words"),
        [
            (Answer(b'{"error": "invalid_grant", "error_description": "used"}', 400), AuthRevoked, "used"),
            (Answer(b'{"error": "invalid_grant"}', 401), AuthRevoked, "invalid_grant"),
            (Answer(b'{"error": "invalid_grant"}'), AuthRevoked, "invalid_grant"),
            (Answer(b'{"ok": false, "error": "bad_redirect_uri"}'), BadRequest, "bad_redirect_uri"),
            (Answer(b'{"message": "missing"}', 400), BadRequest, "missing"),
            (Answer(b"<html>down</html>", 502), ServerFailed, "down"),
            (Answer(b"{}", 429), RateLimited, "429"),
            (Answer(b"", 302), BadRequest, "elsewhere"),
        ],
    )
    def test_refusals_are_told_in_the_providers_words(
        self, answer: Answer, kind: type[ProviderError], words: str
    ) -> None:
        with pytest.raises(kind, match=words):
            read(answer)

    @pytest.mark.parametrize("status", [200, 400, 500])
    def test_secrets_that_an_answer_repeats_are_not_told(self, status: int) -> None:
        known = definition("token_url: https://l/t, token_auth: basic")
        request = request_of(known, verifier="the-verifier")
        body = json.dumps({"error": "x", "error_description": " ".join(request.secrets)}).encode()
        with pytest.raises(ProviderError) as caught:
            read_tokens(known, request, Answer(body, status), NOW)
        for secret in request.secrets:
            assert secret not in str(caught.value)
            assert secret not in repr(caught.value.args)
        assert "[secret]" in caught.value.message

    def test_nor_their_beginning_where_long_words_are_cut(self) -> None:
        request = code_request(definition(), CLIENT, {}, code="the-planted-code", redirect_uri=BACK)
        for before in range(470, 500):
            for error in ("x", "invalid_grant"):
                words = "." * before + "the-planted-code" + "." * 50
                body = json.dumps({"error": error, "error_description": words}).encode()
                with pytest.raises(ProviderError) as caught:
                    read_tokens(definition(), request, Answer(body, 400), NOW)
                assert "the-" not in caught.value.message

    @pytest.mark.parametrize("write", [quote, quote_plus, escape, lambda text: json.dumps(text)[1:-1], str])
    def test_nor_as_the_answer_writes_them(self, write: Callable[[str], str]) -> None:
        token = 'one+"two" & <three>'
        request = refresh_request(definition(), CLIENT, {}, refresh_token=token)
        told = request.redacted(f"got {write(token)} from {write(CLIENT.client_secret)}")
        assert told == "got [secret] from [secret]"

    @pytest.mark.parametrize("text", ['{"access_token": "fresh-1', "refresh_token=fresh-1&x=1", "<p>id_token: fresh-1"])
    def test_a_token_that_nobody_knew_is_not_told_either(self, text: str) -> None:
        request = code_request(definition(), CLIENT, {}, code="c", redirect_uri=BACK)
        with pytest.raises(ProviderError) as caught:
            read_tokens(definition(), request, Answer(text.encode(), 500), NOW)
        assert "token" in str(caught.value)
        assert "fresh-1" not in str(caught.value)

    def test_the_definitions_rules_tell_a_revoked_grant(self) -> None:
        known = definition(errors="{message_at: message, rules: [{status: 400, match: revoked, class: auth_revoked}]}")
        with pytest.raises(AuthRevoked):
            read(Answer(b'{"message": "It was revoked."}', 400), known)

    @given(st.binary(max_size=200), st.sampled_from([200, 204, 302, 400, 401, 503]))
    def test_any_bytes_are_tokens_or_a_refusal(self, body: bytes, status: int) -> None:
        with contextlib.suppress(ProviderError):
            assert read(Answer(body, status)).access_token


def test_a_challenge_has_no_padding() -> None:
    assert "=" not in challenge_of("x" * 43)


def test_what_a_callback_tells_is_found_by_the_definitions_rules() -> None:
    known = definition(
        "authorize_url: https://l/a, token_url: https://l/t, from_callback: "
        "{realm: {at: realmId}, region: {at: accounts-server, capture: '^https://([^/]+)$'}}",
        "[{name: realm, source: callback}, {name: region, source: callback}]",
    )
    told = {"realmId": "42", "accounts-server": "https://accounts.x.test", "code": "c0de", "region": "evil"}
    assert callback_facts(known, told) == {"realm": "42", "region": "accounts.x.test"}
    assert callback_facts(known, {"realmId": "", "accounts-server": "accounts.x.test"}) == {}
    assert callback_facts(known, {"realmId": "a\nb"}) == {}
