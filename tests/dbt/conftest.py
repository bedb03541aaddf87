"""The dbt project run as a night runs it: as a process of its own, on a warehouse in a temporary folder."""

import datetime as dt
import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pytest

from extractors.raw_tables import load_current
from reconcilers.events.log import EventLog

PROJECT = Path(__file__).parents[2] / "dbt_project"
DAY = dt.date(2026, 6, 30)
CROSSWALK = (
    "canonical_customer_id varchar, role varchar, system varchar, source_id varchar, "
    "is_primary boolean, method varchar, confidence double, rule varchar, first_seen_date date, "
    "snapshot_date date, since_date date, band varchar, evidence varchar"
)


@dataclass(frozen=True)
class Warehouse:
    """A DuckDB file with raw tables of the declared columns, and dbt's own files beside it."""

    folder: Path

    @property
    def path(self) -> Path:
        return self.folder / "warehouse.duckdb"

    def dbt(self, command: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [
                str(Path(sys.executable).with_name("dbt")),
                "--no-use-colors",
                command,
                *("--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT)),
                *("--target-path", str(self.folder / "target")),
                *("--log-path", str(self.folder / "logs")),
                *arguments,
            ],
            env={**os.environ, "TIEOUT_WAREHOUSE": str(self.path)},
            capture_output=True,
            text=True,
            check=False,
        )

    def manifest(self) -> dict[str, Any]:
        return json.loads((self.folder / "target" / "manifest.json").read_text("utf-8"))

    def insert(self, table: str, rows: Sequence[Mapping[str, Any]]) -> None:
        with duckdb.connect(str(self.path)) as con:
            for row in rows:
                columns = ", ".join(f'"{name}"' for name in row)
                marks = ", ".join("?" for _ in row)
                con.execute(f"insert into {table} ({columns}) values ({marks})", list(row.values()))

    def write_crosswalk(self, customers: Mapping[str, Sequence[tuple[str, str]]]) -> None:
        """What the identity step writes: canonical id -> its (system, source id) records."""
        role = {"salesforce": "crm", "stripe": "billing", "netsuite": "erp"}
        with duckdb.connect(str(self.path)) as con:
            con.execute("create schema if not exists identity")
            con.execute(f"create or replace table identity.crosswalk ({CROSSWALK})")
        self.insert(
            "identity.crosswalk",
            [
                {
                    "canonical_customer_id": customer,
                    "role": role[system],
                    "system": system,
                    "source_id": source_id,
                    "is_primary": True,
                    "method": "xref",
                    "confidence": 0.99,
                    "rule": "R1",
                    "first_seen_date": DAY,
                    "snapshot_date": DAY,
                    "since_date": DAY,
                    "band": "auto",
                    "evidence": None,
                }
                for customer, records in customers.items()
                for system, source_id in records
            ],
        )

    def rows(self, query: str) -> list[dict[str, Any]]:
        with duckdb.connect(str(self.path), read_only=True) as con:
            return con.sql(query).pl().to_dicts()


@pytest.fixture(scope="session")
def new_warehouse(tmp_path_factory) -> Callable[[str], Warehouse]:
    def make(name: str) -> Warehouse:
        folder = tmp_path_factory.mktemp(name)
        warehouse = Warehouse(folder)
        with duckdb.connect(str(warehouse.path)) as con:
            load_current(con, folder / "nothing-was-extracted", DAY)
            EventLog(folder / "no-events").load(con, DAY)
        return warehouse

    return make
