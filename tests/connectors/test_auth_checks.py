"""What a definition may not say of authentication and inputs: each fault is told where it is written."""

from __future__ import annotations

import pytest

from conjunct.connectors import Definition, InvalidDefinition, load_definition

BODY = """
spec: conjunct/provider@1
name: acme
display: Acme
base_url: BASE
modules: {crm: {}}
inputs: INPUTS
auth: AUTH
"""
KEY = "{type: apiKey}"
ASKED = "[{name: workspace, kind: subdomain}, {name: site, kind: host}, {name: url, kind: url}, {name: tenant}]"
PINNED = "[{name: workspace, kind: KIND, pattern: '[a-z]+[.]acme[.]example'}]"
CODE = "{type: oauth2, authorize_url: 'https://l.example/a', token_url: 'https://l.example/t', MORE}"
OWN = "{type: custom, inputs: [{name: key}, {name: file}], MORE}"
BASE = "https://api.acme.example"


def load(auth: str = KEY, inputs: str = "[]", more: str = "", base: str = BASE) -> Definition:
    return load_definition(BODY.replace("AUTH", auth).replace("INPUTS", inputs).replace("BASE", f"'{base}'") + more)


def faults(auth: str = KEY, inputs: str = "[]", more: str = "", base: str = BASE) -> set[tuple[str, str]]:
    with pytest.raises(InvalidDefinition) as caught:
        load(auth, inputs, more, base)
    assert all(issue.line for issue in caught.value.issues)
    return {(issue.name, issue.detail) for issue in caught.value.issues}


def oauth(more: str) -> str:
    return CODE.replace("MORE", more)


def custom(more: str) -> str:
    return OWN.replace("MORE", more)


class TestHosts:
    @pytest.mark.parametrize(
        ("url", "words"),
        [
            ("{url}/token", "the builder's secrets go there"),
            ("https://{site}/token", "the builder's secrets go there"),
            ("https://{workspace}/token", "the host ends in an input"),
            ("https://x.{workspace}/token", "the host ends in an input"),
            ("https://x.{site}/token", "is a whole host"),
            ("https://{site}.x.example/token", "is a whole host"),
            ("https://{tenant}.x.example/token", "its kind must be subdomain"),
            ("http://x.example/token", "it begins with https://"),
            ("ftp://x.example", "it begins with https://"),
            ("/token", "it begins with https://"),
        ],
    )
    @pytest.mark.parametrize("key", ["authorize_url", "token_url", "refresh_url", "revoke.url"])
    def test_the_builders_secrets_go_to_the_providers_hosts_only(self, key: str, url: str, words: str) -> None:
        urls = {"authorize_url": "https://l.example/a", "token_url": "https://l.example/t"}
        text = f"revoke: {{url: '{url}'}}" if key == "revoke.url" else ""
        urls |= {} if text else {key: url}
        text = ", ".join([*(f"{name}: '{value}'" for name, value in urls.items()), *([text] if text else [])])
        found = faults(f"{{type: oauth2, {text}}}", ASKED)
        assert [name for name, detail in found if words in detail] == [f"auth.{key}"]

    @pytest.mark.parametrize(("kind", "url"), [("host", "https://{workspace}/t"), ("subdomain", "https://{workspace}/t"),
                                               ("url", "{workspace}/t")])  # fmt: skip
    def test_a_pattern_pins_a_host(self, kind: str, url: str) -> None:
        pattern = "https://[a-z]+[.]acme[.]example" if kind == "url" else "[a-z]+[.]acme[.]example"
        inputs = f"[{{name: workspace, kind: {kind}, pattern: '{pattern}'}}]"
        auth = f"{{type: oauth2, authorize_url: 'https://l.example/a', token_url: '{url}'}}"
        assert load(auth, inputs).inputs[0].pattern == pattern
        free = "https://.*" if kind == "url" else ".*"
        found = faults(auth, inputs.replace(pattern, free))
        assert [name for name, detail in found if "a pattern that only the provider's hosts have" in detail] == [
            "auth.token_url"
        ]

    def test_a_client_of_the_customers_own_may_go_to_their_own_server(self) -> None:
        load("{type: oauth2, grant: client_credentials, token_url: '{url}/token'}", ASKED)
        load("{type: oauth2, grant: password, token_url: 'https://{site}/token'}", ASKED)
        load(custom("token: {url: '{url}/token'}"), ASKED)

    def test_the_builders_client_of_a_custom_scheme_does_not(self) -> None:
        found = faults(custom("app_inputs: [{name: clientId}], token: {url: '{url}/token'}"), ASKED)
        assert [name for name, _ in found] == ["auth.token.url"]
        found = faults(
            custom("app_inputs: [{name: clientId}], steps: [{redirect: 'https://{site}/agree?x={clientId}'}]"), ASKED
        )
        assert [name for name, _ in found] == ["auth.steps.0.redirect"]

    def test_a_secret_is_never_part_of_a_host(self) -> None:
        assert ("auth.token.url", "'key' is a secret or a value of its own, and never part of a host") in faults(
            custom("token: {url: 'https://{key}.example/t'}")
        )

    def test_what_others_tell_of_a_host_is_pinned(self) -> None:
        look = "after_connect: [{request: {path: /me}, take: {site: at}}]\n"
        inputs = "[{name: site, kind: host, source: provider}]"
        assert [name for name, _ in faults(inputs=inputs, more=look, base="https://{site}/api")] == ["base_url"]
        pinned = inputs.replace("kind: host", "kind: host, pattern: '[a-z]+[.]acme[.]example'")
        load(inputs=pinned, more=look, base="https://{site}/api")

    @pytest.mark.parametrize(("key", "value"), [("modules", "{crm: {base_url: 'https://{tenant}.x.example'}}"),
                                                ("extra_hosts", "['{tenant}.x.example']")])  # fmt: skip
    def test_other_hosts_keep_the_same_rules(self, key: str, value: str) -> None:
        text = BODY.replace("AUTH", KEY).replace("INPUTS", ASKED).replace("BASE", BASE)
        text = text.replace("modules: {crm: {}}\n", "") + f"{key}: {value}\n"
        with pytest.raises(InvalidDefinition, match="its kind must be subdomain"):
            load_definition(text)


@pytest.mark.parametrize(
    ("more", "where"),
    [
        ("authorize_params: {state: x}", "auth.authorize_params.state"),
        ("token_params: {client_secret: x}", "auth.token_params.client_secret"),
        ("token_params: {a: '{nosuch}'}", "auth.token_params.a"),
        ("token_headers: {a: '{nosuch}'}", "auth.token_headers.a"),
        ("scope_templates: {a: '{nosuch}'}", "auth.scope_templates.a"),
        ("names: {client: x}", "auth.names.client"),
        ("refresh_url: 'https://{nosuch}.example'", "auth.refresh_url"),
        ("revoke: {url: 'https://l.example/{nosuch}'}", "auth.revoke.url"),
        ("revoke: {url: 'https://{token}.example'}", "auth.revoke.url"),
        ("revoke: {url: 'https://l.example', params: {a: '{nosuch}'}}", "auth.revoke.params.a"),
        ("from_token: {access_token: 'a..b'}", "auth.from_token.access_token"),
        ("from_token: {expires_at: 'a..b'}", "auth.from_token.expires_at"),
        ("from_token: {facts: {team: {at: 'a..b'}}}", "auth.from_token.facts.team.at"),
        ("from_token: {facts: {team: {at: a, capture: '('}}}", "auth.from_token.facts.team.capture"),
        ("from_token: {facts: {nosuch: {at: a}}}", "auth.from_token.facts.nosuch"),
        ("from_callback: {nosuch: {at: a}}", "auth.from_callback.nosuch"),
        ("from_callback: {team: {at: a}}", "auth.from_callback.team"),
    ],
)
def test_faults_of_oauth(more: str, where: str) -> None:
    assert where in {name for name, _ in faults(oauth(more), "[{name: team, source: token}]")}


@pytest.mark.parametrize(
    ("more", "where"),
    [
        ("app_inputs: [{name: other}]", "auth.app_inputs.0.name"),
        ("unpack: {id: {from: nosuch, at: a}}", "auth.unpack.id.from"),
        ("unpack: {id: {from: file, at: 'a..b'}}", "auth.unpack.id.at"),
        ("compose: {pair: '{key}:{nosuch}'}", "auth.compose.pair"),
        ("keep: [nosuch]", "auth.keep.0"),
        ("headers: {A: '{nosuch}'}", "auth.headers.A"),
        ("headers: {A: '{access_token}'}", "auth.headers.A"),
        ("query: {a: '{key|nosuch}'}", "auth.query.a"),
        ("steps: [{redirect: 'https://l.example/{nosuch}'}]", "auth.steps.0.redirect"),
        ("steps: [{redirect: 'https://{key}.example'}]", "auth.steps.0.redirect"),
        ("steps: [{redirect: 'https://l.example', params: {a: '{nosuch}'}}]", "auth.steps.0.params.a"),
        ("steps: [{request: {path: '/{nosuch}'}, take: {a: a}}]", "auth.steps.0.request.path"),
        ("steps: [{request: {path: 'https://{key}.example'}, take: {a: a}}]", "auth.steps.0.request.path"),
        ("steps: [{request: {path: /a}, basic: '{nosuch}:x', take: {a: a}}]", "auth.steps.0.basic"),
        ("steps: [{request: {path: /a}, take: {a: 'a..b'}}]", "auth.steps.0.take.a"),
        ("steps: [{request: {path: '/{later}'}, take: {a: a}}, {request: {path: /b}, take: {later: b}}]",
         "auth.steps.0.request.path"),
        ("token: {url: 'https://l.example/{nosuch}'}", "auth.token.url"),
        ("token: {url: 'https://l.example', params: {a: '{nosuch}'}}", "auth.token.params.a"),
        ("token: {url: 'https://l.example', params: {a: '{assertion}'}}", "auth.token.params.a"),
        ("token: {url: 'https://l.example', headers: {a: '{nosuch}'}}", "auth.token.headers.a"),
        ("token: {url: 'https://l.example', basic: '{nosuch}'}", "auth.token.basic"),
        ("token: {url: 'https://l.example', assertion: {key: '{nosuch}', claims: {}}}", "auth.token.assertion.key"),
        ("token: {url: 'https://l.example', assertion: {key: '{key}', claims: {iss: '{nosuch}'}}}",
         "auth.token.assertion.claims.iss"),
        ("token: {url: 'https://l.example', assertion: {key: '{key}', claims: {exp: 1}}}",
         "auth.token.assertion.claims.exp"),
        ("token: {url: 'https://l.example', from_token: {access_token: 'a..b'}}", "auth.token.from_token.access_token"),
    ],
)  # fmt: skip
def test_faults_of_custom_schemes(more: str, where: str) -> None:
    assert where in {name for name, _ in faults(custom(more))}


@pytest.mark.parametrize(
    ("inputs", "where"),
    [
        ("[{name: a}, {name: a}]", "inputs.1.name"),
        ("[{name: a, pattern: '('}]", "inputs.0.pattern"),
        ("[{name: a, modules: [nosuch]}]", "inputs.0.modules.0"),
        ("[{name: a, source: provider}]", "inputs.0.source"),
        ("[{name: a, source: token}]", "inputs.0.source"),
        ("[{name: a, source: callback}]", "inputs.0.source"),
        ("[{name: a, source: derived}]", "inputs.0.source"),
        ("[{name: b}, {name: a, derive: {from: b, cases: {x: y}}}]", "inputs.1.source"),
        ("[{name: a, source: derived, derive: {from: b, cases: {x: y}}}, {name: b}]", "inputs.0.derive.from"),
        ("[{name: b}, {name: a, source: derived, derive: {from: b, cases: {'(': y}}}]", "inputs.1.derive.cases.("),
        ("[{name: b}, {name: a, source: derived, derive: {from: b, cases: {x: '{c}'}}}]", "inputs.1.derive.cases.x"),
    ],
)
def test_faults_of_inputs(inputs: str, where: str) -> None:
    assert where in {name for name, _ in faults(inputs=inputs)}


@pytest.mark.parametrize(
    ("rule", "where"),
    [
        ("{request: {}, take: {team: a}}", "after_connect.0.request.path"),
        ("{request: {path: '/{nosuch}'}, take: {team: a}}", "after_connect.0.request.path"),
        ("{request: {path: /me}, take: {team: 'a..b'}}", "after_connect.0.take.team"),
        ("{request: {path: /me}, take: {team: a, nosuch: b}}", "after_connect.0.take.nosuch"),
        ("{request: {path: /me}, take: {team: {at: a, capture: '('}}}", "after_connect.0.take.team.capture"),
        ("{request: {path: /me}, list: 'a..b', take: {team: a}}", "after_connect.0.list"),
        ("{request: {path: /me}, match: {a: b}, take: {team: a}}", "after_connect.0.match"),
        ("{request: {path: /me}, list: '', match: {a: '{nosuch}'}, take: {team: a}}", "after_connect.0.match.a"),
    ],
)
def test_faults_of_look_ups(rule: str, where: str) -> None:
    more = f"after_connect: [{rule}]\n"
    assert where in {name for name, _ in faults(inputs="[{name: team, source: provider}]", more=more)}


def test_faults_of_what_the_builder_is_asked() -> None:
    assert {name for name, _ in faults(more="app_inputs: [{name: a, modules: [nosuch]}]\n")} == {
        "app_inputs.0.modules.0"
    }


def test_what_the_builder_is_asked_may_be_sent_for_tokens_and_is_no_part_of_an_address() -> None:
    asked = "app_inputs: [{name: partner, at: provider}, {name: theme}]\n"
    load(oauth("token_params: {p: '{partner}'}, authorize_params: {q: '{partner}'}"), more=asked)
    found = faults(oauth("token_params: {p: '{theme}'}, refresh_url: 'https://l.example/{partner}'"), more=asked)
    assert {name for name, _ in found} == {"auth.token_params.p", "auth.refresh_url"}
