"""Code beside a definition, and definitions that have parts of another one."""

from __future__ import annotations

from pathlib import Path

import pytest

from conjunct.connectors import ApiKey, InvalidDefinition, Page, ReadQuery, load_definition, object_support
from conjunct.providers import Catalog, catalog
from conjunct.providers.catalog import BUILT_IN
from tests.connectors.scripted import scripted_provider

BASE = """
spec: conjunct/provider@1
name: base
display: Base
base_url: https://base.test
auth: {type: apiKey, name: X-Key}
rate_limit: {remaining: X-Left}
defaults:
  vars: {stamp: changed}
  read: {request: {path: "/{object}", query: {after: "{stamp}>{since}"}}, records: data}
objects: {things: {}, "*History": {vars: {stamp: created}}, "*ThingHistory": {vars: {stamp: made}}}
errors: {code_at: code}
"""
OTHER = """
spec: conjunct/provider@1
name: other
extends: base
display: Other
base_url: https://other.test
auth: {type: apiKey, name: X-Key}
defaults: {read: {records: items}}
objects: {more: {}}
errors: {message_at: words}
"""
QUIRKS = """
from __future__ import annotations
from dataclasses import dataclass
from conjunct.connectors import Page, Quirks

@dataclass
class Kept:
    pages: int = 0

class BaseQuirks(Quirks):
    async def send(self, request, send):
        return await send(request)

    async def filters(self, object_name, filters):
        return tuple((name, value.upper()) for name, value in filters)

    async def read_page(self, turn):
        page = await turn.usual()
        return Page(page.records[::-1], page.next)
"""


def put(folder: Path, name: str, text: str, quirks: str | None = None) -> None:
    (folder / name).mkdir(exist_ok=True)
    (folder / name / "provider.yaml").write_text(text)
    if quirks is not None:
        (folder / name / "quirks.py").write_text(quirks)


async def test_a_definition_has_what_another_says_and_the_code_beside_it(tmp_path: Path):
    put(tmp_path, "base", BASE, QUIRKS)
    put(tmp_path, "other", OTHER)
    own = Catalog((tmp_path, BUILT_IN))
    other = own.get("other")
    assert other.object_names == ("things", "more")
    assert (other.errors.code_at, other.errors.message_at, other.rate_limit.remaining) == ("code", "words", "X-Left")
    assert [other.object(name).vars["stamp"] for name in ("things", "AHistory", "AThingHistory")] == [  # type: ignore[union-attr]
        *("changed", "created", "made")
    ]
    assert other.object("unknown") is None
    assert object_support(other, "more").pushed
    async with scripted_provider() as provider:
        provider.answers({"items": [{"id": 1}, {"id": 2}]}, {"data": [{"id": 1}, {"id": 2}]})
        pages: list[Page] = [
            await provider.connector(own.get(name), ApiKey("key")).read_page(ReadQuery("things"))
            for name in ("other", "base")
        ]
    assert [[record.id for record in page.records] for page in pages] == [["2", "1"], ["2", "1"]]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (OTHER.replace("extends: base", "extends: nothing"), "the definition 'nothing' is not there"),
        (OTHER.replace("extends: base", "extends: third"), "the definition 'third' extends another one itself"),
    ],
)
def test_what_cannot_be_extended(tmp_path: Path, text: str, why: str):
    put(tmp_path, "base", BASE)
    put(tmp_path, "third", OTHER.replace("name: other", "name: third"))
    put(tmp_path, "other", text)
    with pytest.raises(InvalidDefinition) as caught:
        Catalog((tmp_path,)).get("other")
    assert [(issue.name, issue.detail, issue.line) for issue in caught.value.issues] == [("extends", why, 4)]
    with pytest.raises(InvalidDefinition, match="is not there"):
        load_definition(text)  # one that somebody uploads has nothing to extend, and no code


@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("", "has 0 classes that derive from Quirks; it needs one"),
        (QUIRKS + "\nclass More(Quirks):\n    pass\n", "has 2 classes that derive from Quirks"),
        ("def (:", "cannot be loaded: SyntaxError"),
        ("import nothing_of_that_name", "cannot be loaded: ModuleNotFoundError"),
    ],
)
def test_code_that_is_none(tmp_path: Path, code: str, why: str):
    put(tmp_path, "base", BASE, code)
    with pytest.raises(InvalidDefinition, match=why):
        Catalog((tmp_path,)).get("base")


def test_few_providers_need_code():
    with_code = {file.parent.name for file in BUILT_IN.glob("*/quirks.py")}
    assert "salesforce" in with_code
    assert all(catalog().get(name).quirks is not None for name in with_code)
