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
