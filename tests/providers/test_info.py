"""What the public catalog says of a provider, made from its definition."""

from __future__ import annotations

from typing import Any

import pytest

from conjunct.connectors import load_definition
from conjunct.providers.info import provider_info

PLAIN = """
spec: conjunct/provider@1
name: acme
display: Acme
base_url: https://{workspace}.acme.example
inputs: [{name: workspace, label: Subdomain, hint: Before .acme.example, kind: subdomain, docs: "https://acme.example"}]
auth: AUTH
objects: {things: {read: {request: {path: /things}}}}
"""
CUSTOM = """
  type: custom
  inputs: [{name: user, label: User, shown: true}, {name: token}]
  headers: {X-Auth: "{user}:{token}"}
  query: {u: "{user}"}
"""
OAUTH = """
  type: oauth2
  pkce: true
  authorize_url: https://{workspace}.acme.example/a
  token_url: https://acme.example/t
  authorize_params: {access_type: offline}
  workspace_required: true
  from_token: {workspace: team.id, scopes: scope}
  token: {name: X-Token, prefix: ""}
  docs: https://d
"""


def info(auth: str = "{type: apiKey}", more: str = "", inputs: str = "") -> dict[str, Any]:
    text = PLAIN.replace("AUTH", auth).replace('example"}]', f'example"}}, {inputs}]') + more
    return provider_info(load_definition(text)).model_dump(by_alias=True, exclude_none=True)


def test_where_it_is_and_what_it_asks_of_the_customer():
    told = info()
    assert (told["name"], told["displayName"], told["defaultModule"]) == ("acme", "Acme", "")
    assert told["baseURL"] == "https://{{.workspace}}.acme.example"
    workspace = {"name": "workspace", "displayName": "Subdomain", "prompt": "Before .acme.example"}
    assert told["metadata"] == {"input": [{**workspace, "docsURL": "https://acme.example"}]}


@pytest.mark.parametrize(
    ("auth", "auth_type", "key", "opts"),
    [
        (
            "{type: apiKey, name: X-Key, prefix: 'Key ', docs: 'https://d'}",
            "apiKey",
            "apiKeyOpts",
            {"attachmentType": "header", "header": {"name": "X-Key", "valuePrefix": "Key "}, "docsURL": "https://d"},
        ),
        (
            "{type: apiKey, in: query, name: api_key}",
            "apiKey",
            "apiKeyOpts",
            {"attachmentType": "query", "query": {"name": "api_key"}},
        ),
        ("{type: basic, docs: 'https://d'}", "basic", "basicOpts", {"docsURL": "https://d"}),
        (
            "{type: basic, key_as: username, filler: x}",
            "basic",
            "basicOpts",
            {"apiKeyAsBasic": True, "apiKeyAsBasicOpts": {"fieldUsed": "username", "keyFormat": "%s:x"}},
        ),
        (
            CUSTOM,
            "custom",
            "customOpts",
            {
                "headers": [{"name": "X-Auth", "valueTemplate": "{{.user}}:{{.token}}"}],
                "queryParams": [{"name": "u", "valueTemplate": "{{.user}}"}],
                "inputs": [
                    {"name": "user", "displayName": "User", "fieldType": "fieldTypeText"},
                    {"name": "token", "displayName": "token", "fieldType": "fieldTypePassword"},
                ],
            },
        ),
        (
            OAUTH,
            "oauth2",
            "oauth2Opts",
            {
                "grantType": "authorizationCodePKCE",
                "authURL": "https://{{.workspace}}.acme.example/a",
                "tokenURL": "https://acme.example/t",
                "authURLParams": {"access_type": "offline"},
                "explicitScopesRequired": False,
                "explicitWorkspaceRequired": True,
                "tokenMetadataFields": {"workspaceRefField": "team.id", "scopesField": "scope"},
                "accessTokenOpts": {"attachmentType": "accessTokenHeaderAttachment", "header": {"name": "X-Token"}},
                "docsURL": "https://d",
            },
        ),
    ],
    ids=["key in header", "key in query", "basic", "key as user", "custom", "oauth"],
)
def test_how_one_authenticates(auth: str, auth_type: str, key: str, opts: dict[str, Any]):
    told = info(auth)
    assert told["authType"] == auth_type
    assert told[key] == opts
    assert [name for name in told if name.endswith("Opts")] == [key]


def test_modules_have_their_address_and_are_named_by_what_is_asked():
    told = info(
        more="modules: {crm: {display: CRM, base_url: 'https://crm.acme.example'}, x: {}}\ndefault_module: crm\n"
    )
    assert told["defaultModule"] == "crm"
    assert {name: (each["displayName"], each["baseURL"]) for name, each in told["modules"].items()} == {
        "crm": ("CRM", "https://crm.acme.example"),
        "x": ("x", "https://{{.workspace}}.acme.example"),
    }
    assert told["metadata"]["input"][0]["moduleDependencies"] == {"crm": {}, "x": {}}


def test_what_it_looks_like_and_what_is_asked_of_the_builder():
    told = info(
        more="media: {icon: 'https://i', logo_dark: 'https://d'}\nlabels: {experimental: 'true'}\n"
        "check: {path: /me, method: POST, ok: [200, 204]}\n"
        "app_inputs: [{name: scope, label: Scope}, {name: topic, at: provider, hint: Which}]\n"
    )
    assert told["media"] == {
        "regular": {"iconURL": "https://i"},
        "darkMode": {"iconURL": "https://i", "logoURL": "https://d"},
    }
    assert told["labels"] == {"experimental": "true"}
    assert told["authHealthCheck"] == {
        "url": "https://{{.workspace}}.acme.example/me",
        "method": "POST",
        "successStatusCodes": [200, 204],
    }
    assert told["providerAppMetadata"] == {
        "authQueryParams": [{"name": "scope", "displayName": "Scope"}],
        "providerParams": [{"name": "topic", "prompt": "Which"}],
    }


def test_what_it_supports_is_what_its_definition_can_do():
    support = info()["support"]
    assert (support["read"], support["proxy"]) == (True, True)
    assert (support["write"], support["delete"], support["subscribe"]) == (False, False, False)
    assert support["search"] == {"operators": {"equals": False}}
    assert not any(support["bulkWrite"].values())
    assert "batchWrite" not in support


def test_what_can_be_written_and_how_many_at_a_time():
    one = "{request: {method: POST, path: '/{id}', body: '{record}'}}"
    many = "{request: {method: POST, path: /, body: [{$each: records, a: '{record}'}]}, max: MAX}"
    objects = {
        "usual": f"{{create: {one}, batch: {{create: {many}}}}}".replace("MAX", "100"),
        "other": f"{{create: {one}, batch: {{create: {many}}}}}".replace("MAX", "100"),
        "small": f"{{delete: {one}, batch: {{create: {many}}}}}".replace("MAX", "10"),
    }
    text = PLAIN.replace("AUTH", "{type: apiKey}").split("objects:")[0] + "objects:\n"
    text += "".join(f"  {name}: {{write: {write}}}\n" for name, write in objects.items())
    support = provider_info(load_definition(text)).model_dump(by_alias=True, exclude_none=True)["support"]
    assert (support["read"], support["write"], support["delete"]) == (False, True, True)
    none = {"supported": False}
    created = {"supported": True, "defaultRecordLimit": 100, "objectRecordLimits": {"small": 10}}
    assert support["batchWrite"] == {"create": created, "update": none, "upsert": none, "delete": none}


def test_what_is_told_later_is_not_asked_of_the_customer():
    told = info(
        """
  type: oauth2
  authorize_url: https://acme.example/a
  token_url: https://acme.example/t
  audience: [https://api.acme.example]
  scope_templates: {.default: "https://{workspace}.acme.example/.default"}
  from_token: {facts: {site: {at: owner.site, capture: "https://([^.]+)", label: Site}, quiet: {at: q}}}
""",
        "after_connect: [{request: {path: /me}, take: {team: id}}]\nmodules: {crm: {}, desk: {}}\n",
        "{name: site, source: token}, {name: quiet, source: token}, {name: team, source: provider, modules: [desk]}",
    )
    assert [each["name"] for each in told["metadata"]["input"]] == ["workspace"]
    assert told["metadata"]["postAuthentication"] == [{"name": "team", "moduleDependencies": {"desk": {}}}]
    assert told["postAuthInfoNeeded"] is True
    assert told["oauth2Opts"]["audience"] == ["https://api.acme.example"]
    assert told["oauth2Opts"]["scopeMappings"] == {".default": "https://{{.workspace}}.acme.example/.default"}
    assert told["oauth2Opts"]["tokenMetadataFields"]["otherFields"] == [
        {"name": "site", "displayName": "Site", "path": "owner.site", "capture": "https://([^.]+)"}
    ]


def test_a_scheme_of_several_steps():
    told = info(
        """
  type: custom
  inputs: [{name: region, choices: [{value: eu, label: Europe}]}]
  app_inputs: [{name: clientSecret, label: Secret}]
  steps: [{redirect: "https://acme.example/agree", take: {tenant: tenant}}]
  token: {url: "https://acme.example/t"}
  headers: {A: "Bearer {access_token|base64}"}
"""
    )
    assert told["customOpts"] == {
        "headers": [{"name": "A", "valueTemplate": "Bearer {{.accessToken}}"}],
        "inputs": [
            {
                "name": "region",
                "displayName": "region",
                "fieldType": "fieldTypeSelect",
                "options": [{"value": "eu", "label": "Europe"}],
            }
        ],
        "providerInputs": [{"name": "clientSecret", "displayName": "Secret", "fieldType": "fieldTypePassword"}],
        "multiStep": True,
    }
