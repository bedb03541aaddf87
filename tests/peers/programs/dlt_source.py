"""dlt's declarative `rest_api` source against Stripe and Salesforce servers, as its guide says.

The task: `system`, its connection, `objects` ({"invoices": {"keys", "amounts", ...}}), `pipeline`
(a folder: load into DuckDB there; without it the source is only read), `in_threads` (dlt may read
its resources in threads). The answer has the rows per object, and what DuckDB holds of them.
"""

import logging
import os
import time
from pathlib import Path

from wire import Rows, answer, task

TASK = task()
os.environ |= {"DLT_DATA_DIR": TASK["home"], "RUNTIME__LOG_LEVEL": "ERROR"}

import dlt  # noqa: E402
import requests  # noqa: E402
from dlt.sources.rest_api import rest_api_source  # noqa: E402

logging.disable()


def stripe_config():
    resources = [
        {
            "name": name,
            "endpoint": {
                "path": name,
                "params": {"limit": 100, **wanted.get("params", {})},
                "data_selector": "data",
            },
        }
        for name, wanted in TASK["objects"].items()
    ]
    client = {
        "base_url": f"{TASK['base_url']}/v1/",
        "auth": {"type": "bearer", "token": TASK["api_key"]},
        "paginator": {
            "type": "cursor",
            "cursor_path": "data[-1].id",
            "cursor_param": "starting_after",
            "has_more_path": "has_more",
        },
    }
    return client, resources


def salesforce_config():
    form = {
        "grant_type": "client_credentials",
        "client_id": TASK["client_id"],
        "client_secret": TASK["client_secret"],
    }
    granted = requests.post(f"{TASK['base_url']}/services/oauth2/token", data=form, timeout=60)
    resources = [
        {
            "name": name,
            "endpoint": {
                "path": "services/data/v62.0/query",
                "params": {"q": f"SELECT {', '.join(wanted['columns'])} FROM {name}"},
                "data_selector": "records",
            },
        }
        for name, wanted in TASK["objects"].items()
    ]
    client = {
        "base_url": TASK["base_url"],
        "auth": {"type": "bearer", "token": granted.json()["access_token"]},
        "paginator": {"type": "json_link", "next_url_path": "nextRecordsUrl"},
    }
    return client, resources


def main():
    begun = time.perf_counter()
    client, resources = {"stripe": stripe_config, "salesforce": salesforce_config}[TASK["system"]]()
    source = rest_api_source({"client": client, "resources": resources})
    seen = {
        name: Rows(wanted["keys"], wanted["amounts"]) for name, wanted in TASK["objects"].items()
    }
    for name, rows in seen.items():
        source.resources[name].add_map(_noting(rows))
        if TASK.get("in_threads"):
            source.resources[name].parallelize()
    loaded = None
    if TASK.get("pipeline"):
        loaded = _load(source)
    else:
        for _ in source:
            pass
    answer(
        {
            "client": f"dlt {dlt.__version__}",
            "objects": {name: rows.summary() for name, rows in seen.items()},
            "loaded": loaded,
            "seconds": time.perf_counter() - begun,
        }
    )


def _noting(rows):
    def note(record):
        rows.add(record)
        return record

    return note


def _load(source):
    folder = Path(TASK["pipeline"])
    destination = dlt.destinations.duckdb(str(folder / "peer.duckdb"))
    pipeline = dlt.pipeline(
        "peer", pipelines_dir=str(folder / "state"), destination=destination, dataset_name="raw"
    )
    pipeline.run(source)
    counts = pipeline.last_trace.last_normalize_info.row_counts
    tables = pipeline.default_schema.data_tables()
    return {
        table["resource"]: counts.get(table["name"], 0) for table in tables if "parent" not in table
    }


main()
