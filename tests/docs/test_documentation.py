"""The documentation says what the code does: nothing is missing from it, and nothing in it leads nowhere."""

from __future__ import annotations

import re
import shlex
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from conjunct.core.settings import Settings
from conjunct.manifests import parse_manifest
from scripts import documented_api, documented_cli, documented_problems, documented_settings, generate_docs
from tests.support.specification import require_specification, specification

ROOT = generate_docs.ROOT
REFERENCE = generate_docs.REFERENCE
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])

FENCED = re.compile(r"^ *```(\w*)\n(.*?)^ *```$", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
ANCHOR = re.compile(r'<a id="([^"]+)"></a>')
ASSIGNMENTS = re.compile(r"^([A-Z_]+=(?!\$\()\S+ +)+")
VARIABLE = re.compile(r"\bCONJUNCT_[A-Z_]*[A-Z]\b")


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def blocks(path: Path, *languages: str) -> Iterator[str]:
    """The fenced blocks in one of these languages."""
    return (content for language, content in FENCED.findall(path.read_text(encoding="utf-8")) if language in languages)


def shell_lines() -> Iterator[tuple[str, str]]:
    """Every line of every shell example, with the document that it stands in; continued lines are joined."""
    for path in DOCUMENTS:
        for block in blocks(path, "sh"):
            for line in block.replace("\\\n", " ").splitlines():
                yield name_of(path), ASSIGNMENTS.sub("", line.split(" #")[0].strip())


@cache
def anchors(path: Path) -> frozenset[str]:
    """The anchors of a document: its headings as the usual hosts spell them, and those set by hand."""
    text = FENCED.sub("", path.read_text(encoding="utf-8"))
    slugs = (re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in HEADING.findall(text))
    return frozenset((*slugs, *ANCHOR.findall(text)))


class TestReference:
    @pytest.mark.parametrize("part", generate_docs.PARTS, ids=lambda part: part.name)
    def test_generated_parts_are_what_the_code_says(self, part: generate_docs.Part) -> None:
        assert part.written() == part.wanted(), f"run `make docs`: {name_of(part.file)} is not what the code says"

    @pytest.mark.parametrize("setting", Settings.model_fields)
    def test_every_setting_has_its_line(self, setting: str) -> None:
        field = Settings.model_fields[setting]
        assert field.description, f"the setting {setting} needs a description"
        lines = [
            line
            for line in (REFERENCE / "settings.md").read_text(encoding="utf-8").splitlines()
            if line.startswith(f"| `{documented_settings.variable(setting)}` |")
        ]
        assert len(lines) == 1
        assert field.description in lines[0]

    def test_every_variable_that_the_code_names_is_a_documented_one(self) -> None:
        sources = (ROOT / "src").rglob("*.py")
        named = {variable for path in sources for variable in VARIABLE.findall(path.read_text(encoding="utf-8"))}
        assert named <= set(VARIABLE.findall((REFERENCE / "settings.md").read_text(encoding="utf-8")))

    @pytest.mark.parametrize("command", documented_cli.known())
    def test_every_command_and_option_has_its_line(self, command: str) -> None:
        written = (REFERENCE / "cli.md").read_text(encoding="utf-8").split(f"\n### {command}\n")
        assert len(written) == 2
        section = written[1].split("\n### ")[0]
        for parameter in documented_cli.shown(documented_cli.known()[command]):
            assert parameter.help, f"{documented_cli.spelling(parameter)} of {command} needs a help text"
            assert f"| `{documented_cli.spelling(parameter)}` |" in section

    def test_every_problem_has_its_line(self) -> None:
        kinds = documented_problems.kinds()
        text = (REFERENCE / "problems.md").read_text(encoding="utf-8")
        lines = [f"`{kind.slug}` | {kind.status} | {kind.title} |" for kind in kinds]
        assert [line for line in lines if line not in text] == []
        assert [kind.__name__ for kind in kinds if "__doc__" not in vars(kind) or not kind.__doc__] == []

    def test_a_slug_stands_for_one_kind_of_problem(self) -> None:
        meanings = {(kind.slug, kind.status, kind.title) for kind in documented_problems.kinds()}
        assert [slug for slug, uses in Counter(slug for slug, *_ in meanings).items() if uses > 1] == []


class TestApiCoverage:
    def test_it_has_every_operation_of_the_specification(self) -> None:
        require_specification()
        specified = {
            operation["operationId"]
            for name in ("api.bundled", "read", "write", "search")
            for methods in (specification(name) or {})["paths"].values()
            for method, operation in methods.items()
            if method in {"get", "post", "put", "patch", "delete"}
        }
        there = {operation.name for operation in documented_api.operations()}
        assert specified - there == set()


class TestDocuments:
    @pytest.mark.parametrize("path", DOCUMENTS, ids=name_of)
    def test_every_relative_link_leads_somewhere(self, path: Path) -> None:
        broken = []
        for link in LINK.findall(FENCED.sub("", path.read_text(encoding="utf-8"))):
            if re.match(r"[a-z]+:", link):
                continue
            target, _, anchor = link.partition("#")
            file = (path.parent / target).resolve() if target else path
            if not file.exists() or (anchor and anchor not in anchors(file)):
                broken.append(link)
        assert broken == []

    def test_every_document_can_be_reached_from_the_index(self) -> None:
        seen: set[Path] = set()
        found = [ROOT / "docs" / "index.md"]
        while found:
            path = found.pop()
            if path in seen or path.suffix != ".md" or not path.is_file():
                continue
            seen.add(path)
            links = (link.partition("#")[0] for link in LINK.findall(FENCED.sub("", path.read_text(encoding="utf-8"))))
            found += [(path.parent / link).resolve() for link in links if link and ":" not in link]
        assert [name_of(path) for path in DOCUMENTS if path.is_relative_to(ROOT / "docs") and path not in seen] == []

    def test_every_manifest_shown_is_a_good_one(self) -> None:
        shown = [block for path in DOCUMENTS for block in blocks(path, "yaml") if "specVersion:" in block]
        assert shown
        for manifest in shown:
            parse_manifest(manifest)

    def test_every_make_target_named_is_one(self) -> None:
        targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
        named = {
            name for path in DOCUMENTS for name in re.findall(r"`make ([a-z-]+)", path.read_text(encoding="utf-8"))
        }
        named |= {line.split()[1] for _, line in shell_lines() if line.startswith("make ")}
        assert named
        assert named - targets == set()

    def test_every_conjunct_command_shown_is_one(self) -> None:
        known = documented_cli.known()
        shown = [(name, shlex.split(line)) for name, line in shell_lines() if line.startswith("conjunct ")]
        assert shown
        for document, (_, *words) in shown:
            length = 2 if " ".join(words[:2]) in known else 1
            command, arguments = " ".join(words[:length]), words[length:]
            assert command in known or command.startswith("--"), f"{document}: conjunct {command}"
            if command not in known:
                continue
            options = {option for parameter in documented_cli.shown(known[command]) for option in parameter.opts}
            used = {argument.partition("=")[0] for argument in arguments if argument.startswith("--")}
            assert used <= options, f"{document}: conjunct {command}"

    def test_every_request_shown_is_one_of_the_api(self) -> None:
        operations = {(each.method, each.path) for each in documented_api.operations()}
        templates = [(method, re.compile(re.sub(r"\{\w+\}", r"[^/:?]+", path))) for method, path in sorted(operations)]
        shown = [(name, line) for name, line in shell_lines() if re.search(r"\bcurl\b.*/v1/", line)]
        assert shown
        for document, line in shown:
            path = re.search(r"(?:/(?:write|search))?/v1/[^\s\"'?]*", line)  # /read before it is routing
            assert path
            given = re.search(r"-X ([A-Z]+)", line)
            method = given[1] if given else ("POST" if re.search(r" (-d|--data|--json)\b", line) else "GET")
            found = any(each == method and template.fullmatch(path[0]) for each, template in templates)
            assert found, f"{document}: {method} {path[0]}"
