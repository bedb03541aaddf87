"""A small company served by processes of its own, what our extractors land of it, and row sets."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import polars as pl

from extractors.manifest import ROWS_FILE
from extractors.protocol import ObjectSpec
from extractors.raw_zone import RawZone
from extractors.registry import CONNECTORS
from extractors.sandbox import control
from extractors.sandbox.schema import System
from extractors.sandbox.servers import STORE, SYSTEMS
from extractors.sandbox.store import Store
from tests.peers.environments import run_tieout
from tests.peers.programs.wire import Rows
from tests.peers.tasks import RowSets, wanted_of

CUSTOMERS = 40
MONTHS = 9


@dataclass(frozen=True)
class Company:
    """Where its servers are, and the store behind them."""

    home: Path
    connections: dict[str, dict[str, Any]]

    @property
    def day(self) -> date:
        """The last day that is over there."""
        with self.store() as store:
            return store.now().date() - timedelta(days=1)

    @contextmanager
    def store(self) -> Iterator[Store]:
        store = Store(self.home / STORE)
        try:
            yield store
        finally:
            store.close()

    def secrets(self, system: System) -> dict[str, Any]:
        """What the peers log in with: for NetSuite a token, since none of them knows OAuth 2.0."""
        return self.connections["netsuite_tba" if system == "netsuite" else system]

    def land(self, system: str, folder: Path) -> RowSets:
        """The row sets, per object, that a full extraction lands."""
        run_tieout(self.extraction(folder, system))
        return self.landed(system, folder)

    def landed(self, system: str, folder: Path) -> RowSets:
        objects = CONNECTORS[system].objects
        return {name: self._landed(folder, system, objects[name]) for name in objects}

    def _landed(self, folder: Path, system: str, spec: ObjectSpec) -> dict[str, Any]:
        """The row set that was published, and a digest of every value in it."""
        frame = pl.read_parquet(RawZone(folder).folder(system, spec.name, self.day) / ROWS_FILE)
        frame = frame.filter(~pl.col("_deleted")).select(list(spec.columns)).sort(spec.key)
        wanted = wanted_of(spec)
        rows = Rows(_columns(wanted["keys"]), _columns(wanted["amounts"]))
        for row in frame.iter_rows(named=True):
            rows.add(row)
        values = hashlib.sha256(frame.write_csv().encode()).hexdigest()[:16]
        return {**rows.summary(), "values": values}

    def kept(self, system: System) -> RowSets:
        """The row sets, per object, of the books behind the servers."""
        found = {}
        with self.store() as store:
            for name, spec in CONNECTORS[system].objects.items():
                wanted = wanted_of(spec)
                rows = Rows(wanted["keys"], wanted["amounts"])
                for record in store.rows(system, spec.vendor_name):
                    rows.add(record)
                found[name] = rows.summary()
        return found

    def extraction(self, folder: Path, *systems: str, **how: Any) -> dict[str, Any]:
        """The task of extracting these systems (all, if none is named) into a raw zone."""
        known = self.connections
        return {
            "connections": {system: known[system] for system in systems or SYSTEMS},
            "raw": str(folder),
            "day": self.day.isoformat(),
            **how,
        }


@contextmanager
def serving_company(
    home: Path,
    customers: int = CUSTOMERS,
    months: int = MONTHS,
    seed: int = 7,
    end: date | None = None,
) -> Iterator[Company]:
    """Build it up to a day, serve it, and stop serving at the end."""
    try:
        yield Company(home, control.up(home, seed, customers, months, end))
    finally:
        control.down(home)


def _columns(paths: list[str]) -> list[str]:
    return [path.replace(".", "_").lower() for path in paths]
