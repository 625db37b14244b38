"""The reference of the format: its examples are good, and it names everything that the models know."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from conjunct.connectors import load_definition, object_support
from conjunct.connectors.auth_definition import (
    ApiKeyAuth,
    Assertion,
    AuthModel,
    AwsSignature,
    BasicAuth,
    Choice,
    CustomAuth,
    CustomInput,
    FromToken,
    OAuth2,
    RedirectStep,
    RequestStep,
    Revocation,
    TokenExchange,
    TokenFact,
    TokenHeader,
    Unpacked,
)
from conjunct.connectors.definition import (
    AppInput,
    DefinitionDocument,
    Derivation,
    ErrorRule,
    ErrorRules,
    Input,
    LookUp,
    Media,
    ObjectDefinition,
    RateLimit,
    Usage,
)
from conjunct.connectors.definition_base import Model, Request
from conjunct.connectors.event_definition import (
    REGISTRATION_VARIABLES,
    SIGNED_VARIABLES,
    Challenge,
    Changed,
    EventRule,
    Events,
    Happened,
    Hmac,
    Place,
    Registration,
    Timestamp,
    Token,
    Verification,
)
from conjunct.connectors.field_definition import (
    FIELD_VARIABLES,
    OPTION_VARIABLES,
    FindFields,
    Prerequisite,
    UpsertFields,
)
from conjunct.connectors.formats import PIPES
from conjunct.connectors.plans import QUERY_VARIABLES
from conjunct.connectors.read_definition import (
    Association,
    AssociationRequest,
    ByIds,
    ClientFilter,
    Count,
    CustomFields,
    EmptyIf,
    FieldDefinitions,
    Hydrate,
    InRecord,
    PageRule,
    Parent,
    ReadRule,
    Restart,
    Variant,
    Where,
)
from conjunct.connectors.schema_definition import Options, OptionsRequest, RequiredFields, SchemaRule
from conjunct.connectors.search_definition import SEARCH_VARIABLES, SearchRule
from conjunct.connectors.write_definition import (
    BATCH_VARIABLES,
    ENTRY_VARIABLES,
    WRITE_VARIABLES,
    Batch,
    BatchOperation,
    BatchResults,
    Before,
    FailedRecords,
    Nest,
    WriteOperation,
    WriteRule,
)

TEXT = (Path(__file__).parents[2] / "docs/reference/provider-definition.md").read_text()
EXAMPLES = re.findall(r"```yaml\n(spec:.*?)```", TEXT, re.DOTALL)
MODELS: tuple[type[Model], ...] = (
    Association,
    AssociationRequest,
    ByIds,
    CustomFields,
    FieldDefinitions,
    Hydrate,
    InRecord,
    Options,
    OptionsRequest,
    Parent,
    RequiredFields,
    Restart,
    ClientFilter,
    Count,
    DefinitionDocument,
    Derivation,
    EmptyIf,
    ErrorRule,
    ErrorRules,
    FindFields,
    Input,
    LookUp,
    AppInput,
    Media,
    ObjectDefinition,
    PageRule,
    Prerequisite,
    RateLimit,
    Usage,
    ReadRule,
    Request,
    SchemaRule,
    SearchRule,
    UpsertFields,
    Variant,
    Where,
    *(Challenge, Changed, EventRule, Events, Happened, Hmac, Place, Registration, Timestamp, Token, Verification),
    *(Batch, BatchOperation, BatchResults, Before, FailedRecords, Nest, WriteOperation, WriteRule),
)

AUTH_MODELS: tuple[type[AuthModel], ...] = (
    ApiKeyAuth,
    Assertion,
    AwsSignature,
    BasicAuth,
    Choice,
    CustomAuth,
    CustomInput,
    FromToken,
    OAuth2,
    RedirectStep,
    RequestStep,
    Revocation,
    TokenExchange,
    TokenFact,
    TokenHeader,
    Unpacked,
)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda text: text.split("name: ")[1].split()[0])
def test_an_example_is_a_good_definition(example: str):
    assert load_definition(example).object_names or load_definition(example).objects


def test_the_first_example_supports_what_the_text_says():
    loaded = load_definition(EXAMPLES[0])
    assert object_support(loaded, "contacts").incremental
    assert not object_support(loaded, "tags").incremental


@pytest.mark.parametrize("model", [*MODELS, *AUTH_MODELS], ids=lambda model: model.__name__)
def test_every_key_is_in_the_reference(model: type[Model | AuthModel]):
    keys = {field.alias or name for name, field in model.model_fields.items()}
    assert not [key for key in keys if f"`{key}`" not in TEXT and f"{key}:" not in TEXT]


def test_every_pipe_and_variable_is_in_the_reference():
    variables = {*QUERY_VARIABLES, *SEARCH_VARIABLES, *FIELD_VARIABLES, *OPTION_VARIABLES}
    variables |= WRITE_VARIABLES | BATCH_VARIABLES | ENTRY_VARIABLES | REGISTRATION_VARIABLES
    assert not [name for name in (*PIPES, *variables) if f"`{name}`" not in TEXT]
    assert not [name for name in SIGNED_VARIABLES if f"`{{{name}}}`" not in TEXT]
