"""`conjunct provider`: the how-to, followed step by step on the API that it comes with; and what is refused."""

from __future__ import annotations

import json
import re
import runpy
import sys
import textwrap
import threading
from collections.abc import Callable, Iterator
from http.server import ThreadingHTTPServer
from pathlib import Path

import pytest
import yaml

from conjunct.cli.main import main
from conjunct.cli.provider_trying import CREDENTIALS
from conjunct.providers.openapi import UnusableDocument, wanted_from
from conjunct.providers.scaffold import UnusableName, Wanted, scaffold
from tests.support.logs import logging_restored

HOW_TO = Path(__file__).parents[2] / "docs" / "how-to"
EXAMPLES = HOW_TO / "examples"
BASE = "http://127.0.0.1:8765"

Conjunct = Callable[..., tuple[int, str]]


@pytest.fixture
def conjunct(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Conjunct]:
    """Runs the command in an empty folder; gives its status and its words."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CONJUNCT_PROVIDERS_DIR", raising=False)
    monkeypatch.delenv(CREDENTIALS, raising=False)

    def run(*arguments: str) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["conjunct", "provider", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr()
        return int(ended.value.code or 0), said.out + said.err

    with logging_restored():
        yield run


@pytest.fixture
def library() -> Iterator[str]:
    """The origin of the how-to's API."""
    handler = runpy.run_path(str(EXAMPLES / "library_api.py"))["Library"]
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


def blocks(language: str) -> list[str]:
    """The how-to's blocks in a language."""
    text = (HOW_TO / "add-a-provider.md").read_text()
    found = re.findall(rf"^( *)```{language}\n(.*?)^ *```$", text, re.MULTILINE | re.DOTALL)
    return [textwrap.dedent(text) for _, text in found]


def timeless(text: str) -> str:
    """A run's words without what differs from run to run."""
    return re.sub(r"in \d+ ms, \d+ bytes", "in . ms", text).strip()


def test_the_how_to_is_true(conjunct: Conjunct, library: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (definition,) = blocks("yaml")
    (tmp_path / "providers" / "library").mkdir(parents=True)
    (tmp_path / "providers" / "library" / "provider.yaml").write_text(definition.replace(BASE, library))
    ran = 0
    for block in blocks("console"):
        for step in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, expected = step.partition("\n")
            *variables, rest = command.removeprefix("export ").partition("conjunct provider ")
            name, _, value = variables[0].strip().partition("=")
            if name:
                monkeypatch.setenv(name, value)
            if rest:
                _, said = conjunct(*rest.split())
                assert timeless(said.replace(library, BASE)) == timeless(expected)
                ran += 1
    assert ran == 4


def test_writes_and_the_rest_of_trying(
    conjunct: Conjunct, library: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert conjunct("new", "library", "--from-openapi", str(EXAMPLES / "library_openapi.yaml"))[0] == 0
    made = yaml.safe_load((tmp_path / "providers" / "library" / "provider.yaml").read_text())
    assert (made["base_url"], made["auth"]["name"]) == (f"{BASE}/v1", "X-Library-Key")
    page = {"style": "cursor", "at": "next_cursor", "size": {"default": 50, "max": 50}}
    assert made["objects"]["books"]["read"]["page"] == page
    (tmp_path / "key").write_text('{"apiKey": "read-me"}')
    asked = ("try", "library", "books", "--base-url", f"{library}/v1", "--credentials", "key")
    status, said = conjunct(*asked, "--limit", "120")
    assert (status, said.count('{"id"'), said.count("GET ")) == (0, 120, 3)
    assert "page 3: 20 records; that was the last page." in said
    assert '{"fieldName": "updated_at", "valueType": "datetime", "readOnly": true' in conjunct(*asked, "--describe")[1]

    (tmp_path / "book.json").write_text('{"title": "New"}')
    status, said = conjunct(*asked, "--create", "book.json")
    assert (status, "Nothing was written." in said, "POST" in said) == (1, True, False)
    status, said = conjunct(*asked, "--create", "book.json", "--yes", "--answers")
    assert (status, said.count('"title":"New"'), '"state": "done", "id": "121"' in said) == (0, 1, True)
    status, said = conjunct(*asked, "--update", "book.json", "--id", "7", "--yes")
    assert (status, "PATCH" in said) == (0, True)
    status, said = conjunct(*asked, "--delete", "--id", "999", "--yes")
    assert (status, "There is no such book." in said) == (1, True)
    (tmp_path / "book.json").write_text("{}")
    status, said = conjunct(*asked, "--create", "book.json", "--yes")
    assert (status, "bad_request" in said) == (1, True)

    # The secret is shown nowhere, wherever it stands.
    monkeypatch.setenv(CREDENTIALS, "read-me-not-5678")
    status, said = conjunct(*asked[:5], "--search", "x=read-me-not-5678", "--limit", "1")
    assert (status, "read-me-not-5678" in said) == (1, False)
    for more, told in (
        (("--since", "yesterday"), "'yesterday' is not a time."),
        (("--input", "workspace"), "is not written as name=value"),
        (("--delete", "--create", "book.json"), "One thing at a time"),
        (("--delete",), "Which record to delete?"),
    ):
        status, said = conjunct(*asked, *more)
        assert (status, told in said) == (1, True)
    assert "no object 'nosuch'" in conjunct("try", "library", "nosuch", *asked[3:])[1]
    status, said = conjunct("try", "library", "books", "--base-url", "http://127.0.0.1:9")
    assert "unreachable: " in said


def test_faults_are_told_with_their_place_and_samples_are_replayed(conjunct: Conjunct, tmp_path: Path) -> None:
    assert conjunct("check") == (1, conjunct("check")[1])
    assert "no providers of your own" in conjunct("check")[1]
    for auth in ("apiKey", "basic", "oauth2"):
        assert conjunct("new", f"acme-{auth}", "--auth", auth, "--base-url", "https://api.acme.test/v2/")[0] == 0
    assert "is there already" in conjunct("new", "acme-basic")[1]
    assert "no name for a provider" in conjunct("new", "1acme")[1]
    status, said = conjunct("check")
    assert (status, said.count(": good (no samples).")) == (0, 3)

    place = tmp_path / "providers" / "acme-basic"
    good = (place / "provider.yaml").read_text()
    (place / "provider.yaml").write_text(good.replace("    records: data", "    recrds: data"))
    status, said = conjunct("check")
    line = good.splitlines().index("    records: data") + 1
    assert status == 1
    assert f"providers/acme-basic/provider.yaml:{line}:5 defaults.read.recrds: there is no key 'recrds' here;" in said
    assert "Did you mean 'records'?" in said
    (place / "provider.yaml").write_text(good)
    (place / "samples").mkdir()
    exchange = {
        "request": {"method": "GET", "path": "/contacts", "query": {"limit": "100"}},
        "response": {"body": {"data": [{"id": 9007199254740993, "name": "Ada"}]}},
    }
    sample = {"read": {"object": "contacts", "fields": ["name"]}, "exchanges": [exchange]}
    for name, content, told in (
        ("good", {**sample, "records": [{"id": "9007199254740993", "fields": {"name": "Ada"}}]}, "good (1 samples"),
        ("other", {**sample, "records": []}, "should be: []"),
        ("more", {**sample, "exchanges": [exchange, exchange], "records": []}, "in the sample, and not sent"),
        ("none", {**sample, "exchanges": [], "records": []}, "sent, and not in the sample"),
        ("bad", {"read": {}}, "not written as samples are"),
    ):
        (place / "samples" / "one.json").write_text(json.dumps(content))
        status, said = conjunct("check", str(place))
        assert (status, told in said) == (0 if name == "good" else 1, True), said
    (place / "samples" / "one.json").write_text("{")
    assert "it is not JSON" in conjunct("check", "acme-basic")[1]
    assert "There is no provider 'nosuch'" in conjunct("check", "nosuch")[1]
    assert "samples replayed" in conjunct("check", "redmine")[1]


def test_what_an_openapi_document_tells_is_bounded_and_what_it_does_not_is_refused() -> None:
    loop = {"$ref": "#/components/schemas/A"}
    listed = {
        "get": {"responses": {"200": {"content": {"application/json": {"schema": {"type": "array", "items": loop}}}}}}
    }
    document = {"openapi": "3.0.0", "paths": {"/v1/things.json": listed}, "components": {"schemas": {"A": loop}}}
    assert wanted_from("acme", document).objects["things"]["read"]["page"] == {"style": "none"}
    many = {**document, "paths": {f"/things{number}": listed for number in range(1000)}}
    assert len(wanted_from("acme", many).objects) == 300
    unusable: list[object] = [None, [], {"swagger": "2.0"}, {"openapi": "3.0.0"}]
    for bad in (*unusable, {"openapi": "3.0.0", "paths": {"/a": 1}}):
        with pytest.raises(UnusableDocument):
            wanted_from("acme", bad)
    with pytest.raises(UnusableName):
        scaffold(Wanted("../acme"))
