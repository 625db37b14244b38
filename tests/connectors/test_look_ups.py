"""What look-ups find in answers, and where they are made while the account's address is not known yet."""

from __future__ import annotations

from typing import Any

import pytest

from conjunct.connectors import Definition, load_definition
from conjunct.connectors.addresses import InvalidInputs, address_of, checked_inputs, first_address
from conjunct.connectors.errors import ForeignUrl
from conjunct.connectors.look_ups import looked_up

SITES = [{"id": 1, "url": "https://beta.acme.example", "main": False}, {"id": 2, "url": "https://Acme.acme.example"}]


def definition(
    rule: str = "{take: {cloud: id}}", base: str = "https://api.acme.example", kind: str = "text"
) -> Definition:
    return load_definition(f"""
spec: conjunct/provider@1
name: acme
display: Acme
base_url: {base!r}
extra_hosts: [login.acme.example, "{{cloud}}.acme.example"]
inputs: [{{name: workspace, kind: subdomain}}, {{name: cloud, source: provider, kind: {kind}}}]
auth: {{type: apiKey}}
after_connect: [{rule.replace("{", "{request: {path: /me}, ", 1)}]
""")


def found(rule: str, body: Any, **inputs: str) -> dict[str, str]:
    return looked_up(definition(rule, kind="subdomain").after_connect[0], body, inputs)


@pytest.mark.parametrize(
    ("rule", "body", "facts"),
    [
        ("{take: {cloud: a.b}}", {"a": {"b": "x"}}, {"cloud": "x"}),
        ("{take: {cloud: a.0}}", {"a": [7]}, {"cloud": "7"}),
        ("{take: {cloud: a}}", {"a": None}, {}),
        ("{take: {cloud: a}}", {"a": True}, {}),
        ("{take: {cloud: a}}", {"a": ""}, {}),
        ("{take: {cloud: a}}", {"a": "x" * 3000}, {}),
        ("{take: {cloud: a}}", {"a": "x\ny"}, {}),
        ("{take: {cloud: a}}", [], {}),
        ("{take: {cloud: {at: a, capture: '^https://([a-z]+)[.]'}}}", {"a": "https://na.x.example"}, {"cloud": "na"}),
        ("{take: {cloud: {at: a, capture: '^https://([a-z]+)[.]'}}}", {"a": "http://na.x.example"}, {}),
        ("{take: {cloud: {at: a, capture: '(?P<no>.)(?P<result>.)'}}}", {"a": "xy"}, {"cloud": "y"}),
        ("{list: '', take: {cloud: id}}", SITES, {"cloud": "1"}),
        ("{list: '', match: {url: 'https://{workspace}.acme.example'}, take: {cloud: id}}", SITES, {"cloud": "2"}),
        ("{list: sites, match: {main: 'false'}, take: {cloud: id}}", {"sites": SITES}, {"cloud": "1"}),
        ("{list: '', match: {url: 'https://other.acme.example'}, take: {cloud: id}}", SITES, {}),
        ("{list: '', match: {url: 'https://{cloud}.acme.example'}, take: {cloud: id}}", SITES, {}),
        ("{list: sites, take: {cloud: id}}", {"sites": {"id": 1}}, {}),
        ("{list: sites, take: {cloud: id}}", None, {}),
    ],
)
def test_facts_are_taken_from_where_they_stand(rule: str, body: Any, facts: dict[str, str]) -> None:
    assert found(rule, body, workspace="acme") == facts


def test_as_much_of_the_address_as_is_known_is_used() -> None:
    known = definition(base="https://api.acme.example/ex/{cloud}/rest", kind="subdomain")
    address = first_address(known, {"workspace": "w"})
    assert address.join("/me") == "https://api.acme.example/ex/me"
    assert address.join("https://login.acme.example/me") == "https://login.acme.example/me"
    with pytest.raises(ForeignUrl):
        address.join("https://evil.example/me")
    whole = first_address(known, {"workspace": "w", "cloud": "c"})
    assert whole == address_of(known, {"workspace": "w", "cloud": "c"})
    assert first_address(known, {}, "http://127.0.0.1:1") == address_of(known, {}, "http://127.0.0.1:1")


def test_an_unknown_host_leaves_the_other_hosts() -> None:
    known = definition("{take: {cloud: id}}", base="https://{cloud}.acme.example", kind="subdomain")
    address = first_address(known, {})
    assert address.join("https://login.acme.example/me") == "https://login.acme.example/me"
    with pytest.raises(ForeignUrl):
        address.join("https://x.acme.example/me")
    with pytest.raises(InvalidInputs):
        address_of(known, {})


INPUTS = """
spec: conjunct/provider@1
name: acme
display: Acme
base_url: https://api.acme.example
modules: {crm: {}, desk: {}}
inputs:
  - {name: host, kind: host, default: accounts.acme.eu, pattern: 'accounts[.]acme[.][a-z]+'}
  - name: desk
    source: derived
    derive: {from: host, cases: {'accounts[.](?P<rest>acme[.]eu)': "desk.{rest}", '.+': desk.acme.com}}
  - {name: agency, modules: [desk]}
  - {name: nickname, optional: true}
  - {name: all, modules: [crm, desk]}
auth: {type: apiKey}
"""


class TestInputs:
    @pytest.mark.parametrize(
        ("host", "desk"),
        [
            ("accounts.acme.eu", "desk.acme.eu"),
            ("accounts.acme.in", "desk.acme.com"),
            ("https://accounts.acme.eu/", "desk.acme.eu"),
        ],
    )
    def test_what_follows_from_another_is_made_whatever_is_given(self, host: str, desk: str) -> None:
        checked = checked_inputs(load_definition(INPUTS), {"host": host, "desk": "evil.example", "all": "x"})
        assert checked == {"host": host.removeprefix("https://").rstrip("/"), "desk": desk, "all": "x"}

    @pytest.mark.parametrize(
        "host",
        ["accounts.evil.example", "accounts.acme.eu/x", "accounts.acme.eu#", "a@accounts.acme.eu", "accounts..acme.eu",
         "accounts.acme.eu:99999999", "http://accounts.acme.eu", "accounts.acme.eu\\.evil.example", "[::1]", "-"],
    )  # fmt: skip
    def test_a_host_is_a_host_with_the_pattern(self, host: str) -> None:
        with pytest.raises(InvalidInputs) as caught:
            checked_inputs(load_definition(INPUTS), {"host": host, "all": "x"})
        assert [issue.name for issue in caught.value.issues] == ["host"]

    def test_only_what_every_customer_must_tell_has_to_be_there(self) -> None:
        with pytest.raises(InvalidInputs) as caught:
            checked_inputs(load_definition(INPUTS), {})
        assert [issue.name for issue in caught.value.issues] == ["all"]
        checked = checked_inputs(load_definition(INPUTS), {"all": "x", "agency": "a", "nickname": "n"})
        assert (checked["agency"], checked["nickname"]) == ("a", "n")
