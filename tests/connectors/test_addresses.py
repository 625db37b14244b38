"""Inputs, hosts and credentials: what may become part of a request, and where requests may go."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from conjunct.connectors import (
    ApiKey,
    Basic,
    Bearer,
    CustomSecrets,
    ReadQuery,
    UnknownModule,
    UnusableCredentials,
    load_definition,
)
from conjunct.connectors.addresses import InvalidInputs, address_of, checked_inputs
from conjunct.connectors.auth import prove
from conjunct.connectors.errors import ForeignUrl

from .scripted import Reply, ScriptedProvider, definition

READ = """
    request: {path: /things}
    records: data
"""


def with_base(base_url: str, inputs: str, top: str = "") -> Any:
    text = definition(read=READ, top=f"inputs: {inputs}\n{top}")
    return load_definition(text.replace("https://api.small.test", f'"{base_url}"'))


SUBDOMAIN = with_base(
    "https://{workspace}.small.test", "[{name: workspace, kind: subdomain, hint: as in acme.small.test}]"
)
OWN_SERVER = with_base("{workspace}", "[{name: workspace, kind: url}]")


@pytest.mark.parametrize("value", ["acme", "acme--dev.sandbox", " a-1 ", "A"])
def test_a_subdomain_becomes_part_of_the_host(value: str):
    inputs = checked_inputs(SUBDOMAIN, {"workspace": value})
    assert address_of(SUBDOMAIN, inputs).base_url == f"https://{value.strip()}.small.test"


@pytest.mark.parametrize(
    "value",
    [
        "",
        "  ",
        "a/b",
        "evil.test/",
        "evil.test#",
        "evil.test?",
        "a@b",
        "a:b",
        "a..b",
        "-a",
        "a-",
        ".a",
        "a\nb",
        "ä",
        "a%2f",
        "a\\b",
    ],
)
def test_nothing_else_can_stand_in_a_host(value: str):
    with pytest.raises(InvalidInputs) as caught:
        checked_inputs(SUBDOMAIN, {"workspace": value})
    assert [(issue.name, issue.remedy) for issue in caught.value.issues] == [("workspace", "as in acme.small.test")]


@pytest.mark.parametrize(
    ("given", "base"),
    [
        ("https://redmine.example.com", "https://redmine.example.com"),
        ("https://example.com/redmine/", "https://example.com/redmine"),
        ("http://10.0.0.5:3000", "http://10.0.0.5:3000"),
        ("redmine.example.com", "https://redmine.example.com"),
        ("redmine.example.com/sub", "https://redmine.example.com/sub"),
        ("http://[::1]:3000/x", "http://[::1]:3000/x"),
    ],
)
def test_an_own_server_is_named_by_its_address(given: str, base: str):
    assert checked_inputs(OWN_SERVER, {"workspace": given}) == {"workspace": base}
    assert address_of(OWN_SERVER, {"workspace": base}).join("/issues.json") == f"{base}/issues.json"
    assert address_of(OWN_SERVER, {"workspace": base}).join("/") == base


@pytest.mark.parametrize(
    "given",
    [
        "ftp://x.test",
        "file:///etc/passwd",
        "https://",
        "https://user:pw@x.test",
        "https://x.test?a=b",
        "https://x.test/#f",
        "https://x.test/../y",
        "https://x .test",
        "https://x.test:99999",
        "https://[::1",
        "https://x.test\\@evil.test",
    ],
)
def test_what_is_no_plain_address_is_refused(given: str):
    with pytest.raises(InvalidInputs):
        checked_inputs(OWN_SERVER, {"workspace": given})


def test_inputs_may_have_defaults_and_patterns():
    loaded = with_base("https://api.small.test", "[{name: region, default: eu}, {name: code, pattern: '[0-9]{4}'}]")
    assert checked_inputs(loaded, {"code": "1234"}) == {"region": "eu", "code": "1234"}
    with pytest.raises(InvalidInputs, match="code"):
        checked_inputs(loaded, {"code": "12345"})


def test_only_the_providers_own_origins_are_its_own():
    address = address_of(with_base("https://api.small.test/v1", "[]", "extra_hosts: [files.small.test]"), {})
    assert address.own("https://API.small.test:443/x") == "https://API.small.test:443/x"
    assert address.own("https://files.small.test/x") == "https://files.small.test/x"
    assert address.own("https://api.small.test/v1/x?after=a%2Fb#c") == "https://api.small.test/v1/x?after=a%2Fb#c"
    for foreign in (
        "https://api.small.test@evil.test/v1/x",
        "https://api.small.test.evil.test/v1/x",
        "https://api.small.test\\.evil.test/v1/x",
        "http://api.small.test/x",
        "https://api.small.test:8443/x",
        "https://small.test/",
        "https://x.api.small.test/",
    ):
        with pytest.raises(ForeignUrl):
            address.own(foreign)


def test_an_override_stands_in_for_every_host():
    address = address_of(with_base("https://api.small.test", "[]", "extra_hosts: [f.test]"), {}, "http://127.0.0.1:9")
    assert address.join("/x") == "http://127.0.0.1:9/x"
    with pytest.raises(ForeignUrl):
        address.own("https://api.small.test/x")


def auth(text: str) -> Any:
    return load_definition(definition(read=READ).replace("{type: apiKey, name: X-Key}", text)).auth


def basic(text: str) -> str:
    return "Basic " + base64.b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    ("section", "credentials", "headers", "query"),
    [
        ("{type: oauth2, token_url: https://t}", Bearer("t"), {"Authorization": "Bearer t"}, {}),
        (
            "{type: oauth2, token_url: https://t, token: {name: X-Token, prefix: ''}}",
            Bearer("t"),
            {"X-Token": "t"},
            {},
        ),
        ("{type: apiKey, prefix: 'Token token='}", ApiKey("k"), {"Authorization": "Token token=k"}, {}),
        ("{type: apiKey, in: query, name: api_key}", ApiKey("k"), {}, {"api_key": "k"}),
        ("{type: basic}", Basic("u", "p:w"), {"Authorization": basic("u:p:w")}, {}),
        ("{type: basic, key_as: username}", ApiKey("k"), {"Authorization": basic("k:")}, {}),
        ("{type: basic, key_as: password, filler: api}", ApiKey("k"), {"Authorization": basic("api:k")}, {}),
        (
            "{type: custom, inputs: [{name: a}, {name: b}], headers: {X-A: 'A {a}'}, query: {b: '{b}'}}",
            CustomSecrets({"a": "1", "b": "2"}),
            {"X-A": "A 1"},
            {"b": "2"},
        ),
    ],
)
def test_what_proves_the_credentials(section: str, credentials: Any, headers: dict[str, str], query: dict[str, str]):
    proof = prove(auth(section), credentials)
    assert (dict(proof.headers), dict(proof.query)) == (headers, query)


@pytest.mark.parametrize(
    ("section", "credentials"),
    [
        ("{type: oauth2, token_url: https://t}", ApiKey("k")),
        ("{type: apiKey}", Bearer("t")),
        ("{type: apiKey}", ApiKey("k\r\nX-Evil: 1")),
        ("{type: basic}", ApiKey("k")),
        ("{type: basic}", Basic("a:b", "c")),
        ("{type: custom, inputs: [{name: a}], headers: {X-A: '{a}'}}", CustomSecrets({})),
    ],
)
def test_credentials_that_cannot_be_used_are_refused_without_showing_them(section: str, credentials: Any):
    with pytest.raises(UnusableCredentials):
        prove(auth(section), credentials)


@pytest.mark.parametrize(
    "credentials", [ApiKey("s3cret"), Basic("u", "s3cret"), Bearer("s3cret"), CustomSecrets({"a": "s3cret"})]
)
def test_secrets_are_not_in_any_repr(credentials: Any):
    assert "s3cret" not in repr(credentials) + str(credentials)


async def test_the_connector_and_its_proof_show_no_secret(provider: ScriptedProvider):
    connector = provider.connector(definition(read=READ), ApiKey("s3cret"))
    assert "s3cret" not in repr(connector) + repr(connector._exchange._proven.proof)


async def test_requests_carry_the_definitions_headers_and_the_credentials(provider: ScriptedProvider):
    provider.answers({"data": []})
    text = definition(read=READ, top="headers: {X-Version: '7', Accept: application/vnd.small+json}")
    await provider.connector(text).read_page(ReadQuery("things"))
    headers = provider.received[0].headers
    assert (headers["X-Version"], headers["Accept"], headers["X-Key"]) == ("7", "application/vnd.small+json", "key-1")
    assert "Cookie" not in headers


async def test_a_redirect_is_not_followed_with_the_credentials(provider: ScriptedProvider):
    provider.answers(Reply(b"", 302, {"Location": "/elsewhere"}))
    with pytest.raises(Exception, match="elsewhere; is the base URL right"):
        await provider.connector(definition(read=READ)).read_page(ReadQuery("things"))
    assert len(provider.received) == 1


def test_a_module_must_be_one_of_the_provider(provider: ScriptedProvider):
    text = definition(read=READ, top="modules: {crm: {}}\ndefault_module: crm")
    assert provider.connector(text).module == "crm"
    with pytest.raises(UnknownModule, match="nope"):
        provider.connector(text, module="nope")
