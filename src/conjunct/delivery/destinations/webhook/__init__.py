"""Webhooks: each message is an HTTP POST, signed as Svix and Standard Webhooks do."""

from conjunct.delivery.destinations.webhook.type import TYPE

__all__ = ["TYPE"]
