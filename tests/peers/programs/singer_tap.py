"""A Singer tap as it comes from the registry, run as its command would run it.

The task: `tap` ("tap_stripe" or "tap_salesforce"), `config`, `hosts` (the vendor's host names and
where they are on loopback), `streams` ({"invoices": {"keys", "amounts"}}). The tap's messages are
read when it has ended, so that the seconds are the tap's own.
"""

import importlib
import json
import logging
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path

from wire import Rows, answer, divert, task

TASK = task()
divert(TASK["hosts"])
logging.disable()


class Messages:
    """Stands for the standard output, from which a target would read."""

    def __init__(self):
        self.lines = []

    def write(self, text):
        self.lines.append(text)

    def flush(self):
        pass


def main():
    tap = importlib.import_module(TASK["tap"])
    with tempfile.TemporaryDirectory() as folder:
        config, catalog = Path(folder) / "config.json", Path(folder) / "catalog.json"
        config.write_text(json.dumps(TASK["config"]), "utf-8")
        catalog.write_text(json.dumps(_selected(_catalog(tap, config))), "utf-8")
        option = {"tap_stripe": "--catalog", "tap_salesforce": "--properties"}[TASK["tap"]]
        messages, seconds = _run(tap, "--config", config, option, catalog)
    seen = {
        name: Rows(wanted["keys"], wanted["amounts"]) for name, wanted in TASK["streams"].items()
    }
    for line in "".join(messages).splitlines():
        message = json.loads(line)
        if message["type"] == "RECORD" and message["stream"] in seen:
            seen[message["stream"]].add(message["record"])
    name = TASK["tap"].replace("_", "-")
    answer(
        {
            "client": f"{name} {version(name)}",
            "objects": {name: rows.summary() for name, rows in seen.items()},
            "seconds": seconds,
        }
    )


def _catalog(tap, config):
    messages, _ = _run(tap, "--config", config, "--discover")
    return json.loads("".join(messages))


def _selected(catalog):
    """The streams that are wanted, with all their fields; incremental ones by the tap's own key."""
    for stream in catalog["streams"]:
        wanted = stream["tap_stream_id"] in TASK["streams"]
        for entry in stream["metadata"]:
            about = entry["metadata"]
            if not entry["breadcrumb"]:
                about["selected"] = wanted
                keys = about.get("valid-replication-keys")
                if keys:
                    about |= {"replication-method": "INCREMENTAL", "replication-key": keys[0]}
            elif about.get("inclusion") == "available":
                about["selected"] = True
    return catalog


def _run(tap, *arguments):
    """(What the tap wrote, seconds)."""
    messages, sys.argv = Messages(), [TASK["tap"], *map(str, arguments)]
    shown, sys.stdout = sys.stdout, messages
    begun = time.perf_counter()
    try:
        tap.main()
    finally:
        sys.stdout = shown
    return messages.lines, time.perf_counter() - begun


main()
