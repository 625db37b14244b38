"""Provider apps over HTTP: registered, changed, used and removed; their secrets never shown."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from sqlalchemy import text

from tests.connections.flows import SECRET, Flow, state_of
from tests.support.specification import require_specification
from tests.support.tenants import make_key

APPS = "/v1/projects/acme/provider-apps"
NEW = {"provider": "hubspot", "clientId": "client-1", "clientSecret": SECRET}
METADATA = {"authQueryParams": {"optional_scope": ["automation"]}, "providerParams": {"plan": "gold"}}


def test_answers_are_held_against_the_specification() -> None:
    require_specification()


async def make(flow: Flow, **more: Any) -> dict[str, Any]:
    answer = await flow.client.post(APPS, json={**NEW, **more})
    assert answer.status_code == 200, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def change(flow: Flow, app_id: str, *mask: str, **values: Any) -> httpx.Response:
    return await flow.client.patch(f"{APPS}/{app_id}", json={"updateMask": mask, "providerApp": values})


async def opened(flow: Flow, app_id: str) -> Any:
    async with flow.database.transaction() as session:
        return await flow.service.provider_apps.open(session, flow.project.project_id, app_id)


def names(answer: httpx.Response) -> list[str]:
    return [issue["name"] for issue in answer.json().get("issues", [])]


async def test_an_app_is_shown_as_it_was_registered_but_for_its_secret(flow: Flow) -> None:
    made = await make(flow, externalRef="app-7", scopes=["oauth", "tickets"], metadata=METADATA)
    times = {"createTime": made["createTime"]}
    assert made == {
        "id": made["id"],
        "projectId": flow.project.project_id,
        "provider": "hubspot",
        "clientId": "client-1",
        "externalRef": "app-7",
        "scopes": ["oauth", "tickets"],
        "metadata": METADATA,
        **times,
    }
    assert (await flow.client.get(APPS)).json() == [made]
    assert (await opened(flow, made["id"])).client.client_secret == SECRET


async def test_the_secret_is_sealed_for_its_own_row(flow: Flow) -> None:
    first, second = await make(flow), await make(flow, clientId="client-2", clientSecret="another")
    async with flow.database.transaction() as session:
        rows = (await session.execute(text("SELECT sealed_secret FROM provider_app"))).scalars()
        assert all(SECRET.encode() not in sealed for sealed in rows)
        await session.execute(
            text("UPDATE provider_app SET sealed_secret = (SELECT sealed_secret FROM provider_app WHERE id = :first)"),
            {"first": first["id"]},
        )
    with pytest.raises(Exception, match="does not open"):
        await opened(flow, second["id"])


async def test_apps_are_listed_oldest_first_and_by_pages(flow: Flow) -> None:
    made = [await make(flow, clientId=f"client-{number}") for number in range(3)]
    listed = await flow.client.get(APPS)
    assert [each["id"] for each in listed.json()] == [each["id"] for each in made]
    first = await flow.client.get(APPS, params={"pageSize": 2})
    rest = await flow.client.get(APPS, params={"pageSize": 2, "pageToken": first.headers["X-Next-Page-Token"]})
    assert [len(first.json()), len(rest.json())] == [2, 1]
    headers = {"X-Api-Key": flow.other.api_key}
    assert (await flow.client.get("/v1/projects/rival/provider-apps", headers=headers)).json() == []


async def test_one_client_is_registered_once_for_each_reference(flow: Flow) -> None:
    await make(flow)
    again = await flow.client.post(APPS, json=NEW)
    assert (again.status_code, again.json()["type"].rpartition("/")[2]) == (409, "provider-app-exists")
    assert names(again) == ["clientId"]
    referred = await make(flow, externalRef="second")
    assert (await flow.client.post(APPS, json={**NEW, "externalRef": "second"})).status_code == 409
    assert (await change(flow, referred["id"], "externalRef", externalRef=None)).status_code == 409
    headers = {"X-Api-Key": flow.other.api_key}
    theirs = await flow.client.post("/v1/projects/rival/provider-apps", json=NEW, headers=headers)
    assert theirs.status_code == 200


class TestWhatIsRefused:
    @pytest.mark.parametrize(
        ("changed", "status", "issues"),
        [
            ({"provider": "nosuch"}, 422, ["provider"]),
            ({"provider": "redmine"}, 422, ["provider"]),
            ({"provider": "machine"}, 422, ["provider"]),
            ({"provider": ""}, 400, ["provider"]),
            ({"clientId": ""}, 400, ["clientId"]),
            ({"clientId": "a\nb"}, 400, ["clientId"]),
            ({"clientId": "x" * 600}, 400, ["clientId"]),
            ({"clientSecret": ""}, 400, ["clientSecret"]),
            ({"clientSecret": "a\r\nb"}, 400, ["clientSecret"]),
            ({"clientSecret": None}, 400, ["clientSecret"]),
            ({"scopes": "oauth"}, 400, ["scopes"]),
            ({"scopes": ["", "a\tb"]}, 400, ["scopes.0"]),
            ({"scopes": ["a\tb", "fine", " "]}, 400, ["scopes.0", "scopes.2"]),
            ({"scopes": ["x"] * 501}, 400, ["scopes"]),
            ({"metadata": {"authQueryParams": {"p": "text"}}}, 400, ["metadata.authQueryParams.p"]),
            ({"metadata": {"providerParams": {"p": 5}}}, 400, ["metadata.providerParams.p"]),
            (
                {"metadata": {"authQueryParams": {"State": ["x"], "redirect_uri": ["x"], "prompt": ["x"]}}},
                400,
                ["metadata.authQueryParams.State", "metadata.authQueryParams.redirect_uri"],
            ),
        ],
    )
    async def test_of_a_new_app(self, flow: Flow, changed: dict[str, Any], status: int, issues: list[str]) -> None:
        answer = await flow.client.post(APPS, json={**NEW, **changed})
        assert answer.status_code == status, answer.text
        assert names(answer) == issues
        assert SECRET not in answer.text
        assert (await flow.client.get(APPS)).json() == []

    async def test_faults_are_told_all_at_once(self, flow: Flow) -> None:
        answer = await flow.client.post(APPS, json={**NEW, "clientId": "a\x7fb", "clientSecret": "", "scopes": [" "]})
        assert names(answer) == ["clientId", "clientSecret", "scopes.0"]

    async def test_a_client_without_a_secret_needs_pkce(self, flow: Flow) -> None:
        made = await make(flow, provider="spacious", clientSecret="")
        url = await flow.url("spacious", providerWorkspaceRef="acme")
        await flow.come_back(state=state_of(url), code="c")
        assert (await opened(flow, made["id"])).client.client_secret == ""

    @pytest.mark.parametrize(
        ("mask", "values", "issues"),
        [
            ([], {}, ["updateMask"]),
            (["id", "clientId", "projectId"], {"clientId": "x"}, ["updateMask.0", "updateMask.2"]),
            (["clientId", "provider"], {"clientSecret": "s"}, ["providerApp.clientId", "providerApp.provider"]),
            (["clientSecret"], {"clientSecret": ""}, ["providerApp.clientSecret"]),
            (
                ["metadata"],
                {"metadata": {"authQueryParams": {"scope": []}}},
                ["providerApp.metadata.authQueryParams.scope"],
            ),
        ],
    )  # fmt: skip
    async def test_of_a_change(self, flow: Flow, mask: list[str], values: dict[str, Any], issues: list[str]) -> None:
        made = await make(flow)
        answer = await change(flow, made["id"], *mask, **values)
        assert (answer.status_code, names(answer)) == (400, issues)
        assert (await flow.client.get(APPS)).json() == [made]


class TestChanges:
    async def test_what_the_mask_names_changes_and_nothing_else(self, flow: Flow) -> None:
        made = await make(flow, externalRef="app-7", scopes=["oauth"], metadata=METADATA)
        answer = await change(
            flow, made["id"], "clientId", "scopes", clientId="new", scopes=["a"], externalRef="ignored"
        )
        changed = answer.json()
        assert changed.pop("updateTime") > made["createTime"]
        assert changed == {**made, "clientId": "new", "scopes": ["a"]}
        assert (await opened(flow, made["id"])).client.client_secret == SECRET

    async def test_a_new_secret_is_used_from_then_on(self, flow: Flow) -> None:
        made = await make(flow)
        assert "clientSecret" not in (await change(flow, made["id"], "clientSecret", clientSecret="newer")).json()
        assert (await opened(flow, made["id"])).client.client_secret == "newer"

    async def test_what_can_be_absent_can_be_taken_away(self, flow: Flow) -> None:
        made = await make(flow, externalRef="app-7", scopes=["oauth"], metadata=METADATA)
        changed = (await change(flow, made["id"], "externalRef", "scopes", "metadata")).json()
        assert not changed.keys() & {"externalRef", "scopes", "metadata"}

    async def test_an_app_in_use_stays_with_its_provider(self, flow: Flow) -> None:
        made = await make(flow)
        assert (await change(flow, made["id"], "provider", provider="strict")).json()["provider"] == "strict"
        await change(flow, made["id"], "provider", provider="hubspot")
        await flow.browse(await flow.url())
        answer = await change(flow, made["id"], "provider", provider="strict")
        assert (answer.status_code, answer.json()["type"].rpartition("/")[2]) == (422, "provider-app-in-use")
        assert (
            await change(flow, made["id"], "provider", "clientId", provider="hubspot", clientId="n")
        ).status_code == 200


class TestRemoval:
    async def test_an_app_is_gone(self, flow: Flow) -> None:
        made = await make(flow)
        assert (await flow.client.delete(f"{APPS}/{made['id']}")).status_code == 204
        assert (await flow.client.get(APPS)).json() == []
        assert (await flow.client.delete(f"{APPS}/{made['id']}")).status_code == 404

    async def test_an_app_that_connections_were_made_with_stays(self, flow: Flow) -> None:
        made = await make(flow)
        connection = (await flow.browse(await flow.url())).message["data"]["connection"]
        answer = await flow.client.delete(f"{APPS}/{made['id']}")
        assert (answer.status_code, answer.json()["type"].rpartition("/")[2]) == (422, "provider-app-in-use")
        assert "1 connection" in answer.json()["detail"]
        await flow.client.delete(f"/v1/projects/acme/connections/{connection}")
        assert (await flow.client.delete(f"{APPS}/{made['id']}")).status_code == 204

    async def test_a_deleted_project_takes_its_apps_and_flows_along(self, flow: Flow) -> None:
        await make(flow)
        await flow.browse(await flow.url())
        await flow.url()
        async with flow.database.transaction() as session:
            await session.execute(text("DELETE FROM project WHERE id = :id"), {"id": flow.project.project_id})
            counts = "SELECT (SELECT count(*) FROM provider_app) + (SELECT count(*) FROM oauth_flow)"
            assert await session.scalar(text(counts)) == 0


async def test_another_project_and_lesser_keys_get_nowhere(flow: Flow) -> None:
    made = await make(flow)
    one = f"{APPS}/{made['id']}"
    body = {"updateMask": ["clientId"], "providerApp": {"clientId": "stolen"}}
    frontend = {"X-Api-Key": await make_key(flow.database, flow.project, "frontend")}
    other = {"X-Api-Key": flow.other.api_key}
    assert (await flow.client.get(APPS, headers=frontend)).json() == [made]
    for headers, status, path in (
        (frontend, 403, one),
        (other, 404, one),
        (other, 404, one.replace("acme", "rival")),
    ):
        assert (await flow.client.patch(path, json=body, headers=headers)).status_code == status
        assert (await flow.client.delete(path, headers=headers)).status_code == status
    assert (await flow.client.post(APPS, json=NEW, headers=frontend)).status_code == 403
    assert (await flow.client.get(APPS)).json() == [made]


async def test_a_connection_shows_the_app_that_it_was_made_with(flow: Flow) -> None:
    made = await make(flow, scopes=["oauth"])
    await flow.browse(await flow.url())
    listed = (await flow.client.get("/v1/projects/acme/connections")).json()
    assert [each["providerApp"] for each in listed] == [made]
    assert SECRET not in str(listed)
