"""Providers that show every way to authenticate and every kind of input, as definitions in a folder."""

from __future__ import annotations

from pathlib import Path

_INPUTS = """
inputs:
  - {name: workspace, label: Subdomain, hint: acme in acme.example.com, kind: subdomain}
  - {name: accountId, label: Account ID, pattern: "[0-9]{4}"}
  - {name: region, default: eu}
"""

_PARTS = {
    "keyed": ("https://keyed.example.com", "auth: {type: apiKey, name: X-Key}"),
    "placed": ("https://{workspace}.example.com/{region}", "auth: {type: apiKey, name: X-Key}" + _INPUTS),
    "guarded": ("https://guarded.example.com", "auth: {type: basic}"),
    "halved": ("https://halved.example.com", 'auth: {type: basic, key_as: username, filler: "-"}'),
    "proven": (
        "https://proven.example.com",
        "auth: {type: oauth2, pkce: true, authorize_url: https://proven.example.com/a, token_url: https://t.example.com}",
    ),
    "machine": (
        "https://machine.example.com",
        "auth: {type: oauth2, grant: client_credentials, token_url: 'https://machine.example.com/t'}",
    ),
    "special": (
        "https://special.example.com",
        "auth: {type: custom, inputs: [{name: seal}], headers: {X-Seal: '{seal}'}}",
    ),
    "stepped": (
        "https://stepped.example.com",
        "auth: {type: custom, inputs: [{name: seal}], steps: [{redirect: 'https://stepped.example.com/agree'}]}",
    ),
}


def write_providers(folder: Path) -> Path:
    """The folder, with a provider of each kind in it."""
    for name, (base_url, parts) in _PARTS.items():
        path = folder / name / "provider.yaml"
        path.parent.mkdir(parents=True)
        path.write_text(
            "spec: conjunct/provider@1\ncheck: {path: /me}\n"
            f"name: {name}\ndisplay: {name.title()}\nbase_url: '{base_url}'\n{parts}\n"
            "objects: {things: {read: {request: {path: /things}}}}\n"
        )
    return folder
