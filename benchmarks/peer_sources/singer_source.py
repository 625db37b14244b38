"""singer-sdk: a tap with one REST stream, which writes the records to the standard output."""

from __future__ import annotations

import json
import sys
import time
from typing import Any

from singer_sdk import RESTStream, Tap
from singer_sdk import typing as th
from singer_sdk.authenticators import BearerTokenAuthenticator
from singer_sdk.pagination import JSONPathPaginator


class Contacts(RESTStream[str]):
    """The contacts."""

    name = "contacts"
    path = "/crm/v3/objects/contacts"
    primary_keys = ("id",)
    records_jsonpath = "$.results[*]"
    schema = th.PropertiesList(
        th.Property("id", th.StringType), th.Property("properties", th.ObjectType(additional_properties=True))
    ).to_dict()

    @property
    def url_base(self) -> str:
        """Where the provider is."""
        return str(self.config["url"])

    @property
    def authenticator(self) -> BearerTokenAuthenticator:
        """Proves who we are."""
        return BearerTokenAuthenticator(token="t")

    def get_new_paginator(self) -> JSONPathPaginator:
        """Pages by a cursor."""
        return JSONPathPaginator("$.paging.next.after")

    def get_url_params(self, context: Any, next_page_token: str | None) -> dict[str, Any]:  # noqa: ARG002
        """The query of a page."""
        after = {"after": next_page_token} if next_page_token else {}
        return {"limit": self.config["size"], "properties": self.config["fields"], **after}


class Bench(Tap):
    """The tap."""

    name = "tap-bench"
    config_jsonschema = th.PropertiesList(
        th.Property("url", th.StringType), th.Property("fields", th.StringType), th.Property("size", th.IntegerType)
    ).to_dict()

    def discover_streams(self) -> list[Contacts]:
        """Its one stream."""
        return [Contacts(self)]


if __name__ == "__main__":
    begin, used = time.perf_counter(), time.process_time()
    Bench(config={"url": sys.argv[1], "fields": sys.argv[2], "size": int(sys.argv[3])}).sync_all()
    print(json.dumps([time.perf_counter() - begin, time.process_time() - used, None]), file=sys.stderr)
