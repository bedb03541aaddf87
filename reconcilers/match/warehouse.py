"""The pairings of a night: populations from the schema `matching`, results in `reconciliation`."""

from collections.abc import Iterable
from datetime import date

import duckdb

from reconcilers import engine
from reconcilers.match.passes import Pairing
from reconcilers.match.run import match_populations

MATCHES = "reconciliation.matches"
ALLOCATIONS = "reconciliation.match_allocations"
RESIDUE = "reconciliation.match_residue"

_TABLES = {
    MATCHES: """
        snapshot_date date, pairing varchar, match_id varchar, pass_name varchar,
        pass_number bigint, mode varchar, cardinality varchar, currency varchar,
        left_count bigint, right_count bigint, left_minor bigint, right_minor bigint,
        allocated_minor bigint
    """,
    ALLOCATIONS: """
        snapshot_date date, pairing varchar, match_id varchar, left_id varchar,
        right_id varchar, currency varchar, allocated_minor bigint
    """,
    RESIDUE: """
        snapshot_date date, pairing varchar, side varchar, item_id varchar, currency varchar,
        amount_minor bigint, residue_minor bigint, reason varchar, match_id varchar,
        pass_name varchar, candidate_count bigint, candidates varchar
    """,
}
_FROM = {
    MATCHES: "select * exclude (gid) from match_result order by match_id",
    ALLOCATIONS: "from match_allocation order by match_id, left_id, right_id",
    RESIDUE: "from match_residue order by side, item_id",
}


def match_warehouse(
    con: duckdb.DuckDBPyConnection, pairings: Iterable[Pairing], snapshot_date: date
) -> None:
    """Match every pairing over the warehouse that is built for the day.

    Writes reconciliation.matches, .match_allocations and .match_residue in place of what stood
    there. Raises WarehouseBuiltForAnotherDay and DuplicateItemError.
    """
    engine.require_built_for(con, snapshot_date)
    con.execute("create schema if not exists reconciliation")
    for table, columns in _TABLES.items():
        con.execute(f"create or replace table {table} ({columns})")
    for pairing in pairings:
        match_populations(con, pairing, f"matching.{pairing.left}", f"matching.{pairing.right}")
        for table, rows in _FROM.items():
            con.execute(f"insert into {table} select ?, * from ({rows})", [snapshot_date])


def per_pass(con: duckdb.DuckDBPyConnection) -> list[tuple[str, str, str, str, int, int, int]]:
    """(pairing, pass, mode, currency, matches, records, minor units) in the order of the passes.

    What is left follows as `left: <reason>` and `right: <reason>`, without matches.
    """
    return con.sql(f"""
        select * exclude (place) from (
            select
                pairing, pass_name, mode, currency, count(*) as matches,
                cast(sum(left_count + right_count) as bigint) as records,
                cast(sum(allocated_minor) as bigint) as minor, min(pass_number) as place
            from {MATCHES} group by pairing, pass_name, mode, currency
            union all
            select
                pairing, side || ': ' || reason, '', coalesce(currency, ''), 0, count(*),
                cast(coalesce(sum(residue_minor), 0) as bigint), 1000
            from {RESIDUE} group by pairing, side, reason, currency
        )
        order by pairing, place, pass_name, currency
    """).fetchall()
