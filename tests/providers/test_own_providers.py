"""Providers of one's own: noticed, followed and let go of while the process runs."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import structlog

from conjunct.connectors import InvalidDefinition
from conjunct.providers import PublishedCatalog, UnknownProvider, open_catalog
from conjunct.providers.watching import FolderWatch

OWN = """
spec: conjunct/provider@1
name: NAME
display: First
base_url: https://own.test
auth: {type: apiKey}
objects: {things: {read: {request: {path: /things}}}}
"""
QUIRKS = "from conjunct.connectors import Quirks\nclass Mine(Quirks):\n    number = 1\n"


def put(folder: Path, name: str, text: str, file: str = "provider.yaml") -> None:
    """Write a file of a provider as deployments do: whole, in the place of the one before."""
    (folder / name).mkdir(exist_ok=True)
    (folder / name / "new").write_text(text.replace("NAME", name))
    (folder / name / "new").rename(folder / name / file)


def test_what_changes_in_the_folder_is_followed(tmp_path: Path):
    now = [0.0]
    catalog = open_catalog(tmp_path, watch=FolderWatch(tmp_path, now=lambda: now[0]))
    published = PublishedCatalog(catalog)
    first = published.make()
    put(tmp_path, "acme", OWN)
    assert "acme" not in catalog  # the folder was looked at just now
    now[0] += 1
    acme = catalog.get("acme")
    assert catalog.get("acme") is acme
    assert "acme" in catalog.modules()
    assert published.made is None
    assert published.make().etag != first.etag
    assert b"First" in published.one("acme").body

    now[0] += 1
    put(tmp_path, "acme", OWN.replace("First", "Other"))
    put(tmp_path, "acme", QUIRKS, "quirks.py")
    assert b"Other" in published.one("acme").body
    before = catalog.get("acme").quirks
    now[0] += 1
    put(tmp_path, "acme", QUIRKS.replace("1", "2"), "quirks.py")
    after = catalog.get("acme").quirks
    assert before is not None
    assert after is not None
    assert (before.number, after.number) == (1, 2)  # type: ignore[attr-defined]
    assert catalog.get("redmine") is catalog.get("redmine")

    now[0] += 1
    shutil.rmtree(tmp_path / "acme")
    with pytest.raises(UnknownProvider):
        catalog.get("acme")
    assert published.make().etag == first.etag

    now[0] += 1
    put(tmp_path, "acme", OWN)
    assert "acme" in catalog
    now[0] += 1
    tmp_path.rename(tmp_path.with_name("elsewhere"))
    assert catalog.get("acme").display == "First"


def test_faults_do_not_take_the_place_of_what_was_good(tmp_path: Path):
    now = [0.0]
    put(tmp_path, "acme", OWN)
    put(tmp_path, "child", OWN.replace("objects: {things: {read: {request: {path: /things}}}}", "extends: acme"))
    put(tmp_path, "never", "nonsense")
    put(tmp_path, "redmine", "nonsense")
    put(tmp_path, ".git", "nonsense")
    with pytest.raises(InvalidDefinition, match=r"never/provider\.yaml has 1 fault"):
        open_catalog(tmp_path)
    catalog = open_catalog(tmp_path, strict=False, watch=FolderWatch(tmp_path, now=lambda: now[0]))
    assert catalog.faults.keys() == {"never", "redmine"}
    assert {"acme", "child", "hubspot"} <= set(catalog.names())
    assert not {"never", "redmine", ".git"} & set(catalog.names())
    for name in ("never", "redmine"):  # the built-in one never stands in: keys of the own one would go to its hosts
        with pytest.raises(InvalidDefinition, match="fault"):
            catalog.get(name)
    assert b'"redmine"' not in PublishedCatalog(catalog).make().body

    now[0] += 1
    put(tmp_path, "acme", OWN.replace("display", "dsplay"))
    put(tmp_path, "never", OWN)
    with structlog.testing.capture_logs() as logged:
        assert catalog.get("acme").display == "First"
    told = {entry["provider"]: entry["last_good_is_used"] for entry in logged if entry["event"] == "provider.faulty"}
    assert told == {"acme": True, "redmine": False}
    assert catalog.get("never").name == "never"
    assert [issue.line for issue in catalog.faults["acme"].issues] == [2, 4]

    now[0] += 1
    put(tmp_path, "acme", OWN.replace("/things", "/others"))
    assert catalog.faults.keys() == {"redmine"}
    for name in ("acme", "child"):
        rule = catalog.get(name).objects["things"].read
        assert rule is not None
        assert rule.request.path == "/others"
    (tmp_path / "acme" / "provider.yaml").write_bytes(b"\xff\xfe")
    now[0] += 1
    assert "cannot be read" in catalog.faults["acme"].detail
