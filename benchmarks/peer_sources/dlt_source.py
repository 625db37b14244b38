"""dlt: a `rest_api` source. `extract` iterates over its records; `load` runs a pipeline into files of JSON lines."""

from __future__ import annotations

import json
import resource
import sys
import tempfile
import time
from pathlib import Path

import dlt
from dlt.sources.rest_api import rest_api_source


def main(way: str, url: str, fields: str, size: int) -> int:
    """Read all contacts; returns how many."""
    source = rest_api_source(
        {
            "client": {
                "base_url": url,
                "auth": {"type": "bearer", "token": "t"},
                "paginator": {"type": "cursor", "cursor_path": "paging.next.after", "cursor_param": "after"},
            },
            "resources": [
                {
                    "name": "contacts",
                    "endpoint": {
                        "path": "crm/v3/objects/contacts",
                        "params": {"limit": size, "properties": fields},
                        "data_selector": "results",
                    },
                }
            ],
        }
    )
    if way == "extract":
        return sum(1 for _ in source.resources["contacts"])
    with tempfile.TemporaryDirectory() as folder:
        target = dlt.destinations.filesystem(bucket_url=Path(folder, "data").as_uri())
        pipeline = dlt.pipeline("bench", destination=target, dataset_name="bench", pipelines_dir=f"{folder}/work")
        pipeline.run(source, loader_file_format="jsonl")
        return int(pipeline.last_trace.last_normalize_info.row_counts["contacts"])


if __name__ == "__main__":
    begin, used = time.perf_counter(), time.process_time()
    records = main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]))
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = time.process_time() - used + children.ru_utime + children.ru_stime
    print(json.dumps([time.perf_counter() - begin, cpu, records]), file=sys.stderr)
