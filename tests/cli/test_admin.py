"""`conjunct admin`: what an operator makes works at once; what cannot be made is told in words."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import httpx
import pytest
from sqlalchemy import text

from conjunct.core.database import Database
from conjunct.core.encryption import Keyring, new_key
from conjunct.tenants import Authenticator, ProjectKeys
from tests.support.commands import Ended, reachable_folder, run, running
from tests.support.tenants import make_project


class Operator:
    """Runs `conjunct admin` against one database."""

    def __init__(self, url: str, folder: Path) -> None:
        self._variables = {"DATABASE_URL": url, "CONJUNCT_DATA_DIR": str(folder)}

    async def does(self, *arguments: str, **variables: str) -> list[str]:
        """The lines that a command that goes well prints."""
        ended = await self.tries(*arguments, **variables)
        assert (ended.status, ended.err) == (0, "")
        return ended.out.splitlines()

    async def tries(self, *arguments: str, **variables: str) -> Ended:
        return await run("admin", *arguments, **{**self._variables, **variables})

    async def is_refused(self, *arguments: str, told: str, **variables: str) -> None:
        """The command ends in words, and not by a fault of ours."""
        ended = await self.tries(*arguments, **variables)
        assert (ended.status, ended.out) == (1, "")
        assert "Traceback" not in ended.err
        assert "Conjunct's own" not in ended.err
        assert told in ended.err


@pytest.fixture
def operator(database: Database, database_url: str, tmp_path: Path) -> Operator:
    return Operator(database_url, tmp_path)


def files(folder: Path) -> list[str]:
    return [file.name for file in folder.iterdir()]


def last_word(line: str) -> str:
    return line.rpartition(" ")[2]


async def test_an_org_with_its_first_builder(operator: Operator, database: Database) -> None:
    made, token = await operator.does(
        "create-org", "Acme Inc", "--builder", "Ada@Acme.example", "--first-name", "Ada", "--last-name", "L"
    )
    assert made.startswith("Made the org 'Acme Inc': ")
    assert token.startswith("Token of ada@acme.example, shown this once: cjb_")
    caller = await Authenticator(database).authenticate(bearer=last_word(token))
    assert (caller.kind, caller.org_id, caller.role) == ("builder", last_word(made), "owner")
    async with database.reading() as reading:
        kept = await reading.scalar(text("SELECT string_agg(t::text || b::text, '') FROM builder_token t, builder b"))
    assert last_word(token) not in kept
    assert "(" in kept
    assert "Ada" in kept


async def test_a_builder_with_an_org_and_one_without(operator: Operator, database: Database) -> None:
    made, _ = await operator.does("create-org", "Acme", "--builder", "ada@acme.example")
    org = last_word(made)
    for email, options, expected in (
        ("bob@acme.example", ("--org", org), (org, "member")),
        ("cleo@acme.example", ("--org", org, "--owner"), (org, "owner")),
        ("dan@acme.example", (), (None, None)),
    ):
        builder, token = await operator.does("create-builder", email, *options)
        caller = await Authenticator(database).authenticate(bearer=last_word(token))
        assert (caller.builder_id, caller.org_id, caller.role) == (last_word(builder), *expected)
    made, token = await operator.does("create-org", "Dan's", "--builder", "dan@acme.example")
    caller = await Authenticator(database).authenticate(bearer=last_word(token))
    assert (caller.org_id, caller.role) == (last_word(made), "owner")


async def test_tokens_are_made_anew_and_revoked(operator: Operator, database: Database) -> None:
    _, line = await operator.does("create-builder", "ada@acme.example")
    first = last_word(line)
    (line,) = await operator.does("create-token", "ADA@acme.example")
    second = last_word(line)
    for token in (first, second):
        await Authenticator(database).authenticate(bearer=token)
    told, line = await operator.does("create-token", "ada@acme.example", "--revoke")
    assert told == "Revoked: 2; servers that run forget them within 5 seconds."
    await Authenticator(database).authenticate(bearer=last_word(line))
    for token in (first, second):
        with pytest.raises(Exception, match="unknown, withdrawn or expired"):
            await Authenticator(database).authenticate(bearer=token)


async def test_a_project_with_its_first_key(operator: Operator, database: Database, tmp_path: Path) -> None:
    key = {"CONJUNCT_MASTER_KEY": "k1:" + "A" * 43 + "="}
    made, _ = await operator.does("create-org", "Acme", "--builder", "ada@acme.example")
    org = last_word(made)
    project, line = await operator.does("create-project", "Staging", "--org", org, "--app-name", "Mail Monkey", **key)
    assert project.startswith("Made the project 'staging': ")
    caller = await Authenticator(database).authenticate(api_key=last_word(line))
    assert (caller.project_id, caller.scopes) == (last_word(project), frozenset({"full"}))
    await operator.does("create-project", "production", "--org", org, **key)
    await operator.is_refused("create-project", "staging", "--org", org, told="another project of the org", **key)
    await operator.is_refused("create-project", "my project", "--org", org, told="letters, digits and hyphens", **key)
    await operator.is_refused("create-project", "x-1", "--org", "nosuch", told="There is no org 'nosuch'", **key)
    listed = await operator.does("list-orgs")
    assert listed == [
        f"{org}  Acme",
        "  builders: 1, owned by ada@acme.example; projects: production, staging",
    ]
    assert files(tmp_path) == []


async def test_a_project_is_made_with_the_servers_master_key_only(
    operator: Operator, database: Database, tmp_path: Path
) -> None:
    project = await make_project(database, ProjectKeys(Keyring({"k1": new_key()}, current="k1")))
    await operator.is_refused("create-project", "x-1", "--org", project.org_id, told="There is no master key")
    assert files(tmp_path) == []
    for master_key in ("k1:" + "A" * 43 + "=", "k2:" + "A" * 43 + "="):
        await operator.is_refused(
            "create-project",
            "x-1",
            "--org",
            project.org_id,
            told="is not the one that this database's projects",
            CONJUNCT_MASTER_KEY=master_key,
        )


async def test_what_cannot_be_made_is_told(operator: Operator) -> None:
    await operator.does("create-org", "Acme", "--builder", "ada@acme.example")
    await operator.is_refused("create-org", "B", "--builder", "ada@acme.example", told="belongs to an org already")
    await operator.is_refused("create-org", " ", "--builder", "bob@acme.example", told="The label must be")
    await operator.is_refused("create-org", "x" * 201, "--builder", "bob@acme.example", told="The label must be")
    await operator.is_refused("create-org", "Acme", "--builder", "bob", told="'bob': this is not an email address")
    await operator.is_refused("create-builder", "ada@acme.example", told="There is a builder 'ada@acme.example'")
    await operator.is_refused("create-builder", "b@c.example", "--org", "nosuch", told="There is no org 'nosuch'")
    await operator.is_refused("create-builder", "b@c.example", "--owner", told="Name it with --org.")
    await operator.is_refused("create-token", "nobody@acme.example", told="There is no builder 'nobody@acme.example'")
    await operator.is_refused("create-org", "\udcff", "--builder", "bob@acme.example", told="The label must be")
    assert len(await operator.does("list-orgs")) == 2


async def test_without_a_database_it_says_where_there_could_be_one(tmp_path: Path) -> None:
    ended = await run("admin", "list-orgs", "--data-dir", str(tmp_path / "none"))
    assert (ended.status, ended.out) == (1, "")
    assert "DATABASE_URL is not set, and there is no embedded database in" in ended.err
    assert not (tmp_path / "none").exists()


async def test_a_database_without_our_schema_is_told(server_url: str, tmp_path: Path) -> None:
    ended = await run("admin", "list-orgs", DATABASE_URL=server_url, CONJUNCT_DATA_DIR=str(tmp_path))
    assert ended.status == 1
    assert "conjunct migrate" in ended.err


async def test_the_embedded_database_is_reached_while_it_runs_and_while_it_does_not() -> None:
    with reachable_folder() as folder:
        data_dir = folder / "data"
        async with running("up", "--port", "0", "--data-dir", str(data_dir)) as command:
            url = await command.url()
            told = json.loads((data_dir / "bootstrap.json").read_text())
            operator = Operator("", data_dir)
            operator._variables.pop("DATABASE_URL")
            made, line = await operator.does("create-org", "Acme", "--builder", "ada@acme.example")
            headers = {"Authorization": f"Bearer {last_word(line)}"}
            async with httpx.AsyncClient(base_url=url) as client:
                own = (await client.get("/v1/my-info", headers=headers)).json()
                assert own["orgRole"]["org"]["id"] == last_word(made)
                headers = {"Authorization": f"Bearer {told['builderToken']}"}
                first = (await client.get("/v1/my-info", headers=headers)).json()
                assert first["projectRoles"].keys() == {told["projectId"]}
            command.send(signal.SIGTERM)
            assert await command.ended() == 0
        assert len(await operator.does("list-orgs")) == 4


async def test_what_the_operator_does_stands_in_the_audit_log(operator: Operator, database: Database) -> None:
    key = {"CONJUNCT_MASTER_KEY": "k1:" + "A" * 43 + "="}
    made, first = await operator.does("create-org", "Acme", "--builder", "ada@acme.example")
    org = last_word(made)
    builder, second = await operator.does("create-builder", "bob@acme.example", "--org", org)
    _, third = await operator.does("create-token", "bob@acme.example", "--revoke")
    project, api_key = await operator.does("create-project", "staging", "--org", org, **key)
    await operator.is_refused("create-builder", "bob@acme.example", told="bob@acme.example")
    async with database.reading() as reading:
        rows = (await reading.execute(text("SELECT * FROM audit_entry ORDER BY id"))).mappings().all()
    assert {(row["actor"], row["org_id"]) for row in rows} == {("admin-cli", org)}
    assert [(row["action"], row["resource_id"], row["detail"]) for row in rows] == [
        ("admin create-org", org, {}),
        ("admin create-builder", last_word(builder), {}),
        ("admin create-token", last_word(builder), {"revoked": 1}),
        ("admin create-project", last_word(project), {}),
    ]
    told = str([dict(row) for row in rows])
    assert [line for line in (first, second, third, api_key) if last_word(line) in told] == []
