"""Tieout's extraction as a program, like those of its peers: a task as JSON in, an answer out.

It can be told to die on the way, as a machine does: at a step of its choice, without a warning.
"""

import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import httpx

from extractors import landing
from extractors.crm.salesforce import client as salesforce
from extractors.extract import extract_system
from extractors.manifest import Manifest
from extractors.raw_zone import RawZone
from extractors.registry import CONNECTORS, open_source
from extractors.systems import SYSTEMS


class Fuse:
    """Counts the steps of this process and kills it at one: no handler, no cleanup, no flush."""

    def __init__(self, at: int | None) -> None:
        self.at = at
        self.steps = 0

    def step(self) -> None:
        self.steps += 1
        if self.steps == self.at:
            os.kill(os.getpid(), signal.SIGKILL)

    def around(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, with a step before it and one after."""

        def stepping(*args: Any, **kwargs: Any) -> Any:
            self.step()
            result = function(*args, **kwargs)
            self.step()
            return result

        return stepping

    def around_call(self, function: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        """The same of a coroutine function."""

        async def stepping(*args: Any, **kwargs: Any) -> Any:
            self.step()
            result = await function(*args, **kwargs)
            self.step()
            return result

        return stepping


def lay(fuse: Fuse) -> None:
    """Make steps of each request, and of each way in which the raw zone is written."""
    httpx.AsyncClient.send = fuse.around_call(httpx.AsyncClient.send)  # type: ignore[method-assign]
    landing.Journal.write = fuse.around(landing.Journal.write)  # type: ignore[method-assign]
    for name in ("_spill", "publish"):
        setattr(landing.Landing, name, fuse.around(getattr(landing.Landing, name)))


def config_of(system: str, connection: dict[str, Any]) -> Any:
    """The configuration of a connector, from what the sandbox says of its server."""
    config = SYSTEMS[system].config
    given = {name: connection[name] for name in config.__dataclass_fields__ if name in connection}
    if "private_key_path" in given:
        given["private_key_path"] = Path(given["private_key_path"])
    return config(**given)


async def extract(system: str, task: dict[str, Any]) -> dict[str, Any]:
    """Extract one system into the raw zone; rows by object, and what the calls were."""
    options = replace(CONNECTORS[system].options, **task.get("options", {}).get(system, {}))
    config = config_of(system, task["connections"][system])
    begun = time.perf_counter()
    async with open_source(config, options) as source:
        if system == salesforce.SYSTEM and task.get("bulk_rows"):
            source = salesforce.SalesforceSource(source.door, bulk_rows=task["bulk_rows"])  # noqa: PLW2901
        manifests = await extract_system(
            source, RawZone(Path(task["raw"])), date.fromisoformat(task["day"])
        )
        metrics = source.door.metrics.as_dict()
    return {
        "objects": {manifest.object: _told(manifest) for manifest in manifests},
        "calls": metrics["calls"],
        "metrics": metrics,
        "seconds": time.perf_counter() - begun,
    }


def _told(manifest: Manifest) -> dict[str, Any]:
    return {
        "mode": manifest.mode,
        "rows": manifest.landed,
        "read": manifest.read,
        "quarantined": manifest.quarantined,
    }


async def extract_all(task: dict[str, Any]) -> dict[str, Any]:
    """All systems of the task side by side."""
    systems = list(task["connections"])
    answers = await asyncio.gather(*(extract(system, task) for system in systems))
    return dict(zip(systems, answers, strict=True))


def main() -> None:
    task = json.load(sys.stdin)
    fuse = Fuse(task.get("die_after"))
    if task.get("fuse"):
        lay(fuse)
    if task.get("chunk_rows"):
        landing.CHUNK_ROWS = task["chunk_rows"]
    begun = time.perf_counter()
    systems = asyncio.run(extract_all(task))
    answer = {"systems": systems, "seconds": time.perf_counter() - begun, "steps": fuse.steps}
    sys.stdout.write(json.dumps(answer))


if __name__ == "__main__":
    main()
