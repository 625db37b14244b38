"""The steps in which a customer is connected by a custom scheme: what is next, and what came back. Pure.

A step either sends the customer's browser to the provider, or asks the provider for something. What they give are
values by name, which later steps and every request of the connection are made of.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl

from conjunct.connectors.addresses import address_of, endpoint, with_query
from conjunct.connectors.answers import Response, raise_for_error
from conjunct.connectors.auth import UnusableCredentials
from conjunct.connectors.auth_definition import CustomAuth, RedirectStep, RequestStep
from conjunct.connectors.definition import Definition
from conjunct.connectors.errors import MalformedAnswer, ProviderError
from conjunct.connectors.formats import UnusableValue
from conjunct.connectors.oauth import exchanged_values
from conjunct.connectors.oauth.parameters import rendered
from conjunct.connectors.paths import parse_path
from conjunct.connectors.plans import HttpRequest, RequestPlan, compile_request
from conjunct.connectors.redaction import redacted, texts_in
from conjunct.connectors.templates import UNSET, compile_text
from conjunct.core.problems import InvalidRequest, Issue

LONGEST_VALUE = 32_768
"""Characters of a value that a step may give."""

_STATE, _REDIRECT_URI = "state", "redirect_uri"
_LONGEST_WORDS = 300


class IncompleteCallback(InvalidRequest):
    """What the provider sent the customer back with is not all that the step needs."""

    slug = "incomplete-callback"
    title = "The provider's callback is not complete"


class StepRefused(InvalidRequest):
    """The provider, or the customer there, refuses a step."""

    slug = "custom-auth-refused"
    title = "The provider did not give access"


@dataclass(frozen=True, slots=True)
class Known:
    """What templates are made of: the account's checked inputs, the customer's and the steps' values, the app's values.

    `values` are what is kept between steps; `of_app` are the builder's and are known anew each time.
    """

    inputs: Mapping[str, str]
    values: Mapping[str, Any] = field(repr=False)
    of_app: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must never be shown."""
        return (*texts_in(dict(self.values)), *self.of_app.values())


@dataclass(frozen=True, slots=True)
class Call:
    """A request to the provider. `secrets` must not be shown, wherever an answer repeats them."""

    request: HttpRequest = field(repr=False)
    secrets: tuple[str, ...] = field(repr=False)


def state_parameter(step: RedirectStep) -> str:
    """The name under which the state goes to the provider, and comes back."""
    named = (name for name, text in _parameters(step).items() if text == "{state}")
    return next(named, _STATE)


def redirect_url(
    definition: Definition,
    step: RedirectStep,
    known: Known,
    *,
    redirect_uri: str,
    state: str,
    override: str | None = None,
) -> str:
    """Where the customer's browser goes; it always carries the state.

    Raises `InvalidInputs`, `UnusableCredentials` where what is known cannot be part of it.
    """
    variables = {**_variables(definition, known), _REDIRECT_URI: redirect_uri, _STATE: state}
    query = {**rendered(_parameters(step), variables), state_parameter(step): state}
    try:
        where = endpoint(definition, step.redirect.partition("?")[0], variables, override)
    except UnusableValue:
        raise _unusable(definition) from None
    return with_query(where, query)


def request_of(definition: Definition, step: RequestStep, known: Known, *, override: str | None = None) -> Call:
    """The request of a step. Raises `InvalidInputs`, `UnusableCredentials`, and `ForeignUrl` for a host not its own."""
    variables = _variables(definition, known)
    plan = compile_request(step.request, "rfc3339", headers=definition.headers)
    try:
        request = _built(definition, step, plan, variables, known, override)
    except UnusableValue:
        raise _unusable(definition) from None  # its words would repeat the value
    request.headers.setdefault("Accept", "application/json")
    secrets = list(known.secrets)
    if step.basic is not None:
        text = compile_text(step.basic).render(variables)
        if text is UNSET:
            raise UnusableCredentials(f"{definition.display} needs more to authenticate than is given.")
        proof = base64.b64encode(str(text).encode()).decode()
        request.headers["Authorization"] = f"Basic {proof}"
        secrets += [str(text), proof]
    return Call(request, tuple(secrets))


def read_callback(
    definition: Definition, step: RedirectStep, known: Known, params: Mapping[str, str]
) -> dict[str, str]:
    """The values in the parameters of a callback, whose state the caller has checked.

    Raises:
        StepRefused: the provider says that it is an error, or not what is required.
        IncompleteCallback: a parameter that is needed is not there, or is empty; an issue for each.
    """
    expected = {*step.take.values(), *step.require}
    if params.get("error") and "error" not in expected:
        words = params.get("error_description") or params["error"]
        raise StepRefused(
            f"{definition.display} did not give access: {redacted(words, known.secrets)[:_LONGEST_WORDS]}",
            remedy="Connect again, and agree to what the provider asks.",
        )
    missing = sorted(name for name in expected if not params.get(name))
    if missing:
        raise IncompleteCallback(
            f"{definition.display} sent the customer back without {', '.join(missing)}.",
            remedy="Pass on all parameters of the callback, as its page sends them in the message's params.",
            issues=[Issue(f"callbackParams.{name}", "it is needed and not given") for name in missing],
        )
    for name, wanted in step.require.items():
        if params[name].lower() != wanted.lower():
            told = redacted(params[name], known.secrets)
            raise StepRefused(
                f"{definition.display} did not give access: it sent {name}={told[:_LONGEST_WORDS]}.",
                remedy="Connect again, and agree to what the provider asks.",
            )
    return {name: params[parameter] for name, parameter in step.take.items()}


def read_answer(
    definition: Definition, step: RequestStep, call: Call, response: Response, now: datetime
) -> dict[str, str]:
    """The values in a provider's answer. Raises a `ProviderError` without secrets in its words."""
    try:
        body = raise_for_error(response, definition.errors, definition.rate_limit, now)
        found = {name: _text(parse_path(path).find(body)) for name, path in step.take.items()}
    except ProviderError as error:
        error.hide(call.secrets)
        raise
    for name, value in found.items():
        if value is None:
            raise MalformedAnswer(f"the provider's answer holds no '{step.take[name]}'", status=response.status)
    return {name: value for name, value in found.items() if value is not None}


def kept_values(auth: CustomAuth, values: Mapping[str, Any]) -> dict[str, Any]:
    """Those of the values that a connection needs once its steps are done."""
    return {name: value for name, value in values.items() if auth.keep is None or name in auth.keep}


def _built(
    definition: Definition,
    step: RequestStep,
    plan: RequestPlan,
    variables: Mapping[str, Any],
    known: Known,
    override: str | None,
) -> HttpRequest:
    path = step.request.path or ""
    if not path.startswith(("https://", "http://")):
        return plan.build(variables, address_of(definition, known.inputs, override))
    # An endpoint outside the API, as token endpoints are; its host stands in the definition.
    query = plan.query.render(variables)
    url = with_query(endpoint(definition, path, variables, override), {} if query is UNSET else query)
    return HttpRequest(plan.method, url, *plan.content(variables))


def _variables(definition: Definition, known: Known) -> dict[str, Any]:
    auth = definition.auth
    values = exchanged_values(auth, known.values, None) if isinstance(auth, CustomAuth) else dict(known.values)
    return {**known.inputs, **values, **known.of_app}


def _parameters(step: RedirectStep) -> dict[str, str]:
    return {**dict(parse_qsl(step.redirect.partition("?")[2], keep_blank_values=True)), **step.params}


def _text(value: Any) -> str | None:
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    text = str(value)
    return text if 0 < len(text) <= LONGEST_VALUE and text.isprintable() else None


def _unusable(definition: Definition) -> UnusableCredentials:
    return UnusableCredentials(
        f"What is given has characters that cannot stand in a request to {definition.display}.",
        remedy="Copy it again, without line breaks.",
    )
