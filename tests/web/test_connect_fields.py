"""What the pages of hosted links ask for, for every provider of the catalog."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from conjunct.connections import GenerateConnectionRequest
from conjunct.connections.account import Account
from conjunct.connections.connect_links.ways import way_of
from conjunct.connections.credential_kinds import read_credentials
from conjunct.connections.credentials import CustomCredentials, StoredCredentials, Token, Unbought, for_requests
from conjunct.connectors.auth import prove
from conjunct.providers import catalog
from conjunct.web.connect.fields import Field, fields_of
from conjunct.web.connect.forms import request_of

PLACES = {"providerWorkspaceRef": "acme.example.com"}
"""What customers type where not any text will do."""


def test_every_provider_can_be_walked_through() -> None:
    for name in catalog().names():
        definition = catalog().get(name)
        names = [each.name for each in fields_of(definition)]
        assert len(names) == len(set(names)), name
        assert names or way_of(definition.auth) in ("browser", "steps"), name


@pytest.mark.parametrize(
    ("name", "asked"),
    [
        ("salesforce", {"providerWorkspaceRef": True, "providerMetadata.businessUnitId.value": False}),
        ("zoho", {}),
        ("atlassian", {"providerWorkspaceRef": True}),
        ("odoo", {"providerWorkspaceRef": True, "apiKey": True}),
    ],
)
def test_only_what_every_customer_must_tell_is_required(name: str, asked: dict[str, bool]) -> None:
    assert {each.name: each.required for each in fields_of(catalog().get(name))} == asked


def test_what_is_typed_for_every_provider_becomes_its_credentials() -> None:
    walked = 0
    for name in catalog().names():
        definition = catalog().get(name)
        if way_of(definition.auth) != "form":
            continue
        walked += 1
        fields = fields_of(definition)
        who = {"provider": name, "groupRef": "g", "consumerRef": "c"}
        request = request_of(GenerateConnectionRequest, fields, {each.name: _typed(each) for each in fields}, **who)
        credentials = read_credentials(definition, request)
        if not isinstance(credentials, Unbought):
            proof = prove(definition.auth, for_requests(definition.auth, _with_token(credentials)))
            # AWS wants each request signed, by itself.
            assert proof.headers or proof.query or name == "aws", name
        account = Account().with_metadata(request.provider_metadata)
        assert account.with_workspace(request.provider_workspace_ref).fitting(definition).inputs is not None
    assert walked > 100


def _typed(asked: Field) -> str:
    """What a customer might type."""
    if asked.kind == "choice":
        return asked.choices[0][0]
    if asked.kind == "long secret":
        return json.dumps({"client_email": "a@b.example", "private_key": "k", "private_key_id": "1"})
    return asked.default or PLACES.get(asked.name, "typed")


def _with_token(credentials: StoredCredentials) -> StoredCredentials:
    return replace(credentials, access=Token("bought")) if isinstance(credentials, CustomCredentials) else credentials
