"""What is refused: other providers, bad inputs, callbacks that are not awaited, and sessions of others."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

from aiohttp import web
from sqlalchemy import text

from conjunct.connections.custom_auth.sessions import LIFETIME
from tests.connections.custom_auth.conftest import INPUTS, MICROSOFT, SECRET, WHO, Steps
from tests.support.tenants import make_key
from tests.support.tokens import customer_token, public_pem


def slug(answer: Any) -> str:
    return str(answer.json()["type"].rpartition("/")[2])


def names(answer: Any) -> list[str]:
    return [issue["name"] for issue in answer.json()["issues"]]


async def connections(steps: Steps) -> int:
    async with steps.database.reading() as reading:
        return int(await reading.scalar(text("SELECT count(*) FROM connection")) or 0)


class TestTheBeginning:
    async def test_a_provider_without_steps_is_refused(self, steps: Steps) -> None:
        for name, remedy in (("hubspot", "oauth-connect"), ("redmine", "apiKey"), ("plain", "customAuth")):
            answer = await steps.begin(name, customAuth=INPUTS)
            assert (answer.status_code, slug(answer), names(answer)) == (400, "no-multi-step-auth", ["provider"])
            assert remedy in answer.json()["remedy"]
            assert SECRET not in answer.text

    async def test_what_is_wrong_is_told(self, steps: Steps) -> None:
        redtail = {**WHO, "provider": "redtail"}
        for body, status, where in (
            ({}, 400, ["provider", "groupRef", "consumerRef"]),
            ({"provider": "redtail"}, 400, ["groupRef", "consumerRef"]),
            ({**WHO, "provider": "nosuch"}, 422, ["provider"]),
            ({**redtail, "customAuth": "text"}, 400, ["customAuth"]),
            ({**redtail, "callbackParams": {"tenant": 5}}, 400, ["callbackParams.tenant"]),
            ({**redtail, "callbackParams": {"t": "x" * 9000}}, 400, ["callbackParams.t"]),
            ({**redtail, "callbackParams": {str(n): "" for n in range(51)}}, 400, ["callbackParams"]),
            ({**redtail, "customAuth": {str(n): "" for n in range(101)}}, 400, ["customAuth"]),
            (redtail, 422, [f"customAuth.{name}" for name in INPUTS]),
            ({**redtail, "customAuth": {**INPUTS, "password": ""}}, 422, ["customAuth.password"]),
            ({**redtail, "customAuth": {**INPUTS, "more": SECRET}}, 422, ["customAuth.more"]),
            ({**redtail, "customAuth": {**INPUTS, "apiKey": "x" * 32_769}}, 422, ["customAuth.apiKey"]),
            ({**redtail, "customAuth": INPUTS, "providerAppId": "app"}, 400, ["providerAppId"]),
            ({**WHO, "provider": MICROSOFT}, 422, ["provider"]),
            ({**WHO, "provider": MICROSOFT, "providerAppId": "nosuch"}, 422, ["providerAppId"]),
        ):
            answer = await steps.call(**body)
            assert (answer.status_code, names(answer)) == (status, where)
            assert SECRET not in answer.text
        assert steps.provider.requests == []

    async def test_what_is_known_of_the_account_never_leads_elsewhere(self, steps: Steps) -> None:
        for region in ("evil.com/#", "evil.com?", "a@evil.com", "evil.com:80", "..", "a/../b"):
            metadata = {"region": {"value": region, "source": "input"}}
            answer = await steps.begin("redtail", customAuth=INPUTS, providerMetadata=metadata)
            assert (answer.status_code, names(answer)) == (422, ["providerMetadata.region.value"])
        assert steps.provider.requests == []

    async def test_only_the_projects_own_keys_get_that_far(self, steps: Steps) -> None:
        none = await make_key(steps.database, steps.project)
        for key, status in (("", 401), (none, 403), (steps.other.api_key, 404)):
            answer = await steps.begin("redtail", headers={"X-Api-Key": key}, customAuth=INPUTS)
            assert answer.status_code == status

    async def test_generate_points_here(self, steps: Steps) -> None:
        body = {"provider": "redtail", **WHO, "customAuth": INPUTS}
        answer = await steps.client.post("/v1/projects/acme/connections:generate", json=body)
        assert answer.status_code == 422
        assert "/v1/custom-auth/connect" in answer.json()["remedy"]
        assert SECRET not in answer.text


class TestTheCallback:
    async def test_a_state_that_is_not_the_awaited_one(self, steps: Steps) -> None:
        await steps.make_app()
        session_id, params = await steps.awaited()
        _, of_another = await steps.awaited(groupRef="globex")
        for state in (None, "", "guessed", "x" * 8192, "\N{SNOWMAN}", params["state"].swapcase(), of_another["state"]):
            wrong = {key: value for key, value in {**params, "state": state}.items() if value is not None}
            answer = await steps.call(sessionId=session_id, callbackParams=wrong)
            assert (answer.status_code, slug(answer)) == (400, "custom-auth-state-mismatch")
            assert names(answer) == ["callbackParams.state"]
            assert params["state"] not in answer.text
        assert (await steps.call(sessionId=session_id, callbackParams=params)).status_code == 200

    async def test_a_callback_works_once(self, steps: Steps) -> None:
        await steps.make_app()
        session_id, params = await steps.awaited()
        call: dict[str, Any] = {"sessionId": session_id, "callbackParams": params}
        assert (await steps.call(**call)).status_code == 200
        again = await steps.call(**call)
        assert (again.status_code, slug(again)) == (400, "custom-auth-session-over")
        assert await connections(steps) == 1

    async def test_a_step_that_was_taken_is_not_taken_again(self, steps: Steps) -> None:
        session_id, _, first = await steps.sent(await steps.begin("winding", customAuth={"secret": "s"}))
        await steps.sent(await steps.call(sessionId=session_id, callbackParams={"code": "c1", **first}))
        for params in ({"code": "c1", **first}, {"code": "c1", "state": first["relay"]}):
            replayed = await steps.call(sessionId=session_id, callbackParams=params)
            assert slug(replayed) == "custom-auth-state-mismatch"
        assert len(steps.provider.requests) == 1

    async def test_what_the_step_needs_is_asked_for_again(self, steps: Steps) -> None:
        await steps.make_app()
        session_id, params = await steps.awaited()
        for missing in (["tenant"], ["admin_consent"], ["admin_consent", "tenant"]):
            partial = {key: value for key, value in params.items() if key not in missing}
            answer = await steps.call(sessionId=session_id, callbackParams=partial)
            assert (answer.status_code, slug(answer)) == (400, "incomplete-callback")
            assert names(answer) == [f"callbackParams.{name}" for name in missing]
        assert (await steps.call(sessionId=session_id, callbackParams=params)).status_code == 200

    async def test_a_refusal_at_the_provider_ends_the_session(self, steps: Steps) -> None:
        await steps.make_app()
        for told, words in (
            ({"error": "access_denied", "error_description": f"Ask {SECRET}-app."}, "Ask [secret]."),
            ({"error": "access_denied"}, "access_denied"),
            ({"admin_consent": "False"}, "admin_consent=False"),
        ):
            session_id, params = await steps.awaited()
            answer = await steps.call(sessionId=session_id, callbackParams={**params, **told})
            assert (answer.status_code, slug(answer)) == (400, "custom-auth-refused")
            assert words in answer.json()["detail"]
            assert SECRET not in answer.text
            assert slug(await steps.call(sessionId=session_id, callbackParams=params)) == "custom-auth-session-over"

    async def test_what_came_back_never_leads_elsewhere(self, steps: Steps) -> None:
        """It is one segment of a path, or refused."""
        for code, asked in (("..", 0), ("a/../b", 0), ("//evil.com", 0), ("x/y?z#@", 1)):
            session_id, _, params = await steps.sent(await steps.begin("winding", customAuth={"secret": "s"}))
            answer = await steps.call(sessionId=session_id, callbackParams={"code": code, "relay": params["relay"]})
            assert (answer.status_code, len(steps.provider.requests)) == (422, asked)
        assert steps.provider.requests[0][1] == "/swap/x%2Fy%3Fz%23%40"


class TestTheSession:
    async def test_a_guess_is_none(self, steps: Steps) -> None:
        for session_id in ("guessed", "x" * 512, "\N{SNOWMAN}", "' OR 1=1 --"):
            answer = await steps.call(sessionId=session_id, callbackParams={"state": "s"})
            assert (answer.status_code, slug(answer)) == (400, "custom-auth-session-over")
            assert session_id not in answer.text

    async def test_it_ends_and_is_swept_by_the_next_one(self, steps: Steps) -> None:
        await steps.make_app()
        session_id, params = await steps.awaited()
        steps.clock.advance(LIFETIME)
        answer = await steps.call(sessionId=session_id, callbackParams=params)
        assert (answer.status_code, slug(answer)) == (400, "custom-auth-session-over")
        assert "30 minutes" in answer.json()["detail"]
        assert await connections(steps) == 0
        steps.clock.advance(timedelta(seconds=1))
        await steps.awaited()
        async with steps.database.reading() as reading:
            assert await reading.scalar(text("SELECT count(*) FROM custom_auth_session")) == 1

    async def test_another_project_does_not_find_it(self, steps: Steps) -> None:
        await steps.make_app()
        session_id, params = await steps.awaited()
        body: dict[str, Any] = {"projectIdOrName": "rival", "sessionId": session_id, "callbackParams": params}
        answer = await steps.call(headers={"X-Api-Key": steps.other.api_key}, **body)
        assert slug(answer) == "custom-auth-session-over"
        assert (await steps.call(sessionId=session_id, callbackParams=params)).status_code == 200

    async def test_a_customer_goes_on_with_their_own_only(self, steps: Steps) -> None:
        await steps.make_app()
        async with steps.database.transaction() as session:
            kid = await session.scalar(
                text(
                    "INSERT INTO jwt_key (id, project_id, label, algorithm, public_key_pem, active) "
                    "VALUES ('k1', :project, 'k', 'RS256', :pem, true) RETURNING id"
                ),
                {"project": steps.project.project_id, "pem": public_pem()},
            )
        own = {"X-Api-Key": "", "Authorization": f"Bearer {customer_token(kid, 'acme', 'ada')}"}
        session_id, params = await steps.awaited(headers=own)
        call: dict[str, Any] = {"sessionId": session_id, "callbackParams": params}
        for other in (("globex", "ada"), ("acme", "eve")):
            theirs = {"X-Api-Key": "", "Authorization": f"Bearer {customer_token(kid, *other)}"}
            refused = await steps.call(headers=theirs, **call)
            assert (refused.status_code, slug(refused)) == (400, "custom-auth-session-over")
        mine = await steps.call(headers=own, **call)
        assert mine.status_code == 200, mine.text

    async def test_of_two_calls_at_once_one_gets_on(self, steps: Steps) -> None:
        session_id, _, params = await steps.sent(await steps.begin("winding", customAuth={"secret": "s"}))
        asked, go_on = asyncio.Event(), asyncio.Event()

        async def answer() -> web.Response:
            asked.set()
            await go_on.wait()
            return web.json_response({"ticket": "t"})

        steps.provider.answers["/swap/c1"] = answer
        call: dict[str, Any] = {"sessionId": session_id, "callbackParams": {"code": "c1", "relay": params["relay"]}}
        first = asyncio.create_task(steps.call(**call))
        await asked.wait()
        second = await steps.call(**call)
        assert (second.status_code, slug(second), second.json()["retryable"]) == (409, "custom-auth-session-busy", True)
        go_on.set()
        await steps.sent(await first)
        assert len(steps.provider.requests) == 1

    async def test_a_call_that_died_is_waited_for_and_then_repeated(self, steps: Steps) -> None:
        """A process that ends in the middle leaves its claim behind; what its step had taken is kept."""
        session_id, _, params = await steps.sent(await steps.begin("winding", customAuth={"secret": "s"}))
        asked = asyncio.Event()

        async def never() -> web.Response:
            asked.set()
            await asyncio.Event().wait()
            raise AssertionError

        steps.provider.answers["/swap/c1"] = never
        call: dict[str, Any] = {"sessionId": session_id, "callbackParams": {"code": "c1", "relay": params["relay"]}}
        dying = asyncio.create_task(steps.flows.resume(steps.project.project_id, session_id, call["callbackParams"]))
        await asked.wait()
        dying.cancel()
        await asyncio.gather(dying, return_exceptions=True)
        steps.provider.answers["/swap/c1"] = {"ticket": "t"}
        assert slug(await steps.call(**call)) == "custom-auth-session-busy"
        steps.clock.advance(timedelta(minutes=3))
        await steps.sent(await steps.call(**call))

    async def test_without_its_provider_app_it_is_over(self, steps: Steps) -> None:
        app_id = await steps.make_app()
        session_id, params = await steps.awaited()
        assert (await steps.client.delete(f"/v1/projects/acme/provider-apps/{app_id}")).status_code == 204
        answer = await steps.call(sessionId=session_id, callbackParams=params)
        assert slug(answer) == "custom-auth-session-over"
