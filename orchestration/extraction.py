"""Reading a system for a day: the extractor with the settings of this company."""

import asyncio
import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from extractors.extract import extract_system
from extractors.manifest import Manifest
from extractors.raw_zone import RawZone
from extractors.registry import open_reader
from extractors.systems import OPTIONAL
from orchestration.settings import Settings


@dataclass(frozen=True)
class Extraction:
    """What was read of one system, and what the calls to it came to."""

    manifests: list[Manifest]
    calls: Mapping[str, Any]

    @property
    def schema_drift(self) -> list[str]:
        return [message for manifest in self.manifests for message in manifest.schema_drift]


def read_system(
    settings: Settings,
    system: str,
    day: dt.date,
    names: Iterable[str] | None = None,
    *,
    full: bool = False,
) -> Extraction:
    """Read what is not published yet; goes on where an interrupted reading was.

    Of an optional system that is not connected nothing is read.

    Raises:
        SourceError: the system cannot be read; what was read so far is kept for the next call.

    """
    if system in OPTIONAL and system not in settings.connections():
        return Extraction([], {})

    async def read() -> Extraction:
        async with open_reader(settings.system_config(system)) as (reader, metrics):
            manifests = await extract_system(
                reader,
                RawZone(settings.raw_dir),
                day,
                names,
                full=full,
                key_scan_days=settings.key_scan_days,
            )
            return Extraction(manifests, metrics.as_dict())

    return asyncio.run(read())
