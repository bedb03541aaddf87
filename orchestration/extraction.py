"""Reading a system for a day: the extractor with the settings of this company."""

import asyncio
import datetime as dt
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from extractors.extract import extract_system
from extractors.manifest import Manifest
from extractors.object_store import open_store
from extractors.raw_mirror import RawMirror
from extractors.raw_zone import RawZone
from extractors.registry import objects_of, open_reader
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

    For a day that is published as a whole the system need not be connected. Of an optional system
    that is not connected nothing is read.

    Raises:
        SourceError: the system cannot be read; what was read so far is kept for the next call.

    """
    with mirrored(settings, system):
        zone = RawZone(settings.raw_dir)
        wanted = list(objects_of(system) if names is None else names)
        published = [one for name in wanted if (one := zone.published(system, name, day))]
        if len(published) == len(wanted):
            return Extraction(published, {})
        if system in OPTIONAL and system not in settings.connections():
            return Extraction([], {})
        return asyncio.run(_read(settings, system, day, wanted, full=full))


@contextmanager
def mirrored(settings: Settings, *systems: str) -> Iterator[None]:
    """What the object store has of these systems is here; what is new afterwards is there.

    Without a store nothing happens. What was published goes there even where the rest failed.

    Raises:
        SourceError: the store does not answer, or what it holds was changed.

    """
    if not settings.raw_url:
        yield
        return
    mirror = RawMirror(settings.raw_dir, open_store(settings.raw_url))
    for system in systems:
        mirror.fetch(system)
    try:
        yield
    finally:
        for system in systems:
            mirror.publish(system)


async def _read(
    settings: Settings, system: str, day: dt.date, names: Iterable[str] | None, *, full: bool
) -> Extraction:
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
