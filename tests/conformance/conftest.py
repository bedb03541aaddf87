"""Every test here runs once per connector, on the workbench of its system."""

import asyncio
import random
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import pytest
import stamina

from extractors.extract import extract_system
from extractors.http import HttpOptions
from extractors.protocol import LANDING_COLUMNS
from extractors.raw_zone import RawZone
from extractors.registry import CONNECTORS, open_source, open_target
from tests.conformance.wire import relaying
from tests.conformance.workbench import Workbench

SANDBOXES = ("salesforce", "stripe", "netsuite")
BENCHES = (*SANDBOXES, "tryton")


def pytest_generate_tests(metafunc):
    if "system" not in metafunc.fixturenames:
        return
    chosen = metafunc.config.getoption("--connector") or BENCHES
    unknown = sorted(set(chosen) - set(BENCHES))
    if unknown:
        raise pytest.UsageError(
            f"no connector {', '.join(unknown)}; there are {', '.join(BENCHES)}"
        )
    metafunc.parametrize("system", chosen, scope="session")


@pytest.fixture(scope="session")
def vendor_secrets(tmp_path_factory):
    from tests.wire.vendors import make_secrets

    return make_secrets(tmp_path_factory.mktemp("secrets"))


@pytest.fixture
def bench(system, tmp_path, request):
    """The system of the test, with something to read."""
    if system in SANDBOXES:
        opened = sandbox_bench(system, tmp_path / "system", request)
    else:
        opened = tryton_bench(request.getfixturevalue("tryton_server"))
    with opened as bench:
        yield bench


@contextmanager
def sandbox_bench(system, home, request):
    from tests.conformance.sandboxes import BENCHES
    from tests.wire.vendors import running

    secrets = request.getfixturevalue("vendor_secrets")
    with (
        running(home, secrets) as vendors,
        relaying(vendors.settings[system]["base_url"]) as wire,
    ):
        yield BENCHES[system](vendors, wire)


@contextmanager
def tryton_bench(server):
    from tests.conformance.tryton.bench import TrytonBench

    with relaying(server.base_url) as wire:
        yield TrytonBench(server, wire)


@pytest.fixture
def impatient():
    """Retries happen, waiting does not."""
    with stamina.set_testing(True, attempts=4, cap=True):
        yield


@dataclass
class Reading:
    """What a night does with a connector, as often as wanted."""

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

    def target(self):
        return open_target(self.bench.config())

    def with_target(self, use):
        async def run():
            async with self.target() as target:
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


@pytest.fixture
def reading(bench, tmp_path):
    return Reading(bench, tmp_path / "raw")


QUICK = HttpOptions(connect_seconds=2, read_seconds=1, concurrency=4)
