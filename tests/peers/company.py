"""A small company served by processes of its own, what our extractors land of it, and row sets."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl

from extractors.contracts import check
from extractors.manifest import ROWS_FILE
from extractors.protocol import ObjectSpec
from extractors.raw_zone import RawZone
from extractors.registry import CONNECTORS
from extractors.sandbox import control
from extractors.sandbox.fidelity import truth_rows
from extractors.sandbox.schema import System
from extractors.sandbox.servers import STORE, SYSTEMS
from extractors.sandbox.store import Store
from extractors.sandbox.volume import fill
from tests.peers.environments import run_tieout
from tests.peers.programs.wire import Rows, number
from tests.peers.tasks import RowSets, wanted_of

CUSTOMERS = 160
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

    def refresh_token(self) -> dict[str, Any]:
        """What the tap for Salesforce logs in with."""
        return self.connections["salesforce_refresh"]

    def land(self, system: str, folder: Path) -> RowSets:
        """The row sets, per object, that a full extraction lands."""
        run_tieout(self.extraction(folder, system))
        return self.landed(system, folder)

    def landed(self, system: str, folder: Path) -> RowSets:
        """The row sets, per object, that were published there."""
        return {
            name: _row_set(spec, self.landed_rows(system, name, folder))
            for name, spec in CONNECTORS[system].objects.items()
        }

    def landed_rows(self, system: str, name: str, folder: Path) -> pl.DataFrame:
        """What was published of an object: live rows, all declared columns.

        That nothing was used on a day is a row of ours; the source has none.
        """
        file = RawZone(folder).folder(system, name, self.day) / ROWS_FILE
        rows = pl.read_parquet(file).filter(~pl.col("_deleted"))
        if name == "usage":
            rows = rows.filter(pl.col("aggregated_value") != "0")
        return _in_order(CONNECTORS[system].objects[name], rows)

    def kept_rows(self, system: System, name: str) -> pl.DataFrame:
        """The same as the books behind the servers have it: the columns that they know of."""
        spec = CONNECTORS[system].objects[name]
        with self.store() as store:
            records = [_with_texts(spec, r) for r in truth_rows(store, system, spec.vendor_name)]
        known = {key for record in records for key in record}
        columns = [item.column for item in spec.fields if item.path[0] in known]
        return _in_order(spec, check(spec, records).rows).select(columns)

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


@contextmanager
def filled_company(home: Path, records: int, seed: int = 7) -> Iterator[Company]:
    """A plain company of so many records, served in the same way."""
    home.mkdir(parents=True, exist_ok=True)
    store = Store(home / STORE)
    fill(store, records, seed=seed)
    # What `control.up` would build is there already.
    store.set_meta("built", {"records": records, "seed": seed})
    store.close()
    try:
        yield Company(home, control.up(home))
    finally:
        control.down(home)


def _with_texts(spec: ObjectSpec, record: dict[str, Any]) -> dict[str, Any]:
    """Decimals that Stripe sends as numbers land as text."""
    decimals = {item.path[0] for item in spec.fields if item.kind == "decimal"}
    numbers = {k: str(record[k]) for k in decimals if isinstance(record.get(k), int | Decimal)}
    return record | numbers


def _in_order(spec: ObjectSpec, rows: pl.DataFrame) -> pl.DataFrame:
    """Decimals in one form: Salesforce sends a hundred million as 1.0E8, and it lands plain."""
    decimals = pl.col([item.column for item in spec.fields if item.kind == "decimal"])
    plain = decimals.map_elements(number, return_dtype=pl.String)
    return rows.select(list(spec.columns)).with_columns(plain).sort(spec.key)


def _row_set(spec: ObjectSpec, rows: pl.DataFrame) -> dict[str, Any]:
    wanted = wanted_of(spec)
    keys, amounts = (
        [path.replace(".", "_").lower() for path in wanted[part]] for part in ("keys", "amounts")
    )
    seen = Rows(keys, amounts)
    for row in rows.iter_rows(named=True):
        seen.add(row)
    return seen.summary()
