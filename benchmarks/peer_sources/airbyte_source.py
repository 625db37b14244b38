"""airbyte-cdk: a declarative (low-code) source whose `read` writes the records to the standard output."""

from __future__ import annotations

import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from airbyte_cdk import launch
from airbyte_cdk.models import ConfiguredAirbyteCatalogSerializer
from airbyte_cdk.sources.declarative.concurrent_declarative_source import ConcurrentDeclarativeSource


def manifest(url: str, fields: str, size: int) -> dict[str, Any]:
    """The source, as its `manifest.yaml` would have it."""
    return {
        "version": "7.39.1",
        "type": "DeclarativeSource",
        "check": {"type": "CheckStream", "stream_names": ["contacts"]},
        "streams": [
            {
                "type": "DeclarativeStream",
                "name": "contacts",
                "primary_key": "id",
                "retriever": {
                    "type": "SimpleRetriever",
                    "requester": {
                        "type": "HttpRequester",
                        "url_base": url,
                        "path": "/crm/v3/objects/contacts",
                        "http_method": "GET",
                        "authenticator": {"type": "BearerAuthenticator", "api_token": "{{ config['token'] }}"},
                        "request_parameters": {"properties": fields},
                    },
                    "record_selector": {
                        "type": "RecordSelector",
                        "extractor": {"type": "DpathExtractor", "field_path": ["results"]},
                    },
                    "paginator": {
                        "type": "DefaultPaginator",
                        "page_size_option": {
                            "type": "RequestOption",
                            "inject_into": "request_parameter",
                            "field_name": "limit",
                        },
                        "page_token_option": {
                            "type": "RequestOption",
                            "inject_into": "request_parameter",
                            "field_name": "after",
                        },
                        "pagination_strategy": {
                            "type": "CursorPagination",
                            "page_size": size,
                            "cursor_value": "{{ response.get('paging', {}).get('next', {}).get('after') }}",
                            "stop_condition": "{{ not response.get('paging', {}).get('next') }}",
                        },
                    },
                },
                "schema_loader": {
                    "type": "InlineSchemaLoader",
                    "schema": {
                        "type": "object",
                        "properties": {"id": {"type": "string"}, "properties": {"type": "object"}},
                    },
                },
            }
        ],
        "spec": {
            "type": "Spec",
            "connection_specification": {"type": "object", "properties": {"token": {"type": "string"}}},
        },
    }


CATALOG = {
    "streams": [
        {
            "stream": {"name": "contacts", "json_schema": {"type": "object"}, "supported_sync_modes": ["full_refresh"]},
            "sync_mode": "full_refresh",
            "destination_sync_mode": "append",
        }
    ]
}


def main(url: str, fields: str, size: int) -> None:
    """Read all contacts to the standard output."""
    with tempfile.TemporaryDirectory() as folder:
        config, catalog = Path(folder, "config.json"), Path(folder, "catalog.json")
        config.write_text(json.dumps({"token": "t"}))
        catalog.write_text(json.dumps(CATALOG))
        source = ConcurrentDeclarativeSource(
            catalog=ConfiguredAirbyteCatalogSerializer.load(CATALOG),
            config={"token": "t"},
            state=[],
            source_config=manifest(url, fields, size),
        )
        launch(source, ["read", "--config", str(config), "--catalog", str(catalog)])


if __name__ == "__main__":
    begin, used = time.perf_counter(), time.process_time()
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
    print(json.dumps([time.perf_counter() - begin, time.process_time() - used, None]), file=sys.stderr)
