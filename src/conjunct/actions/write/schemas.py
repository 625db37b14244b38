"""The write action's request and answers on the wire."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ModelWrapValidatorHandler,
    ValidationError,
    model_validator,
)
from pydantic.alias_generators import to_camel
from pydantic_core import InitErrorDetails, PydanticCustomError

from conjunct.actions.write.rules import faults_of

MAX_BATCH = 100
MAX_HEADERS = 50

_OURS = frozenset(
    {
        "authorization",
        "connection",
        "content-length",
        "content-type",
        "cookie",
        "host",
        "proxy-authorization",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)

Hours = Annotated[int, Field(ge=1, le=48)]
Fields = dict[Annotated[str, Field(max_length=1000)], Any]


class _Wire(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)


class _Asked(_Wire):
    """A part of a request: types are strict, and keys that are not known are passed over."""

    model_config = ConfigDict(strict=True)


class RetryPolicy(_Asked):
    """For how long an asynchronous write is tried again. Synchronous ones pass it over."""

    deadline_hours: Hours = 1


class AutoBatchPolicy(_Asked):
    """Asynchronous single writes are gathered until there are 100, or until `maxDelayMinutes` are over."""

    max_delay_minutes: Annotated[int, Field(ge=1, le=1440)]
    retry_deadline_hours: Hours = 1


class BatchPolicy(_Asked):
    """Whether a batch fails whole when one of its records fails. Single writes pass it over."""

    all_or_none: bool = False


def _not_ours(name: str) -> str:
    if name.lower() in _OURS:
        raise ValueError("is a header that only Conjunct sets")
    return name


class Header(_Asked):
    """A header that goes with the request to the provider."""

    key: Annotated[str, Field(pattern=r"^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,200}$"), AfterValidator(_not_ours)]
    value: Annotated[str, Field(pattern=r"^[\t\x20-\x7e]*$", max_length=4000)]


IdempotencyKey = Annotated[str, Field(min_length=1, max_length=1000)]


class BatchEntry(_Asked):
    """One record of a batch; `associations` are in the provider's own form.

    Providers that honour such a key write what has the same `idempotencyKey` once.
    """

    record: Fields
    associations: list[dict[str, Any]] | None = None
    idempotency_key: IdempotencyKey | None = None


class WriteRequest(_Asked):
    """Asks for records to be created, updated, deleted, or either created or updated, in one group's account.

    `externalIdField` is the field by whose value an upsert finds a record. `idempotencyKey` is otherwise the header
    Idempotency-Key; in a batch, each record has its own one made of it.
    """

    group_ref: Annotated[str, Field(min_length=1, max_length=1000)]
    type: Literal["create", "update", "delete", "upsert"]
    mode: Literal["synchronous", "asynchronous"] = "synchronous"
    retry_policy: RetryPolicy | None = None
    auto_batch_policy: AutoBatchPolicy | None = None
    record: Fields | None = None
    batch_policy: BatchPolicy | None = None
    batch: Annotated[list[BatchEntry], Field(min_length=1, max_length=MAX_BATCH)] | None = None
    associations: list[dict[str, Any]] | None = None
    headers: Annotated[list[Header], Field(max_length=MAX_HEADERS)] | None = None
    external_id_field: Annotated[str, Field(min_length=1, max_length=1000)] | None = None
    idempotency_key: IdempotencyKey | None = None

    @property
    def entries(self) -> list[BatchEntry]:
        """The records to write, with what goes with them; a single one as a batch of one."""
        key = self.idempotency_key
        if self.batch is None:
            return [BatchEntry(record=self.record or {}, associations=self.associations, idempotency_key=key)]
        if key is None:
            return self.batch
        return [
            entry if entry.idempotency_key is not None else entry.model_copy(update={"idempotency_key": f"{key}-{at}"})
            for at, entry in enumerate(self.batch)
        ]

    @model_validator(mode="wrap")
    @classmethod
    def _with_all_faults(cls, body: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        """The faults between keys are told together with those of single keys."""
        between = [
            _fault(fault.detail, fault.place, None) for fault in (faults_of(body) if isinstance(body, Mapping) else ())
        ]
        try:
            made = handler(body)
        except ValidationError as error:
            single = [_fault(each["msg"], each["loc"], each["input"]) for each in error.errors(include_url=False)]
            raise ValidationError.from_exception_data(cls.__name__, [*single, *between]) from None
        if between:
            raise ValidationError.from_exception_data(cls.__name__, between)
        return made


def _fault(detail: str, place: tuple[str | int, ...], value: Any) -> InitErrorDetails:
    kind = PydanticCustomError("write_request", "{detail}", {"detail": detail.removeprefix("Value error, ")})
    return InitErrorDetails(type=kind, loc=place, input=value)


class _Told(_Wire):
    def to_wire(self) -> bytes:
        """The answer's JSON."""
        return self.model_dump_json(by_alias=True, exclude_none=True).encode()


class WriteResult(_Told):
    """What became of one record."""

    success: bool
    data: dict[str, Any] | None = None
    record_id: str | None = None


class ErrorMessage(_Told):
    """What went wrong."""

    message: str


class WriteAnswer(_Told):
    """A single write that succeeded, or any write that goes on in the background."""

    operation_id: str
    result: WriteResult | None = None


class WriteFailure(_Told):
    """A single write that failed."""

    operation_id: str
    errors: list[ErrorMessage]
    result: WriteResult | None = None


class PlannedRequest(_Told):
    """A request as it would go to the provider; a body that is JSON is told as such, another as text."""

    method: str
    url: str
    headers: dict[str, str]
    body: Any = None


class DryRun(_Told):
    """What a write would send. Nothing was written, and there is no operation."""

    dry_run: Literal[True] = True
    requests: list[PlannedRequest]


class BatchAnswer(_Told):
    """What became of a batch."""

    operation_id: str
    success_count: int
    failure_count: int
    results: list[WriteResult] | None = None
    errors: list[ErrorMessage] | None = None
