"""The whole catalog against the published facts: what `/v1/providers` says of every entry, field by field."""

from __future__ import annotations

from collections import Counter
from typing import Any

from conjunct.providers import catalog
from conjunct.providers.info import provider_info
from tests.support.facts import flat, plainly, provider_facts

COMPARED = (
    *("name", "displayName", "authType", "baseURL", "defaultModule", "labels", "media", "modules", "metadata"),
    *("oauth2Opts", "apiKeyOpts", "basicOpts", "customOpts", "authHealthCheck", "postAuthInfoNeeded"),
    "providerAppMetadata",
)
OUR_OWN = {"redmine"}

DEVIATIONS = {
    "A module that does not exist is nobody's default.": [
        *("marketo defaultModule", "payPal defaultModule", "payPalSandBox defaultModule")
    ],
    "The facts hold no URL; a definition needs one, and each AWS service has its own.": [
        *("aws baseURL", "aws modules.aws-identity-center.baseURL")
    ],
    "The flow itself sets it.": ["xero oauth2Opts.authURLParams.response_type"],
    "Without it the provider gives no refresh token, or asks for nothing.": [
        *("atlassian oauth2Opts.authURLParams.audience", "atlassian oauth2Opts.authURLParams.prompt"),
        *("dropbox oauth2Opts.authURLParams.token_access_type", "notion oauth2Opts.authURLParams.owner"),
        "zoho oauth2Opts.authURLParams.prompt",
    ],
    "It is not where the provider's answer has it.": [
        "slack oauth2Opts.tokenMetadataFields.workspaceRefField",
        "instagram oauth2Opts.tokenMetadataFields.scopesField",
        "instagram oauth2Opts.tokenMetadataFields.consumerRefField",
    ],
    "An example is no default: it would lead to somebody else's account.": [
        *("netsuite metadata.input.workspace.defaultValue", "netsuiteM2M metadata.input.workspace.defaultValue"),
        "netsuiteM2M metadata.input.scriptURL.defaultValue",
    ],
    "We say how the token is sent that we buy for what the customer gives.": [
        f"{name} customOpts.headers.Authorization.{key}"
        for name in ("bigquery", "googleWorkspaceDelegation", "netsuiteM2M", "salesforceJWT")
        for key in ("name", "valueTemplate")
    ],
    "The facts leave out how one authenticates, and where the account is.": [
        *(f"snowflake customOpts.headers.Authorization.{key}" for key in ("name", "valueTemplate")),
        *(
            f"snowflake customOpts.headers.X-Snowflake-Authorization-Token-Type.{key}"
            for key in ("name", "valueTemplate")
        ),
        *(f"snowflake customOpts.inputs.token.{key}" for key in ("name", "displayName", "docsURL", "fieldType")),
        *(f"snowflake metadata.input.workspace.{key}" for key in ("name", "displayName", "prompt", "docsURL")),
    ],
    "The scopes that an administrator grants are theirs to choose.": [
        f"googleWorkspaceDelegation metadata.input.scopes.{key}"
        for key in ("name", "displayName", "prompt", "defaultValue", "moduleDependencies")
    ],
    "Nothing of ours uses it.": [
        "hubspot metadata.postAuthentication.ownerId.name",
        "hubspot metadata.postAuthentication.ownerId.moduleDependencies",
        "hubspot postAuthInfoNeeded",
        *(
            f"{name} metadata.postAuthentication.{fact}.{key}"
            for name in ("netsuite", "netsuiteM2M")
            for fact in ("sessionTimezone", "sessionTimezoneIsDefault")
            for key in ("name", "moduleDependencies")
        ),
    ],
    "We say where it is described.": ["hubspot oauth2Opts.docsURL"],
    "We do ask for it.": ["callRail postAuthInfoNeeded"],
    "Ours is answered for the tokens of private apps, too.": ["hubspot authHealthCheck.url"],
    "We have a harmless request with which credentials are proved.": [
        f"{name} authHealthCheck.{key}"
        for name in ("attio", "intercom", "pipedrive", "salesloft")
        for key in ("url", "method", "successStatusCodes")
    ],
    "Slack answers 200 to bad tokens; its own test of them is the one harmless request.": [
        *(f"slack authHealthCheck.{key}" for key in ("url", "method", "successStatusCodes"))
    ],
    "Said in our own words.": [
        "hubspot providerAppMetadata.authQueryParams.optional_scope.displayName",
    ],
}
"""Where we say something else on purpose: `provider path`s, by the reason."""


def compared(entry: dict[str, Any]) -> dict[str, Any]:
    picked = {key: entry[key] for key in COMPARED if key in entry}
    picked["modules"] = {
        name: {key: module.get(key) for key in ("displayName", "baseURL")}
        for name, module in (entry.get("modules") or {}).items()
    }
    options = picked.get("customOpts") or {}
    for key in ("inputs", "providerInputs"):
        for each in options.get(key) or []:
            each.setdefault("fieldType", "fieldTypePassword")  # as the specification says
    found = flat(plainly(picked))
    # Prompts are sentences, and ours are our own: what counts is that there is one.
    return {path: value is not None if path.endswith(".prompt") else value for path, value in found.items()}


def test_the_catalog_has_every_entry_of_the_facts_and_says_the_same_of_it():
    facts = provider_facts()
    assert set(catalog().names()) == {*facts, *OUR_OWN}
    different: dict[str, tuple[Any, Any]] = {}
    for name, entry in facts.items():
        ours = provider_info(catalog().get(name)).model_dump(by_alias=True, exclude_none=True)
        said, wanted = compared(ours), compared(entry)
        different |= {
            f"{name} {path}": (wanted.get(path), said.get(path))
            for path in {*said, *wanted}
            if said.get(path) != wanted.get(path)
        }
    intended = {place for places in DEVIATIONS.values() for place in places}
    assert {place: pair for place, pair in different.items() if place not in intended} == {}
    assert intended - different.keys() == set(), "these are no deviations any more"


def test_every_scheme_of_the_facts_is_there():
    facts = provider_facts()
    schemes = Counter(entry["authType"] for entry in facts.values())
    assert schemes == Counter(catalog().get(name).auth.type for name in facts)
    assert schemes == {"oauth2": 126, "apiKey": 69, "basic": 32, "custom": 11}


STILL_TO_COME = {"subscribe", "bulkWrite"}
"""What no definition can say yet."""


def abilities(support: dict[str, Any]) -> set[str]:
    """What an entry says that can be done, by name."""
    batches = {f"batchWrite {type_}" for type_, each in (support.get("batchWrite") or {}).items() if each["supported"]}
    bulk = {"bulkWrite"} if any(support["bulkWrite"].values()) else set()
    search = {"search"} if support["search"]["operators"]["equals"] else set()
    return {key for key in ("proxy", "read", "write", "delete", "subscribe") if support[key]} | batches | bulk | search


def test_what_is_read_by_a_definition_can_be_done_in_full():
    behind: dict[str, set[str]] = {}
    beyond: Counter[str] = Counter()
    for name, entry in provider_facts().items():
        ours = provider_info(catalog().get(name)).model_dump(by_alias=True, exclude_none=True)["support"]
        if not ours["read"]:
            continue
        modules = [module["support"] for module in (entry.get("modules") or {}).values() if module["support"]["read"]]
        said = set().union(*map(abilities, [entry["support"], *modules]))
        behind[name] = said - abilities(ours) - STILL_TO_COME
        beyond.update(abilities(ours) - said)
    assert {name: lacking for name, lacking in behind.items() if lacking} == {}
    assert beyond["delete"] > 0, "what we derive goes beyond what is said elsewhere"
