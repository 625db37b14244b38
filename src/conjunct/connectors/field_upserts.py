"""Making the fields of an object what they should be: found, then created or changed where they differ."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, Literal

from conjunct.connectors.errors import Conflict, MalformedAnswer, ResourceNotFound
from conjunct.connectors.exchange import Exchange
from conjunct.connectors.field_plans import SELECTS, DraftFault, FieldDraft, FieldPlan
from conjunct.connectors.paths import parse_path
from conjunct.connectors.plans import RequestPlan
from conjunct.connectors.quirks import Quirks
from conjunct.connectors.templates import UNSET

Action = Literal["create", "update", "none"]


@dataclass(frozen=True, slots=True)
class FieldResult:
    """What became of a draft: the field's name at the provider, and the field as the provider tells it.

    `left_out` are the facts that the provider cannot keep, or not for a field that is there.
    """

    name: str
    action: Action
    metadata: dict[str, Any]
    left_out: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


class ObjectFields:
    """The fields of one object as the provider has them, for one customer, and what is done to them.

    `load` comes first. Everything raises `ProviderError` by its classes.
    """

    def __init__(self, plan: FieldPlan, object_name: str, exchange: Exchange, quirks: Quirks | None = None) -> None:
        self._plan = plan
        self._object = object_name
        self._exchange = exchange
        self._quirks = quirks
        self._found: dict[str, dict[str, Any]] = {}
        self._is_prepared = plan.group is None

    async def load(self, drafts: Sequence[FieldDraft]) -> None:
        """Find the fields that are there already."""
        self._found = {}
        await self._find([self._shaped(draft) for draft in drafts])

    async def _find(self, drafts: Sequence[FieldDraft]) -> None:
        if not self._plan.finds_each:
            self._keep(await self._asked(self._plan.find, self._variables(FieldDraft("", "", ""))))
            return
        for draft in drafts:
            try:
                answer = await self._asked(self._plan.find, self._variables(draft))
            except ResourceNotFound:
                continue
            self._keep([parse_path(self._plan.rule.find.fields_at).find(answer)], draft)

    def faults(self, drafts: Sequence[FieldDraft]) -> Iterator[DraftFault]:
        """Everything against the drafts that can be told without asking the provider."""
        return self._plan.faults(drafts)

    def refused(self, drafts: Sequence[FieldDraft]) -> Iterator[DraftFault]:
        """The drafts that would change a field which nobody can change."""
        for index, draft in enumerate(map(self._shaped, drafts)):
            found = self._found_for(draft)
            if found is not None and self._is_fixed(found) and not self._is_as_wanted(self._plan.update, draft, found):
                yield DraftFault(index, "name", "this field is the provider's own; it cannot be changed")

    async def upsert(self, draft: FieldDraft) -> FieldResult:
        """Create the field, or change it where it is not as it should be."""
        draft = self._shaped(draft)
        result = await self._upserted(draft)
        if self._quirks is None:
            return result
        warnings = await self._quirks.after_field(self._object, result.name, draft)
        return replace(result, warnings=(*result.warnings, *warnings))

    async def _upserted(self, draft: FieldDraft) -> FieldResult:
        found = self._found_for(draft)
        if found is None:
            try:
                return await self._create(draft)
            except Conflict:
                # Somebody was faster; or what is in the way is not a field, and then the refusal stands.
                await self._find([draft])
                found = self._found_for(draft)
                if found is None:
                    raise
        if self._is_as_wanted(self._plan.update, draft, found):
            return self._result("none", draft, found, found)
        return self._result("update", draft, found, await self._sent(self._plan.update, draft, found))

    async def _create(self, draft: FieldDraft) -> FieldResult:
        await self._prepare(draft)
        return self._result("create", draft, None, await self._sent(self._plan.create, draft))

    async def _prepare(self, draft: FieldDraft) -> None:
        if self._is_prepared or self._plan.group is None:
            return
        find, create = self._plan.group
        variables = self._variables(draft)
        try:
            await self._asked(find, variables)
        except ResourceNotFound:
            with suppress(Conflict):  # it was made meanwhile
                await self._asked(create, variables)
        self._is_prepared = True

    async def _sent(
        self, request: RequestPlan, draft: FieldDraft, found: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        taken = {name: parse_path(at).find(found) for name, at in self._plan.rule.find.take.items()}
        answer = parse_path(self._plan.rule.at).find(await self._asked(request, self._variables(draft) | taken))
        if self._plan.rule.find_again:
            await self._find([draft])
            return self._found_for(draft) or {}
        told = answer if isinstance(answer, dict) else {}
        self._found[self._plan.spelled(draft.name).casefold()] = told
        return told

    async def _asked(self, request: RequestPlan, variables: Mapping[str, Any]) -> Any:
        return (await self._exchange.send(request.build(variables, self._exchange.address))).body

    def _keep(self, answer: Any, asked_for: FieldDraft | None = None) -> None:
        find = self._plan.rule.find
        fields = answer if asked_for is not None else parse_path(find.fields_at).find(answer)
        if not isinstance(fields, list):
            raise MalformedAnswer(f"there is no list of fields at '{find.fields_at}'")
        for each in fields:
            name = parse_path(find.name).find(each)
            if not find.name and asked_for is not None:
                name = self._plan.spelled(asked_for.name)
            if isinstance(each, dict) and isinstance(name, str):
                self._found[name.casefold()] = each

    def _found_for(self, draft: FieldDraft) -> dict[str, Any] | None:
        return self._found.get(self._plan.spelled(draft.name).casefold())

    def _is_fixed(self, found: dict[str, Any]) -> bool:
        path = self._plan.rule.fixed_at
        return path is not None and parse_path(path).find(found) is True

    def _is_as_wanted(self, request: RequestPlan, draft: FieldDraft, found: dict[str, Any]) -> bool:
        wanted = request.body.render(self._variables(draft)) if request.body is not None else UNSET
        return wanted is UNSET or is_within(wanted, found)

    def _shaped(self, draft: FieldDraft) -> FieldDraft:
        return draft if self._quirks is None else self._quirks.field(draft)

    def _variables(self, draft: FieldDraft) -> dict[str, Any]:
        return self._plan.variables(draft, self._exchange.inputs, self._object)

    def _result(
        self, action: Action, draft: FieldDraft, before: dict[str, Any] | None, after: dict[str, Any]
    ) -> FieldResult:
        create, update = self._plan.create, self._plan.update
        known = create.names if action == "create" or self._is_as_wanted(create, draft, after) else update.names
        if draft.value_type not in SELECTS:
            known -= {"options"}
        elif "chosen" in known:
            known |= {"default"}
        left_out = tuple(name for name in draft.facts if name not in known)
        name = parse_path(self._plan.rule.find.name).find(after)
        spelled = name if isinstance(name, str) else self._plan.spelled(draft.name)
        return FieldResult(spelled, action, after, left_out, tuple(self._warnings(draft, spelled, before, after)))

    def _warnings(
        self, draft: FieldDraft, spelled: str, before: dict[str, Any] | None, after: dict[str, Any]
    ) -> Iterator[str]:
        if spelled != draft.name:
            yield f"The provider's name for it is '{spelled}'."
        path = self._plan.changes_type_at
        if path is not None and before is not None:
            was, now = parse_path(path).find(before), parse_path(path).find(after)
            if was != now:
                yield f"Its type at the provider was '{was}' and is now '{now}'."


def is_within(wanted: Any, found: Any) -> bool:
    """Whether everything wanted is found: in mappings each key, in lists each item in its place and no further one."""
    if isinstance(wanted, dict):
        return isinstance(found, dict) and all(key in found and is_within(wanted[key], found[key]) for key in wanted)
    if isinstance(wanted, list):
        return (
            isinstance(found, list)
            and len(wanted) == len(found)
            and all(is_within(one, other) for one, other in zip(wanted, found, strict=True))
        )
    return bool(wanted == found)
