"""The catalog: folders are found, names are helped along, a project's own provider goes first."""

from __future__ import annotations

from pathlib import Path

import pytest

from conjunct.connectors import InvalidDefinition, load_definition
from conjunct.providers import Catalog, ProviderOverrides, UnknownProvider, catalog, open_catalog
from conjunct.providers.catalog import BUILT_IN

OWN = """
spec: conjunct/provider@1
name: hubspot
display: Our own
base_url: https://own.test
auth: {type: apiKey}
objects: {things: {read: {request: {path: /things}}}}
"""


def test_a_provider_is_loaded_when_asked_for_and_kept():
    assert catalog() is catalog()
    assert catalog().get("redmine") is catalog().get("redmine")
    assert catalog().get("redmine").display == "Redmine"
    assert list(catalog().names()) == sorted(catalog().names())


def test_what_comes_with_us_has_no_faults():
    """Whoever loads it does not look for any again."""
    for name in catalog().names():
        load_definition(catalog().text(name) or "", source=name, extended=catalog().text)


def test_what_others_wrote_is_looked_through(tmp_path: Path):
    (tmp_path / "hubspot").mkdir()
    (tmp_path / "hubspot" / "provider.yaml").write_text(OWN.replace("/things", "'/{no_such_variable}'"))
    with pytest.raises(InvalidDefinition) as caught:
        Catalog((tmp_path,)).get("hubspot")
    assert "no_such_variable" in caught.value.issues[0].detail


@pytest.mark.parametrize(
    ("name", "remedy"),
    [
        ("hubspt", "Did you mean hubspot?"),
        ("HubSpot", "Did you mean hubspot?"),
        ("zz", "GET /v1/providers lists them."),
    ],
)
def test_an_unknown_name_gets_near_ones(name: str, remedy: str):
    with pytest.raises(UnknownProvider) as caught:
        catalog().get(name)
    assert caught.value.status == 404
    assert (caught.value.remedy or "").startswith(remedy)


@pytest.mark.parametrize("name", ["../hubspot", "hubspot/../redmine", "", "catalog.py"])
def test_a_name_is_never_a_path(name: str):
    with pytest.raises(UnknownProvider):
        catalog().get(name)


def test_asking_which_providers_there_are_reads_no_definition(tmp_path: Path):
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "provider.yaml").write_text("nonsense")
    modules = Catalog((tmp_path, BUILT_IN)).modules()
    assert "broken" in modules
    assert "nosuch" not in modules
    assert list(modules) == sorted(["broken", *catalog().names()])
    assert len(modules) == len(catalog().names()) + 1
    assert modules["hubspot"] == ("crm",)
    with pytest.raises(KeyError):
        modules["nosuch"]
    with pytest.raises(InvalidDefinition):
        modules["broken"]


def test_a_projects_own_provider_goes_before_a_built_in_one(tmp_path: Path):
    (tmp_path / "hubspot").mkdir()
    (tmp_path / "hubspot" / "provider.yaml").write_text(OWN)
    assert Catalog((tmp_path, BUILT_IN)).get("hubspot").display == "Our own"
    assert Catalog((tmp_path, BUILT_IN)).get("redmine").display == "Redmine"


def test_own_providers_stand_beside_the_built_in_ones_and_are_checked_at_once(tmp_path: Path):
    assert open_catalog() is catalog()
    for name in ("hubspot", "mine"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "provider.yaml").write_text(OWN.replace("name: hubspot", f"name: {name}"))
    opened = open_catalog(tmp_path)
    assert (opened.get("mine").display, opened.get("hubspot").display) == ("Our own", "Our own")
    assert set(opened.names()) == {"mine", *catalog().names()}
    (tmp_path / "mine" / "provider.yaml").write_text(OWN)
    with pytest.raises(InvalidDefinition, match="named 'hubspot'"):
        open_catalog(tmp_path)


def test_a_bad_definition_names_its_file_and_its_faults(tmp_path: Path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "provider.yaml").write_text(OWN.replace("display", "dsplay"))
    with pytest.raises(InvalidDefinition, match=r"mine/provider\.yaml has 2 fault") as caught:
        Catalog((tmp_path,)).get("mine")
    assert [issue.line for issue in caught.value.issues] == [2, 4]


def test_a_folder_and_its_definition_have_one_name(tmp_path: Path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "provider.yaml").write_text(OWN)
    with pytest.raises(InvalidDefinition, match="named 'hubspot'"):
        Catalog((tmp_path,)).get("mine")


def test_overrides_give_urls_and_the_servers_that_may_be_private():
    overrides = ProviderOverrides({"hubspot": "http://127.0.0.1:8081", "redmine": "https://pm.internal/redmine"})
    assert overrides.base_url("hubspot") == "http://127.0.0.1:8081"
    assert overrides.base_url("salesforce") is None
    assert overrides.private_servers == {("127.0.0.1", 8081), ("pm.internal", 443)}


def test_one_url_stands_in_for_all_that_are_not_named():
    overrides = ProviderOverrides({"hubspot": "http://127.0.0.1:8081", "*": "http://all.internal:80"})
    assert overrides.base_url("hubspot") == "http://127.0.0.1:8081"
    assert overrides.base_url("redmine") == "http://all.internal:80"
    assert overrides.private_servers == {("127.0.0.1", 8081), ("all.internal", 80)}
