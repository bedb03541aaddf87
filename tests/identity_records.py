"""Customer records for tests of the crosswalk, in the columns of identity.identity_records."""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

import duckdb
import polars as pl

from reconcilers.identity import REGISTRY_SCHEMA, CrosswalkResult
from reconcilers.identity.intake import COLUMNS
from reconcilers.rules.base import ROLE_OF_SYSTEM
from tests.comparison_tables import DAY, add

NO_HISTORY = pl.DataFrame(schema=REGISTRY_SCHEMA)


def record(system: str, source_id: str, **values: Any) -> dict[str, Any]:
    """A record that nothing but the given values tells of."""
    named = {
        "system": system,
        "role": ROLE_OF_SYSTEM[system],
        "source_id": source_id,
        "is_active": True,
    }
    return named | values


def account(source_id: str, **values: Any) -> dict[str, Any]:
    return record("salesforce", source_id, **values)


def billed(source_id: str, **values: Any) -> dict[str, Any]:
    return record("stripe", source_id, **values)


def ledgered(source_id: str, **values: Any) -> dict[str, Any]:
    return record("netsuite", source_id, **values)


def identities(
    rows: Iterable[Mapping[str, Any]], day: date = DAY, more: Mapping[str, str] | None = None
) -> duckdb.DuckDBPyConnection:
    """A warehouse with these customer records; `more` are columns besides the usual ones."""
    con = duckdb.connect()
    con.execute("create schema raw; create schema identity")
    con.execute("create table raw.build as select ?::date as snapshot_date", [day])
    listed = ", ".join(f"{name} {kind}" for name, kind in (COLUMNS | dict(more or {})).items())
    con.execute(f"create table identity.identity_records ({listed})")
    for row in rows:
        add(con, "identity.identity_records", row)
    return con


def customers(con: duckdb.DuckDBPyConnection) -> set[frozenset[str]]:
    """Which source ids the crosswalk takes for one customer."""
    grouped = con.sql(
        "select list(source_id) from identity.crosswalk group by canonical_customer_id"
    ).fetchall()
    return {frozenset(ids) for (ids,) in grouped}


def remembered(registry: pl.DataFrame, result: CrosswalkResult) -> pl.DataFrame:
    """The registry as the next night is told of it."""
    keys = ["system", "source_id"]
    seen = registry.select(*keys, "first_seen_date")
    new = result.history.assignments.join(seen, on=keys, how="left").with_columns(
        pl.coalesce("first_seen_date", "snapshot_date").alias("first_seen_date"),
        pl.col("snapshot_date").alias("since_date"),
    )
    kept = registry.select(REGISTRY_SCHEMA.keys()).join(new, on=keys, how="anti")
    return pl.concat([kept, new.select(REGISTRY_SCHEMA.keys())]).sort(keys)
