"""Whatever comes in, to any operation: it is refused as a problem with a 4xx, and nothing is changed.

The tests run over all operations of `tests.api.access`; `test_access_matrix` fails where a route has no row there.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.api.access import ACCESS, NEW_CONNECTION, NEW_DESTINATION, SOURCE, good_path, parameters_of
from tests.api.faults import REFUSED, Faults
from tests.api.world import World

BODIES = [(method, path) for (method, path), operation in ACCESS.items() if operation.takes_body]
KEYED = [key for key, operation in ACCESS.items() if operation.access not in ("open", "signed")]
OTHER_IDS = ("nosuch", "01a1fc1f-2015-76ce-8725-1ce13ba17028", "' OR 1=1 --", "../", "\N{SNOWMAN}", "-1")
JSON = {"Content-Type": "application/json"}


def leaves(value: Any, at: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """The place of every value in a JSON document."""
    if at:
        yield at
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in children:
        yield from leaves(child, (*at, key))


def is_entry(path: str, place: tuple[str | int, ...]) -> bool:
    """Whether the place is within an entry of an import, which is taken or refused for itself."""
    return path.endswith("connections:import") and place[0] == "connections" and len(place) > 2


def value_at(document: Any, place: tuple[str | int, ...]) -> Any:
    for key in place:
        document = document[key]
    return document


def with_value(document: Any, place: tuple[str | int, ...], value: Any) -> Any:
    """A copy of the document with another value at the place."""
    changed = copy.deepcopy(document)
    value_at(changed, place[:-1])[place[-1]] = value
    return changed


async def test_unknown_names_and_ids_are_not_found(world: World) -> None:
    async with Faults(world) as faults:
        for method, path in KEYED:
            body = ACCESS[method, path].request
            for parameter in parameters_of(path):
                for other in OTHER_IDS:
                    where = good_path(world, path, **{parameter: quote(other, safe="")})
                    await faults.expect(REFUSED, method, where, **body)


async def test_signed_links_open_nothing_without_their_signature(world: World) -> None:
    async with Faults(world) as faults:
        for (method, path), operation in ACCESS.items():
            if operation.access == "signed":
                for query in ("", "?expires=1&signature=00", f"?expires={2**40}&signature={'0' * 64}", "?expires=x"):
                    await faults.expect(REFUSED, method, good_path(world, path) + query, content=b"x")


BROKEN = [
    b"{",
    b'{"a": }',
    b"nonsense",
    b"{'a': 1}",
    b"\xff\xfe{}",
    b'{"a": "\xc3\x28"}',
    b"[1,]",
    b"NaN",
    b'"\\ud800"',
]


async def test_broken_json_is_refused(world: World) -> None:
    async with Faults(world) as faults:
        for method, path in BODIES:
            for body in BROKEN:
                await faults.expect({400}, method, good_path(world, path), content=body, headers=JSON)


async def test_a_missing_or_empty_body_is_refused(world: World) -> None:
    async with Faults(world) as faults:
        for method, path in BODIES:
            if path.endswith((":pause", ":unpause", ":disable", ":recover")):
                continue  # without a body they mean all objects, no note, all messages
            for body in (b"", b" ", b"null", b"{}"):
                await faults.expect(REFUSED, method, good_path(world, path), content=body, headers=JSON)


async def test_a_body_that_is_no_object_is_refused(world: World) -> None:
    async with Faults(world) as faults:
        for method, path in BODIES:
            bodies: tuple[Any, ...] = (5, "text", True, [], [[]], [{}], 1.5)
            for body in bodies:
                await faults.expect(REFUSED, method, good_path(world, path), json=body)


async def test_values_of_wrong_types_are_refused(world: World) -> None:
    async with Faults(world) as faults:
        for method, path in BODIES:
            good = ACCESS[method, path].body
            for place in leaves(good):
                if is_entry(path, place):
                    continue
                wrong: list[Any] = [{"unexpected": [1]}, [[["unexpected"]]]]
                if isinstance(value_at(good, place), dict | list):
                    wrong = [5, "unexpected", True]
                for value in wrong:
                    await faults.expect(REFUSED, method, good_path(world, path), json=with_value(good, place, value))


async def test_nul_is_refused_wherever_it_stands(world: World) -> None:
    async with Faults(world) as faults:
        for (method, path), operation in ACCESS.items():
            if operation.access == "open":
                continue
            body = operation.request
            for parameter in parameters_of(path):
                await faults.expect(REFUSED, method, good_path(world, path, **{parameter: "a%00b"}), **body)
            for parameter in operation.query:
                where = good_path(world, path)
                where += f"{'&' if '?' in where else '?'}{parameter}=a%00b"
                await faults.expect({400}, method, where, **body)
            for place in leaves(operation.body or {}):
                if isinstance(value_at(operation.body, place), str):
                    broken = with_value(operation.body, place, "a\x00b")
                    await faults.expect({400}, method, good_path(world, path), json=broken)


async def test_very_long_texts_are_refused(world: World) -> None:
    long = "x" * 20_000
    async with Faults(world) as faults:
        for method, path in KEYED:
            operation = ACCESS[method, path]
            body = operation.request
            for parameter in parameters_of(path):
                await faults.expect(REFUSED, method, good_path(world, path, **{parameter: long}), **body)
            for place in leaves(operation.body or {}):
                if is_entry(path, place):
                    continue
                if isinstance(value_at(operation.body, place), str) and place[-1] not in ("token", "sourceYaml"):
                    changed = with_value(operation.body, place, long)
                    await faults.expect(REFUSED, method, good_path(world, path), json=changed)


async def test_deep_nesting_is_refused(world: World) -> None:
    async with Faults(world) as faults:
        for method, path in BODIES:
            for body in ('{"a": ' * 5_000 + "1" + "}" * 5_000, "[" * 70 + "]" * 70, "[" * 500_000):
                await faults.expect({400}, method, good_path(world, path), content=body.encode(), headers=JSON)


async def test_deep_nesting_where_anything_may_stand_is_refused(world: World) -> None:
    nested: Any = 1
    for _ in range(200):
        nested = {"a": nested}
    async with Faults(world) as faults:
        for method, path in BODIES:
            good = ACCESS[method, path].body
            for place in leaves(good):
                await faults.expect(REFUSED, method, good_path(world, path), json=with_value(good, place, nested))


async def test_a_body_of_ten_megabytes_is_refused(world: World) -> None:
    large = json.dumps({"a": "x" * 10 * 1024 * 1024}).encode()
    async with Faults(world) as faults:
        for method, path in BODIES:
            await faults.expect({413}, method, good_path(world, path), content=large, headers=JSON)


async def test_a_body_that_is_not_declared_as_json_is_refused(world: World) -> None:
    async with Faults(world) as faults:
        for method, path in BODIES:
            content = json.dumps(ACCESS[method, path].body).encode()
            for media_type in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "json"):
                headers = {"Content-Type": media_type}
                await faults.expect({400}, method, good_path(world, path), content=content, headers=headers)


async def test_methods_and_paths_that_are_not_there(world: World) -> None:
    async with Faults(world) as faults:
        for _, path in ACCESS:
            await faults.expect({405}, "TRACE", good_path(world, path))
            where = good_path(world, path).partition("?")[0]
            for more in ("/", "/and/more/than/there/is"):
                await faults.expect({404}, "GET", where + more)


FORBIDDEN_URLS = [
    "http://127.0.0.1:99999/hook",
    "https://10.0.0.1/hook",
    "https://192.168.1.1/hook",
    "https://169.254.169.254/latest/meta-data",
    "https://[::1]/hook",
    "https://[::ffff:10.0.0.1]/hook",
    "https://0x0a000001/hook",
    "https://167772161/hook",
    "https://100.64.0.1/hook",
    "https://user:password@example.com/hook",
    "ftp://example.com/hook",
    "file:///etc/passwd",
    "not a url",
    "",
]


async def test_a_destination_within_our_own_networks_is_refused(world: World) -> None:
    path = "/v1/projects/default/destinations"
    async with Faults(world) as faults:
        for url in FORBIDDEN_URLS:
            await faults.expect(REFUSED, "POST", path, json={**NEW_DESTINATION, "metadata": {"url": url}})
            change = {"updateMask": ["metadata.url"], "destination": {"metadata": {"url": url}}}
            await faults.expect(REFUSED, "PATCH", path + "/people-webhook", json=change)


EIGHT = ",".join("x" * 8)
UNUSABLE_MANIFESTS = [
    "",
    "a: [",
    "\t- x",
    "specVersion: 1.0.0\nintegrations: [*nobody]",
    "a: &a [*a]",
    f"a: &a [{EIGHT}]\nb: &b [{EIGHT.replace('x', '*a')}]\nc: &c [{EIGHT.replace('x', '*b')}]\nd: [*c,*c,*c,*c]",
    "!!python/object/apply:os.system ['true']",
    "specVersion: 1.0.0",
    "specVersion: 9.9.9\nintegrations: []",
    "- just\n- a list",
    "integrations:\n  - {name: x, provider: hubspot, read: {objects: [{objectName: a, schedule: '* * * * *'}]}}",
    "specVersion: 1.0.0\nspecVersion: 1.0.0\nintegrations: []",
    "%YAML 9.9\n---\nx",
    "a: \x01",
    "x" * 900_000,
    "- " * 10_000,
]


async def test_a_manifest_that_cannot_be_used_is_refused(world: World) -> None:
    path = "/v1/projects/default/integrations"
    async with Faults(world) as faults:
        for source in UNUSABLE_MANIFESTS:
            await faults.expect(REFUSED, "PUT", path + ":batch", json={"sourceYaml": source})
            await faults.expect(REFUSED, "POST", path + "/crm/revisions", json={"sourceYaml": source})


async def test_unknown_providers_and_fields_are_refused(world: World) -> None:
    manifest = str(SOURCE["sourceYaml"])
    unknown_provider = manifest.replace("provider: hubspot", "provider: nosuch")
    unknown_field = manifest.replace("mapToName: people", "mapToNmae: people")
    async with Faults(world) as faults:
        for source in (unknown_provider, unknown_field):
            assert source != manifest
            await faults.expect({422}, "PUT", "/v1/projects/default/integrations:batch", json={"sourceYaml": source})
        await faults.expect(
            REFUSED,
            "POST",
            "/v1/projects/default/connections:generate",
            json={**NEW_CONNECTION, "provider": "nosuch"},
        )
        await faults.expect(
            REFUSED, "POST", "/v1/projects/default/destinations", json={**NEW_DESTINATION, "type": "nosuch"}
        )
        content = {"read": {"objects": {"nosuch": {"objectName": "nosuch", "selectedFields": {"email": True}}}}}
        mask = ["config.content.read.objects.nosuch"]
        await faults.expect(
            REFUSED,
            "PATCH",
            good_path(world, "/v1/projects/default/integrations/crm/installations/{installationId}"),
            json={
                "updateMask": mask,
                "installation": {"config": {"content": content}},
            },
        )


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=8,
)


async def test_whatever_stands_in_a_body_is_answered_without_a_fault_of_ours(world: World) -> None:
    """Anything at any place of any body: accepted or refused, but never a 5xx. Bounded, and the same at every run."""
    loop_calls: list[tuple[str, str, Any]] = []
    places = [(method, path, place) for method, path in BODIES for place in leaves(ACCESS[method, path].body)]

    @settings(max_examples=400, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
    @given(st.sampled_from(places), ANYTHING)
    def collect(where: tuple[str, str, tuple[str | int, ...]], value: Any) -> None:
        method, path, place = where
        loop_calls.append((method, path, with_value(ACCESS[method, path].body, place, value)))

    collect()
    faults = []
    for method, path, body in loop_calls:
        content = json.dumps(body).encode()
        answer = await world.client.request(method, good_path(world, path), content=content, headers=JSON)
        if answer.status_code >= 500:
            faults.append(f"{method} {path} {content[:300]!r}: {answer.status_code} {answer.text[:300]}")
    assert len(loop_calls) >= 300
    assert not faults, "\n".join(faults)
