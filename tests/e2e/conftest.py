"""One small company with every code planted in it, for all end-to-end tests of a module."""

import datetime as dt
from dataclasses import dataclass
from shutil import copytree

import duckdb
import pytest
from cryptography.fernet import Fernet
from sqlalchemy import text

from extractors.sandbox import control
from orchestration.evaluate import reconcilable_day
from orchestration.night import run_night
from orchestration.settings import Settings, load_settings
from orchestration.stores import opened_state
from reconcilers.rules.codes import CODES

CUSTOMERS = 150
SEED = 2026
# What a night writes of itself, and what it says of the moment.
MOMENTS = {
    "run_id",
    "recorded_at",
    "planned_at",
    "changed_at",
    "decided_at",
    "at",
    "sha256",
    "previous_sha256",
}


@dataclass(frozen=True)
class Company:
    """A home with a sandbox that is up."""

    settings: Settings

    @property
    def day(self) -> dt.date:
        return reconcilable_day(self.settings)

    def night(self) -> None:
        result = run_night(self.settings, self.day)
        assert result.ok, f"{result.failed_step}: {result.reason}"

    def rows(self, table: str, order: str) -> list[dict]:
        """A table of the state store without the moments at which it was written."""
        with opened_state(self.settings) as state, state.read() as session:
            found = session.execute(text(f"select * from {table} order by {order}")).mappings()
            return [
                {name: value for name, value in row.items() if name not in MOMENTS} for row in found
            ]

    def read_tables(self, con: duckdb.DuckDBPyConnection) -> dict[str, list[tuple]]:
        """What was read, and what the event log holds, but for what tells of the build."""
        found = con.sql(
            "select schema_name || '.' || table_name from duckdb_tables() "
            "where schema_name in ('raw', 'event_log') and table_name not in ('build', 'days', 'made_of')"
        )
        names = [name for (name,) in found.fetchall()]
        rows = {
            name: con.sql(f"select columns(lambda c: c <> '_extracted_date') from {name}")
            for name in names
        }
        return {name: sorted(those.fetchall(), key=repr) for name, those in rows.items()}

    def memory(self) -> dict[str, list[dict]]:
        """All that nights leave in the state store."""
        return {
            "nights": self.rows("nights", "snapshot_date"),
            "observations": self.rows("observations", "snapshot_date, exception_key"),
            "exceptions": self.rows("exceptions", "exception_key"),
            "corrections": self.rows("corrections", "correction_id"),
            "identities": self.rows("identity_assignments", "system, source_id, snapshot_date"),
            "tieouts": self.rows("tieouts", "snapshot_date, code, scope, currency, period"),
            "kpis": self.rows("kpis", "snapshot_date, code, dimension, member"),
        }


def start_company(home, *, plants=None) -> Company:
    environ = {"TIEOUT_HOME": str(home), "TIEOUT_ACTOR": "controller"}
    environ["TIEOUT_SEALING_KEYS"] = Fernet.generate_key().decode()
    settings = load_settings(environ)
    control.up(settings.sandbox_dir, seed=SEED, customers=CUSTOMERS)
    for number, code in enumerate(CODES if plants is None else plants):
        control.plant(settings.sandbox_dir, code, 1, seed=number)
    return Company(settings)


@pytest.fixture(scope="module")
def company(parsed_home, tmp_path_factory):
    company = start_company(copytree(parsed_home, tmp_path_factory.mktemp("company") / "home"))
    yield company
    control.down(company.settings.sandbox_dir)
