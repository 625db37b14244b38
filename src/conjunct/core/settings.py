"""Settings: typed, from the environment and a file, checked once at the start.

Every field is an environment variable `CONJUNCT_<NAME>`; `DATABASE_URL` has no prefix, as everywhere. A file of
`NAME=value` lines named by `CONJUNCT_SETTINGS_FILE` (or `.env` beside the process) gives what the
environment does not.
"""

from __future__ import annotations

import os
import re
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import AliasChoices, Field, HttpUrl, SecretStr, TypeAdapter, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from conjunct.core.master_keys import MasterKeys

DEFAULT_DATA_DIR = Path(".conjunct")

# Scheme, perhaps user and password, a host (none where the query names a socket's folder) and perhaps a port.
_DATABASE_URL = re.compile(
    r"postgres(ql)?(\+asyncpg)?://(\S*@)?(\[[\da-fA-F:.]+\]|[^\s@:/?\[\]]*)(:\d+)?([/?][^\s@]*)?"
)

_ORIGIN = re.compile(r"[a-zA-Z][a-zA-Z\d+.-]*://(\[[\da-fA-F:.]+\]|[^\s/:?#@\[\]]+)(:\d+)?")


class SettingsError(Exception):
    """A setting is missing or bad; the message names it."""


class Settings(BaseSettings):
    """Everything that an operator can set. See `docs/reference/settings.md`."""

    model_config = SettingsConfigDict(
        env_prefix="CONJUNCT_", extra="ignore", frozen=True, hide_input_in_errors=True, populate_by_name=True
    )

    database_url: SecretStr | None = Field(
        None,
        validation_alias=AliasChoices("DATABASE_URL", "CONJUNCT_DATABASE_URL", "database_url"),
        description="PostgreSQL 15 or newer, as `postgresql://user:password@host:port/name`. Without it, "
        "`conjunct up` starts its own.",
    )
    database_pool_size: int = Field(10, ge=2, le=200, description="Connections that each process keeps at most.")
    data_dir: Path = Field(
        DEFAULT_DATA_DIR,
        description="Folder for the embedded database, the master key, uploads and large payloads.",
    )
    master_key: SecretStr | None = Field(
        None,
        description="Master key as lines `<id>:<base64 of 32 bytes>`; the last one encrypts. Without it, "
        "`<data-dir>/master.key` is made at the first start.",
    )
    host: str = Field("127.0.0.1", description="Address that the API listens on.")
    port: int = Field(8080, ge=0, le=65535, description="Port that the API listens on; 0 takes a free one.")
    public_url: HttpUrl | None = Field(
        None,
        description="Origin under which clients reach the API; stands in upload, download and callback URLs.",
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="Least severe level logged.")
    log_format: Literal["auto", "json", "console"] = Field(
        "auto", description="`json` lines, `console` for people, or by whether a terminal is attached."
    )
    max_body_bytes: int = Field(
        5 * 1024 * 1024,
        ge=1024,
        description="Largest body of an API request, in bytes; larger ones are refused.",
    )
    allowed_networks: Annotated[tuple[IPv4Network | IPv6Network, ...], NoDecode] = Field(
        (),
        description="Private networks that destinations and providers may be in, comma-separated, such as "
        "`127.0.0.0/8,10.0.0.0/8`. All private, loopback and link-local addresses are refused otherwise.",
    )
    cors_origins: Annotated[tuple[str, ...], NoDecode] = Field(
        ("*",),
        description="Origins whose web pages may use the API, comma-separated, such as `https://app.example.com`; "
        "`*` is any, an empty value none.",
    )
    provider_overrides: Path | None = Field(
        None,
        description="YAML file that maps provider names to other base URLs, such as `hubspot: http://127.0.0.1:8081`; "
        "the name `*` is for all others.",
    )
    providers_dir: Path | None = Field(
        None,
        description="Folder of your own providers, each in a folder `<name>` with a `provider.yaml`; one of the same "
        "name as a built-in provider stands in for it.",
    )
    minimum_schedule_seconds: int = Field(
        600,
        ge=1,
        description="Shortest time between two scheduled reads of an object that an installation may ask for.",
    )
    worker_slots: int = Field(50, ge=1, le=1000, description="Jobs that one worker runs at once.")
    project_slots: int = Field(20, ge=1, description="Jobs of one project that run at once over all workers.")
    lease_seconds: float = Field(
        30, gt=0, description="After this long without a sign of life, a worker's jobs are taken over."
    )
    drain_seconds: float = Field(20, ge=0, description="Time that running jobs get to end after SIGTERM.")
    delivery_timeout_seconds: float = Field(30, gt=0, le=300, description="Time that a destination gets to answer.")
    project_messages_per_second: int = Field(
        1000,
        ge=0,
        description="Messages of one project that go out in a second at most, to all of its destinations and from all "
        "workers together; 0 is no limit. A destination can have a limit of its own below it.",
    )
    spool_limit_bytes: int = Field(
        1024**3,
        ge=1024**2,
        description="Undelivered messages kept for one destination, or held pages of one object; then reads wait.",
    )
    pending_writes_limit_bytes: int = Field(
        256 * 1024**2,
        ge=1024**2,
        description="Asynchronous writes of one project that wait to be done; then further ones are refused.",
    )

    operation_retention_days: int = Field(
        30,
        ge=1,
        description="Days that operations and their logs are kept. An installation's newest operation and its "
        "backfills stay as long as it does.",
    )
    attempt_retention_days: int = Field(
        30, ge=1, description="Days that attempts to deliver a message are told; older ones are removed."
    )
    audit_retention_days: int = Field(
        400, ge=1, description="Days that the audit log tells who changed what; older entries are removed."
    )

    metrics_token: SecretStr | None = Field(
        None,
        min_length=16,
        description="Bearer token for `/metrics` on the API's own port, at least 16 characters; without it, there is "
        "none there.",
    )
    metrics_port: int | None = Field(
        None,
        ge=0,
        le=65534,
        description="Port of its own on which each API and worker tells `/metrics`, `/livez` and `/readyz`, without a "
        "token; 0 takes a free one. Of `conjunct up` the API has it, the worker the next.",
    )
    metrics_host: str = Field("127.0.0.1", description="Address that the metrics' port listens on.")

    @field_validator("database_url")
    @classmethod
    def _check_address(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not _DATABASE_URL.fullmatch(value.get_secret_value()):
            raise ValueError("it must look like postgresql://user:password@host:5432/name")
        return value

    @field_validator("providers_dir")
    @classmethod
    def _check_folder(cls, value: Path | None) -> Path | None:
        if value is not None and not value.is_dir():
            raise ValueError(f"there is no folder {value}")
        return value

    @field_validator("cors_origins")
    @classmethod
    def _check_origins(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not all(each == "*" or _ORIGIN.fullmatch(each) for each in value):
            raise ValueError("each must look like https://app.example.com, without a path")
        return tuple(each.lower() for each in value)

    @field_validator("allowed_networks", "cors_origins", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value

    def environment(self) -> dict[str, str]:
        """These settings as environment variables, for a child process."""
        variables = {}
        for name in self.model_fields_set:
            value = getattr(self, name)
            if isinstance(value, SecretStr):
                value = value.get_secret_value()
            elif isinstance(value, tuple):
                value = ",".join(map(str, value))
            if value is not None:
                variables[_variable(name)] = str(value)
        return variables

    @property
    def master_key_file(self) -> Path:
        """Where the master keys are, unless the setting has them."""
        return self.data_dir / "master.key"

    def load_master_keys(self) -> MasterKeys:
        """The master keys, from the setting or from the data folder's file, which is made where there is none."""
        if self.master_key is not None:
            try:
                return MasterKeys.from_text(self.master_key.get_secret_value())
            except ValueError as error:
                raise SettingsError(f"CONJUNCT_MASTER_KEY: {error}") from None
        self.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = self.master_key_file
        try:
            return MasterKeys.from_file(path)
        except (OSError, ValueError) as error:
            raise SettingsError(f"the master key in {path} cannot be used: {error}") from None

    def load_provider_overrides(self) -> dict[str, str]:
        """Base URLs by provider name, from the file that `provider_overrides` names."""
        if self.provider_overrides is None:
            return {}
        try:
            content = yaml.safe_load(self.provider_overrides.read_text()) or {}
            urls = TypeAdapter(dict[str, HttpUrl]).validate_python(content)
        except (OSError, yaml.YAMLError, ValidationError) as error:
            raise SettingsError(
                f"CONJUNCT_PROVIDER_OVERRIDES: {self.provider_overrides} is not a YAML mapping of provider names to "
                f"URLs: {error}"
            ) from None
        return {name: str(url).rstrip("/") for name, url in urls.items()}


def load_settings(**given: object) -> Settings:
    """Read the settings; `given` ones (command-line options) win over the environment, which wins over the file.

    Raises:
        SettingsError: naming every bad setting and what is wrong with it, without showing its value.
    """
    file = os.environ.get("CONJUNCT_SETTINGS_FILE")
    if file and not Path(file).is_file():
        raise SettingsError(f"CONJUNCT_SETTINGS_FILE: there is no file {file}")
    try:
        chosen: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
        return Settings(_env_file=file or ".env", **chosen)
    except ValidationError as error:
        faults = [f"{_variable(fault['loc'][0])}: {fault['msg']}" for fault in error.errors(include_input=False)]
        raise SettingsError("; ".join(faults)) from None


def traces_are_wanted() -> bool:
    """Whether OpenTelemetry's standard variables ask for traces; all else of them is its own library's to read."""
    given = os.environ.get
    endpoint = given("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") or given("OTEL_EXPORTER_OTLP_ENDPOINT")
    off = given("OTEL_SDK_DISABLED", "").lower() == "true" or given("OTEL_TRACES_EXPORTER") == "none"
    return bool(endpoint) and not off


def _variable(field: object) -> str:
    name = str(field).upper()
    return name if name == "DATABASE_URL" else f"CONJUNCT_{name}"
