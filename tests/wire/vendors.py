"""The three sandbox servers on loopback for wire tests, and ways to read them."""

import asyncio
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from extractors.billing.stripe.config import StripeConfig
from extractors.crm.salesforce.config import SalesforceConfig
from extractors.erp.netsuite.config import NetSuiteConfig
from extractors.extract import extract_object
from extractors.http import HttpOptions
from extractors.raw_tables import load_current
from extractors.raw_zone import RawZone
from extractors.registry import open_source, open_target
from extractors.sandbox.credentials import credentials
from extractors.sandbox.servers import connections, create_apps
from extractors.sandbox.store import Store
from tests.wire.sandbox import serving_all

NIGHT = datetime(2026, 6, 2, 2, tzinfo=UTC)
DAY = date(2026, 6, 1)
LONG_AGO = datetime(2026, 1, 10, 8, tzinfo=UTC)
CONFIGS = {
    "salesforce": SalesforceConfig,
    "stripe": StripeConfig,
    "netsuite": NetSuiteConfig,
}


@dataclass
class Vendors:
    """The other side of the wire: its books, and how to reach it."""

    store: Store
    home: Path
    settings: dict[str, dict[str, Any]]
    day: date = DAY

    @property
    def raw(self) -> RawZone:
        return RawZone(self.home / "raw")

    def config(self, system):
        return CONFIGS[system](**self.settings[system])

    def next_night(self, days=1):
        """Move to the night after the next day."""
        self.store.advance_clock(timedelta(days=days))
        self.day += timedelta(days=days)

    def extract(self, system, name, *, full=False, key_scan_days=None, **options):
        """The manifest of the day's extraction of one object."""

        async def run():
            async with open_source(self.config(system), HttpOptions(**options)) as source:
                how = {"full": full, "key_scan_days": key_scan_days}
                return await extract_object(source, name, self.raw, self.day, **how)

        return asyncio.run(run())

    def rows(self, system, name):
        """Everything that the day's file holds."""
        folder = self.raw.folder(system, name, self.day)
        return pl.read_parquet(folder / "part-0.parquet")

    def current(self, system, name):
        """The current table as of the day, as dictionaries."""
        con = duckdb.connect()
        load_current(con, self.raw.root, self.day)
        relation = con.sql(f"SELECT * FROM raw.{system}__{name}")
        names = relation.columns
        rows = [dict(zip(names, row, strict=True)) for row in relation.fetchall()]
        con.close()
        return rows

    def with_target(self, system, use):
        """What `use(target)` gives."""

        async def run():
            async with open_target(self.config(system)) as target:
                return await use(target)

        return asyncio.run(run())

    def fault(self, system, times=1, **what):
        faults = self.store.meta("request_faults", []) or []
        self.store.set_meta("request_faults", [*faults, {"system": system, "times": times, **what}])


def make_secrets(home: Path):
    """Credentials that several companies can share; making the key is what takes time."""
    store = Store(home / "secrets.db")
    made = credentials(store)
    store.close()
    return made


@contextmanager
def running(home: Path, secrets: dict[str, Any]):
    """Serve an empty company whose clock stands in the night after DAY."""
    store = Store(home / "sandbox.db")
    store.set_meta("credentials", secrets)
    store.set_clock(NIGHT)
    served = Store(home / "sandbox.db")
    with serving_all(create_apps(served)) as ports:
        yield Vendors(store, home, connections(store, ports))
    served.close()
    store.close()
