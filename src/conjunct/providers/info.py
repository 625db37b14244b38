"""What the public catalog says of a provider, made from its definition."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from conjunct.connectors import Definition, Support, support
from conjunct.connectors.auth_definition import (
    ApiKeyAuth,
    BasicAuth,
    CustomAuth,
    CustomInput,
    FromToken,
    OAuth2,
    TokenHeader,
)
from conjunct.connectors.definition import AppInput, Input
from conjunct.connectors.oauth.exchange import ACCESS_TOKEN
from conjunct.connectors.templates import Text, Variable, compile_text
from conjunct.providers import schemas

_GRANTS: Mapping[str, Literal["authorizationCode", "clientCredentials", "password"]] = {
    "authorization_code": "authorizationCode",
    "client_credentials": "clientCredentials",
    "password": "password",
}


def provider_info(definition: Definition) -> schemas.ProviderInfo:
    """The specification's `ProviderInfo`."""
    supported = _support(definition)
    base_url = shown_template(definition.base_url)
    return schemas.ProviderInfo(
        name=definition.name,
        display_name=definition.display,
        auth_type=definition.auth.type,
        base_url=base_url,
        default_module=definition.default_module or "",
        oauth2_opts=_oauth2(definition.auth) if isinstance(definition.auth, OAuth2) else None,
        api_key_opts=_api_key(definition.auth) if isinstance(definition.auth, ApiKeyAuth) else None,
        basic_opts=_basic(definition.auth) if isinstance(definition.auth, BasicAuth) else None,
        custom_opts=_custom(definition.auth) if isinstance(definition.auth, CustomAuth) else None,
        support=supported,
        auth_health_check=_check(definition, base_url),
        post_auth_info_needed=bool(definition.after_connect) or None,
        media=_media(definition),
        labels=definition.labels or None,
        modules={
            name: schemas.ModuleInfo(
                display_name=module.display or name,
                base_url=shown_template(module.base_url) if module.base_url is not None else base_url,
                support=supported,
            )
            for name, module in definition.modules.items()
        }
        or None,
        metadata=_metadata(definition),
        provider_app_metadata=_app_metadata(definition),
    )


def shown_template(text: str) -> str:
    """A template as the specification writes it: `https://{workspace}.example.com` with `{{.workspace}}`."""
    template = compile_text(text)
    parts = template.parts if isinstance(template, Text) else (template,)
    # What a variable is encoded with is not said: the specification's templates have no word for it.
    return "".join(
        part if isinstance(part, str) else _shown(part) if isinstance(part, Variable) else str(part.render({}))
        for part in parts
    )


def _shown(variable: Variable) -> str:
    return "{{.accessToken}}" if variable.name == ACCESS_TOKEN else "{{." + variable.name + "}}"


def _support(definition: Definition) -> schemas.Support:
    can = support(definition)
    return schemas.Support(
        proxy=can.proxy,
        read=can.read,
        write=can.write,
        batch_write=_batches(can) if can.batch else None,
        delete=can.delete,
        subscribe=False,
        search=schemas.SearchSupport(operators=schemas.SearchOperators(equals=can.search)),
    )


def _batches(can: Support) -> schemas.BatchWriteSupport:
    told = {
        type_: schemas.BatchWriteConfig(
            supported=True, default_record_limit=each.default, object_record_limits=dict(each.by_object) or None
        )
        for type_, each in can.batch.items()
    }
    return schemas.BatchWriteSupport(**told)


def _oauth2(auth: OAuth2) -> schemas.Oauth2Opts:
    return schemas.Oauth2Opts(
        grant_type="authorizationCodePKCE" if auth.pkce else _GRANTS[auth.grant],
        auth_url=shown_template(auth.authorize_url) if auth.authorize_url is not None else None,
        token_url=shown_template(auth.token_url),
        auth_url_params=_shown_each(auth.authorize_params),
        audience=auth.audience or None,
        scope_mappings=_shown_each(auth.scope_templates),
        explicit_scopes_required=auth.scopes_required,
        explicit_workspace_required=auth.workspace_required,
        token_metadata_fields=_token_fields(auth.from_token),
        access_token_opts=schemas.AccessTokenOpts(header=_header(auth.token.name, auth.token.prefix))
        if auth.token != TokenHeader()
        else None,
        docs_url=auth.docs,
    )


def _token_fields(source: FromToken) -> schemas.TokenMetadataFields:
    other = [
        schemas.OtherField(name=name, display_name=rule.label, path=rule.at, capture=rule.capture)
        for name, rule in source.facts.items()
        if rule.label is not None
    ]
    return schemas.TokenMetadataFields(
        workspace_ref_field=source.workspace,
        consumer_ref_field=source.consumer,
        scopes_field=source.scopes,
        other_fields=other or None,
    )


def _shown_each(templates: Mapping[str, str]) -> dict[str, str] | None:
    return {name: shown_template(text) for name, text in templates.items()} or None


def _api_key(auth: ApiKeyAuth) -> schemas.ApiKeyOpts:
    in_query = auth.in_ == "query"
    return schemas.ApiKeyOpts(
        attachment_type=auth.in_,
        query=schemas.QueryOpts(name=auth.name) if in_query else None,
        header=None if in_query else _header(auth.name, auth.prefix),
        docs_url=auth.docs,
    )


def _header(name: str, prefix: str) -> schemas.HeaderOpts:
    return schemas.HeaderOpts(name=name, value_prefix=prefix or None)


def _basic(auth: BasicAuth) -> schemas.BasicAuthOpts:
    if auth.key_as is None:
        return schemas.BasicAuthOpts(docs_url=auth.docs)
    parts = ("%s", auth.filler) if auth.key_as == "username" else (auth.filler, "%s")
    used = schemas.ApiKeyAsBasicOpts(field_used=auth.key_as, key_format=":".join(parts))
    return schemas.BasicAuthOpts(api_key_as_basic=True, api_key_as_basic_opts=used, docs_url=auth.docs)


def _custom(auth: CustomAuth) -> schemas.CustomAuthOpts:
    return schemas.CustomAuthOpts(
        headers=_values(auth.headers),
        query_params=_values(auth.query),
        inputs=[_custom_input(each) for each in auth.inputs] or None,
        provider_inputs=[_custom_input(each) for each in auth.app_inputs] or None,
        multi_step=bool(auth.steps) or None,
    )


def _custom_input(each: CustomInput) -> schemas.CustomAuthInput:
    options = [schemas.CustomAuthInputOption(value=choice.value, label=choice.label) for choice in each.choices]
    return schemas.CustomAuthInput(
        name=each.name,
        display_name=each.label or each.name,
        prompt=each.hint,
        docs_url=each.docs,
        field_type="fieldTypeSelect" if options else "fieldTypeText" if each.shown else "fieldTypePassword",
        options=options or None,
    )


def _values(templates: Mapping[str, str]) -> list[schemas.ValueTemplate] | None:
    shown = ((name, shown_template(text)) for name, text in templates.items())
    return [schemas.ValueTemplate(name=name, value_template=text) for name, text in shown] or None


def _check(definition: Definition, base_url: str) -> schemas.AuthHealthCheck | None:
    rule = definition.check
    if rule is None:
        return None
    path = shown_template(rule.path)
    url = path if path.startswith("https://") else f"{base_url}/{path.lstrip('/')}"
    return schemas.AuthHealthCheck(url=url, method=rule.method, success_status_codes=rule.ok)


def _media(definition: Definition) -> schemas.Media | None:
    media = definition.media
    if media is None:
        return None
    regular = schemas.MediaUrls(icon_url=media.icon, logo_url=media.logo)
    dark = schemas.MediaUrls(icon_url=media.icon_dark or media.icon, logo_url=media.logo_dark or media.logo)
    return schemas.Media(regular=regular, dark_mode=dark)


def _metadata(definition: Definition) -> schemas.ProviderMetadata | None:
    asked = [
        schemas.MetadataItemInput(
            name=each.name,
            display_name=each.label,
            prompt=each.hint,
            default_value=each.default,
            docs_url=each.docs,
            module_dependencies=_dependencies(definition, each),
        )
        for each in definition.inputs
        if each.source == "customer"
    ]
    told = [
        schemas.MetadataItemPostAuthentication(name=each.name, module_dependencies=_dependencies(definition, each))
        for each in definition.inputs
        if each.source == "provider"
    ]
    if not asked and not told:
        return None
    return schemas.ProviderMetadata(input=asked or None, post_authentication=told or None)


def _dependencies(definition: Definition, each: Input) -> dict[str, dict[str, str]] | None:
    """The modules that need it: clients ask only for what names the module in use."""
    return {name: {} for name in each.modules or definition.modules} or None


def _app_metadata(definition: Definition) -> schemas.ProviderAppMetadata | None:
    if not definition.app_inputs:
        return None
    by_place = {
        place: [_app_input(each) for each in definition.app_inputs if each.at == place] or None
        for place in ("authorize_url", "provider")
    }
    return schemas.ProviderAppMetadata(
        auth_query_params=by_place["authorize_url"], provider_params=by_place["provider"]
    )


def _app_input(each: AppInput) -> schemas.MetadataItemInput:
    return schemas.MetadataItemInput(
        name=each.name,
        display_name=each.label,
        prompt=each.hint,
        docs_url=each.docs,
        module_dependencies={name: {} for name in each.modules} or None,
    )
