"""What a page asks of a customer, made of the provider's definition: inputs, then credentials."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

from conjunct.connections import accepted_kinds, told_later, way_of
from conjunct.connectors import Definition
from conjunct.connectors.auth_definition import CustomAuth, CustomInput, OAuth2
from conjunct.connectors.definition import Input
from conjunct.connectors.templates import compile_text

WORKSPACE = "workspace"
"""The input that stands in a request by itself; often the token endpoint tells it, so that nobody is asked."""

Kind = Literal["text", "secret", "long secret", "choice"]


@dataclass(frozen=True, slots=True)
class Field:
    """One thing that is asked. `name` is its place in a request for a connection, such as `basicAuth.username`, so
    that the request is made of the fields, and a problem's issues lead back to them.
    """

    name: str
    label: str
    kind: Kind = "text"
    hint: str | None = None
    docs: str | None = None
    default: str = ""
    required: bool = True
    autocomplete: str = "off"
    choices: tuple[tuple[str, str], ...] = ()

    @property
    def is_secret(self) -> bool:
        """Whether what was typed is not shown again."""
        return self.kind in ("secret", "long secret")


def fields_of(definition: Definition) -> tuple[Field, ...]:
    """What is asked, in order. Without credentials where the customer agrees at the provider."""
    auth = definition.auth
    later = told_later(definition)
    asked = (each for each in definition.inputs if each.source == "customer" and each.name not in later)
    inputs = tuple(_input(definition, each) for each in asked)
    if way_of(auth) == "browser":
        return inputs
    # A provider may take its credentials in several forms; the first is the one that it speaks of.
    kind = "customAuth" if isinstance(auth, CustomAuth) else accepted_kinds(auth)[0]
    return (*inputs, *_credentials(definition, kind))


def _input(definition: Definition, given: Input) -> Field:
    is_workspace = given.name == WORKSPACE
    return Field(
        name="providerWorkspaceRef" if is_workspace else f"providerMetadata.{given.name}.value",
        label=given.label or _words(given.name),
        hint=given.hint,
        docs=given.docs,
        default=given.default or "",
        required=given.default is None and definition.requires(given),
    )


def _credentials(definition: Definition, kind: str) -> Iterator[Field]:
    auth, whose = definition.auth, f"for {definition.display}"
    docs = auth.docs
    match kind:
        case "apiKey":
            yield Field("apiKey", "API key", "secret", docs=docs)
        case "basicAuth":
            yield Field("basicAuth.username", f"User name {whose}", docs=docs, autocomplete="username")
            yield _password("basicAuth.password", whose)
        case "oauth2ClientCredentials":
            yield from _client("oauth2ClientCredentials", docs)
            yield from _scopes("oauth2ClientCredentials", auth)
        case "oauth2PasswordCredentials":
            at = "oauth2PasswordCredentials"
            yield Field(f"{at}.username", f"User name {whose}", docs=docs, autocomplete="username")
            yield _password(f"{at}.password", whose)
            yield from (replace(each, docs=None) for each in _client(at, docs))
            yield from _scopes(at, auth)
        case "customAuth":
            assert isinstance(auth, CustomAuth)  # noqa: S101 - no other takes such credentials
            yield from (_custom(each, several_lines=each.name in _documents(auth)) for each in auth.inputs)


def _password(name: str, whose: str) -> Field:
    return Field(name, f"Password {whose}", "secret", autocomplete="current-password")


def _client(at: str, docs: str | None) -> Iterator[Field]:
    yield Field(f"{at}.clientId", "Client ID", docs=docs)
    yield Field(f"{at}.clientSecret", "Client secret", "secret")


def _scopes(at: str, auth: object) -> Iterator[Field]:
    if isinstance(auth, OAuth2) and not auth.scopes:
        yield Field(f"{at}.scopes", "Scopes", hint="Separated by spaces.", required=auth.scopes_required)


def _custom(given: CustomInput, *, several_lines: bool) -> Field:
    kind: Kind = "choice" if given.choices else "text" if given.shown else "secret"
    return Field(
        name=f"customAuth.{given.name}",
        label=given.label or _words(given.name),
        kind="long secret" if several_lines and kind == "secret" else kind,
        hint=given.hint,
        docs=given.docs,
        required=not given.optional,
        choices=tuple((each.value, each.label) for each in given.choices),
    )


def _documents(auth: CustomAuth) -> set[str]:
    """The inputs that are documents of several lines, such as private keys: a line of text would lose their breaks."""
    keys = auth.token.assertion.key if auth.token and auth.token.assertion else ""
    return {each.from_ for each in auth.unpack.values()} | set(compile_text(keys).names)


def _words(name: str) -> str:
    """A name as a label: `accountId` is `Account id`."""
    spaced = "".join(f" {each.lower()}" if each.isupper() else each for each in name).replace("_", " ")
    return " ".join(spaced.replace("-", " ").split()).capitalize()
