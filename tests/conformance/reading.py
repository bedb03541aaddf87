"""What a night does with a connector, as often as a test wants."""

import asyncio
import random
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from extractors.extract import extract_system
from extractors.http import HttpOptions
from extractors.protocol import LANDING_COLUMNS
from extractors.raw_zone import RawZone
from extractors.registry import CONNECTORS, open_source, open_target
from tests.conformance.workbench import Workbench

QUICK = HttpOptions(connect_seconds=2, read_seconds=1, concurrency=4)


@dataclass
class Reading:
    """One connector, one system, one raw zone."""

    bench: Workbench
    home: Path

    @property
    def connector(self):
        return CONNECTORS[self.bench.system]

    @property
    def raw(self):
        return RawZone(self.home)

    @property
    def spec(self):
        return self.connector.objects[self.bench.probe]

    def elsewhere(self, name):
        """The same night, landed in another place."""
        return Reading(self.bench, self.home.with_name(name))

    def with_source(self, use, options=None, **config):
        async def run():
            async with open_source(self.bench.config(**config), options) as source:
                return await use(source)

        return asyncio.run(run())

    def target(self, **config):
        return open_target(self.bench.config(**config))

    def with_target(self, use, **config):
        async def run():
            async with self.target(**config) as target:
                return await use(target)

        return asyncio.run(run())

    def extract(self, *names, through=lambda source: source, options=None, config=None, **how):
        """Manifests by object, of those named or of the probe; `through` may wrap the source."""

        async def night(source):
            names_ = names or (self.bench.probe,)
            day = self.bench.day()
            return await extract_system(through(source), self.raw, day, names_, **how)

        manifests = self.with_source(night, options, **(config or {}))
        return {manifest.object: manifest for manifest in manifests}

    def frame(self, name=None):
        """What the newest day landed."""
        name = name or self.bench.probe
        folder = self.raw.folder(self.bench.system, name, self.bench.day())
        return pl.read_parquet(folder / "part-0.parquet")

    def rows(self, name=None):
        """Live rows as landed, without the landing's own columns."""
        frame = self.frame(name)
        return frame.filter(~pl.col("_deleted")).drop(list(LANDING_COLUMNS)).to_dicts()

    def keys(self, count):
        """The keys of some records of the probe."""
        found = sorted(row[self.spec.key[0]] for row in self.bench.rows(self.bench.probe))
        return random.Random(count).sample(found, count)
