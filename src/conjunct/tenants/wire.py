"""Groups and consumers as the API shows them, made by Postgres."""

from __future__ import annotations

from conjunct.core.database import rfc3339


def group_json(alias: str) -> str:
    """SQL for a group as the specification's `Group`, given the alias of `customer_group` in the statement."""
    return f"""json_build_object(
        'groupRef', {alias}.group_ref, 'groupName', {alias}.group_name, 'projectId', {alias}.project_id,
        'createTime', {rfc3339(f"{alias}.create_time")},
        'updateTime', {rfc3339(f"coalesce({alias}.update_time, {alias}.create_time)")})"""


def consumer_json(alias: str) -> str:
    """SQL for a consumer as the specification's `Consumer`, given the alias of `consumer` in the statement."""
    return f"""json_build_object(
        'consumerRef', {alias}.consumer_ref, 'consumerName', {alias}.consumer_name, 'projectId', {alias}.project_id,
        'createTime', {rfc3339(f"{alias}.create_time")},
        'updateTime', {rfc3339(f"coalesce({alias}.update_time, {alias}.create_time)")})"""


def org_json(alias: str) -> str:
    """SQL for an org as the specification's `Org`, given the alias of `org` in the statement."""
    return f"""json_build_object(
        'id', {alias}.id, 'label', {alias}.label, 'defaultTeamId', {alias}.default_team_id,
        'createTime', {rfc3339(f"{alias}.create_time")},
        'updateTime', {rfc3339(f"coalesce({alias}.update_time, {alias}.create_time)")})"""


def builder_json(alias: str) -> str:
    """SQL for a builder as the specification's `Builder`, given the alias of `builder` in the statement."""
    return f"""json_strip_nulls(json_build_object(
        'id', {alias}.id, 'idpProvider', {alias}.idp_provider, 'idpRef', {alias}.idp_ref,
        'firstName', {alias}.first_name, 'lastName', {alias}.last_name,
        'fullName', nullif(concat_ws(' ', {alias}.first_name, {alias}.last_name), ''),
        'primaryEmail', {alias}.email, 'createTime', {rfc3339(f"{alias}.create_time")}))"""


def project_json(alias: str, *members: str) -> str:
    """SQL for a project as the specification's `Project`, given the alias of `project` in the statement.

    `members` are further ones, each as SQL for a name and its value.
    """
    access = f"case when cardinality({alias}.frontend_access) > 0 then to_json({alias}.frontend_access) end"
    return f"""json_strip_nulls(json_build_object(
        'id', {alias}.id, 'name', {alias}.name, 'appName', {alias}.app_name, 'orgId', {alias}.org_id,
        'frontendAccess', {access}, 'createTime', {rfc3339(f"{alias}.create_time")},
        'updateTime', {", ".join((rfc3339(f"coalesce({alias}.update_time, {alias}.create_time)"), *members))}))"""
