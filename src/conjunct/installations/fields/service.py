"""Create and change fields at the provider. What can be told beforehand refuses all; then each succeeds by itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from conjunct.connectors import Connector, FieldDraft, ObjectFields, ProviderError, UnknownObject
from conjunct.connectors.errors import AuthInvalid, AuthRevoked
from conjunct.core.problems import Issue, Problem
from conjunct.installations.fields.drafts import draft_of, failure_of, issues_of, result_of
from conjunct.installations.fields.problems import FieldsInvalid, FieldsNotPermitted, FieldsProviderFailed
from conjunct.installations.fields.schemas import FieldDefinition, FieldUpsertResult, UpsertMetadataResult
from conjunct.installations.provider_problems import CONNECT_AGAIN, credentials_refused, what_failed


@dataclass(frozen=True, slots=True)
class Wanted:
    """Fields of an object; `name` is what the request calls the object, `native` what the provider calls it."""

    name: str
    native: str
    fields: Sequence[FieldDefinition]


@dataclass(frozen=True, slots=True)
class _Target:
    wanted: Wanted
    drafts: Sequence[FieldDraft]
    fields: ObjectFields


async def upsert_fields(connector: Connector, objects: Sequence[Wanted]) -> UpsertMetadataResult:
    """Make the fields what they should be.

    Raises:
        FieldsNotSupported: the provider's definition does not say how.
        FieldsInvalid: what can be told before anything is changed stands against some of them; an issue for each.
        FieldsNotPermitted, FieldsProviderFailed: the provider refused the first change, or did not answer.
    """
    targets = _targets(connector, objects)
    await _load(targets)
    run = _Run()
    for target in targets:
        own = run.results.setdefault(target.wanted.name, {})
        for wanted, draft in zip(target.wanted.fields, target.drafts, strict=True):
            own[wanted.field_name] = await run.make(target.fields, wanted, draft)
    return UpsertMetadataResult(success=run.succeeded, fields=run.results)


@dataclass(slots=True)
class _Run:
    """The fields made so far. Once the provider fails, or refuses the credentials, no further one is tried."""

    results: dict[str, dict[str, FieldUpsertResult]] = field(default_factory=dict)
    succeeded: bool = True
    changed: bool = False
    broken: ProviderError | None = None

    async def make(self, fields: ObjectFields, wanted: FieldDefinition, draft: FieldDraft) -> FieldUpsertResult:
        if self.broken is not None:
            return failure_of(wanted, f"It was not tried, after this: {self.broken.message}")
        try:
            result = await fields.upsert(draft)
        except ProviderError as error:
            self.succeeded = False
            if error.origin != "caller":
                if not self.changed:
                    raise _problem(error) from None
                self.broken = error
            return failure_of(wanted, error.message)
        self.changed = self.changed or result.action != "none"
        return result_of(result, wanted)


def _targets(connector: Connector, objects: Sequence[Wanted]) -> list[_Target]:
    issues: list[Issue] = []
    targets: list[_Target] = []
    names: dict[str, str] = {}
    for wanted in objects:
        at = f"fields.{wanted.name}"
        other = names.setdefault(wanted.native, wanted.name)
        if other != wanted.name:
            issues.append(Issue(at, f"this is the same object as '{other}'", value=wanted.name))
        try:
            fields = connector.fields_of(wanted.native)
        except UnknownObject as problem:
            issues.append(Issue(at, problem.detail, value=wanted.name, remedy=problem.remedy))
            continue
        target = _Target(wanted, [draft_of(each) for each in wanted.fields], fields)
        issues += issues_of(fields.faults(target.drafts), wanted.name, wanted.fields)
        targets.append(target)
    _refuse(issues)
    return targets


async def _load(targets: Sequence[_Target]) -> None:
    issues: list[Issue] = []
    for target in targets:
        wanted = target.wanted
        try:
            await target.fields.load(target.drafts)
        except ProviderError as error:
            if error.origin != "caller":
                raise _problem(error) from None
            issues.append(Issue(f"fields.{wanted.name}", error.message, value=wanted.name))
            continue
        issues += issues_of(target.fields.refused(target.drafts), wanted.name, wanted.fields)
    _refuse(issues)


def _refuse(issues: Sequence[Issue]) -> None:
    if issues:
        first = f"{issues[0].name}: {issues[0].detail}"
        raise FieldsInvalid(
            f"There are {len(issues)} fault(s) in the fields, the first at {first}. Nothing was changed.",
            issues=list(issues),
        )


def _problem(error: ProviderError) -> Problem:
    if isinstance(error, AuthInvalid | AuthRevoked):
        return FieldsNotPermitted(credentials_refused(error), remedy=CONNECT_AGAIN)
    if error.origin == "credentials":
        return FieldsNotPermitted(
            f"The provider does not let these credentials create or change fields: {error.message}",
            remedy="Let the customer connect again, as somebody who may manage fields and with the scopes for it.",
        )
    later = datetime.now(UTC) + timedelta(seconds=error.retry_after) if error.retry_after is not None else None
    return FieldsProviderFailed(
        what_failed(error),
        remedy="Try again in a moment; fields that are there already are left as they are.",
        retryable=error.retryable,
        retry_after=later,
    )
