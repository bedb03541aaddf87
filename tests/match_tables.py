"""Two populations of records written by hand, and what matching made of them."""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any, NamedTuple

import duckdb

from reconcilers.match import By, Mode, Pairing, Pass, match_warehouse

DAY = date(2026, 6, 30)
COLUMNS = """
    item_id varchar, currency varchar, amount_minor bigint, item_date date, party varchar,
    reference_keys varchar[], document_numbers varchar[], group_keys varchar[]
"""

Item = Mapping[str, Any]


class Outcome(NamedTuple):
    """`matches`: (pass, mode, left ids, right ids); `residue`: (side, id) -> reason."""

    matches: list[tuple[str, str, str, str]]
    residue: dict[tuple[str, str], str]
    allocations: dict[tuple[str, str], int]
    con: duckdb.DuckDBPyConnection


def item(item_id: str, amount_minor: int = 100, **values: Any) -> Item:
    return {
        "item_id": item_id, "currency": "USD", "amount_minor": amount_minor,
        "item_date": date(2026, 6, 10), "party": "acme",
        "reference_keys": [], "document_numbers": [], "group_keys": [], **values,
    }  # fmt: skip


def a_pass(by: By, *, suggested: bool = False, **fields: Any) -> Pass:
    mode = Mode.SUGGESTED if suggested else Mode.AUTOMATIC
    return Pass(**{"name": by.value, "by": by, "mode": mode, **fields})


def pairing(*passes: Pass) -> Pairing:
    return Pairing("money", "lefts", "rights", passes)


def warehouse(left: Iterable[Item], right: Iterable[Item]) -> duckdb.DuckDBPyConnection:
    con = duckdb.connect(config={"threads": 1})  # tiny tables gain nothing from more
    con.execute("create schema matching; create schema raw")
    con.execute("create table raw.build as select ?::date as snapshot_date", [DAY])
    for table, rows in (("lefts", left), ("rights", right)):
        con.execute(f"create table matching.{table} ({COLUMNS})")
        for row in rows:
            marks = ", ".join("?" for _ in row)
            con.execute(
                f"insert into matching.{table} ({', '.join(row)}) values ({marks})", [*row.values()]
            )
    return con


def matched(left: Iterable[Item], right: Iterable[Item], *passes: Pass) -> Outcome:
    con = warehouse(left, right)
    match_warehouse(con, [pairing(*passes)], DAY)
    matches = con.sql("""
        select
            pass_name, mode, string_agg(distinct left_id, ' ' order by left_id),
            string_agg(distinct right_id, ' ' order by right_id)
        from reconciliation.matches join reconciliation.match_allocations using (match_id)
        group by match_id, pass_name, mode order by all
    """).fetchall()
    residue = con.sql("select side, item_id, reason from reconciliation.match_residue").fetchall()
    allocations = con.sql(
        "select left_id, right_id, allocated_minor from reconciliation.match_allocations"
    ).fetchall()
    return Outcome(
        matches,
        {(side, name): reason for side, name, reason in residue},
        {(one, other): minor for one, other, minor in allocations},
        con,
    )
