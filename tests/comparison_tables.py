"""A small warehouse for tests of the reconcilers: comparison views as tables with the columns that dbt declares."""

from collections.abc import Iterable, Mapping
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import yaml

from reconcilers.evaluate import evaluate
from reconcilers.matrix import load_matrix
from reconcilers.rules.base import Rule
from reconcilers.rules.catalogue import all_rules
from reconcilers.rules.comparison import COMPARISONS

ROOT = Path(__file__).parents[1]
SEEDS = ROOT / "dbt_project" / "seeds"
DAY = date(2026, 6, 30)
CAUSE_LINKS = "cause_links"
DELTA_PARTS = "delta_parts"
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # ten times as fast where it is there

FX_RATES = """
select * from (
    values ('USD', 'USD', date '2020-01-01', 1.00), ('EUR', 'USD', date '2020-01-01', 1.08),
        ('GBP', 'USD', date '2020-01-01', 1.27), ('JPY', 'USD', date '2020-01-01', 0.0067),
        ('EUR', 'USD', date '2027-01-01', 9.99)
) as rates (currency, reporting_currency, valid_from, rate)
"""

Rows = Mapping[str, Iterable[Mapping[str, Any]]]


@cache
def declared_columns() -> dict[str, dict[str, str]]:
    files = sorted((ROOT / "dbt_project/models/comparison").glob("*.yml"))
    texts = (file.read_text(encoding="utf-8") for file in files)
    return {
        model["name"]: {column["name"]: column["data_type"] for column in model["columns"]}
        for text in texts
        for model in yaml.load(text, _Loader).get("models", ())
    }


def warehouse(
    rows: Rows | None = None, day: date = DAY, *, views: Iterable[str] = ()
) -> duckdb.DuckDBPyConnection:
    """These comparisons (or all), empty but for the given rows; rates; the build stamp of the day."""
    con = duckdb.connect()
    for schema in ("raw", "seeds", "comparison", "conformed", "staging", "identity"):
        con.execute(f"create schema {schema}")
    con.execute("create table raw.build as select ?::date as snapshot_date", [day])
    con.execute(f"create table seeds.currencies as from read_csv('{SEEDS / 'currencies'}.csv')")
    con.execute(f"create table seeds.fx_rates as {FX_RATES}")
    for view, columns in declared_columns().items():
        if views and view.replace("folded_", "cmp_") not in {*views, CAUSE_LINKS, DELTA_PARTS}:
            continue
        if view.startswith("pairs_"):  # stands for all rows below, since none is folded by itself
            continue
        listed = ", ".join(f'"{name}" {kind}' for name, kind in columns.items())
        con.execute(f"create table comparison.{view} ({listed})")
    for view, added in (rows or {}).items():
        for row in added:
            add(con, f"comparison.{view}", row)
    for comparison in COMPARISONS:
        if comparison.is_folded and comparison.name in (views or declared_columns()):
            con.execute(f"create view {comparison.pairs} as from comparison.{comparison.name}")
    return con


@cache
def rules_over(*views: str) -> list[Rule]:
    """The rules over these comparisons, or all rules; those of the shipped matrix."""
    rules = all_rules(load_matrix(SEEDS / "system_of_record.csv"), DAY)
    return [rule for rule in rules if not views or rule.over in views]


@cache
def _kept(view: str) -> duckdb.DuckDBPyConnection:
    """The warehouse of one comparison, made once: to make it takes longer than to empty it."""
    return warehouse(views=[view])


def drift_in(view: str, *rows: Mapping[str, Any]) -> pl.DataFrame:
    """The drift among these rows of one comparison."""
    con = _kept(view)
    con.execute(f"delete from comparison.{view}")
    for row in rows:
        add(con, f"comparison.{view}", row)
    return evaluate(con, rules_over(view), DAY).drift


def add(con: duckdb.DuckDBPyConnection, table: str, row: Mapping[str, Any]) -> None:
    names = ", ".join(f'"{name}"' for name in row)
    marks = ", ".join("?" for _ in row)
    con.execute(f"insert into {table} ({names}) values ({marks})", list(row.values()))


def paired(a: str, b: str, key: str, **values: Any) -> dict[str, Any]:
    """A row on which both roles stand, long covered; values override."""
    return {
        "row_key": key,
        "entity": "thing",
        "canonical_id": f"cus_{key}",
        f"{a}_id": f"{a}-{key}",
        f"{b}_id": f"{b}-{key}",
        f"has_{a}": True,
        f"has_{b}": True,
        "legal_entity": "US",
        "currency": "USD",
        f"{a}_coverage_seconds": 10**7,
        f"{b}_coverage_seconds": 10**7,
    } | values


def only(role: str, other: str, key: str, **values: Any) -> dict[str, Any]:
    """A row on which one role stands alone."""
    return paired(role, other, key, **{f"{other}_id": None, f"has_{other}": False} | values)


def _on_both(values: Mapping[str, Any]) -> dict[str, Any]:
    """The same of billing and of the ledger."""
    return {
        f"{role}_{name}": value for role in ("billing", "erp") for name, value in values.items()
    }


def invoice(key: str, **values: Any) -> dict[str, Any]:
    """An invoice on which billing and the ledger agree; 100.00 with tax, one line, open."""
    same = _on_both(
        {
            "amount_minor": 10_000,
            "total_minor": 10_000,
            "subtotal_minor": 8_000,
            "tax_minor": 2_000,
            "amount_due_minor": 10_000,
            "status": "open",
            "legal_entity": "US",
            "currency": "USD",
            "period": "2026-06",
            "number": f"N-{key}",
            "invoice_date": date(2026, 6, 15),
            "due_date": date(2026, 7, 15),
        }
    )
    rest = {
        "entity": "invoice",
        "period": "2026-06",
        "invoice_date_days": 0,
        "due_date_days": 0,
        "is_erp_date_of_utc": False,
        "line_count": 1,
        "is_erp_duplicate": False,
        "is_manual": False,
        "erp_is_voided": False,
        "erp_status_coverage_seconds": 10**7,
    }
    return paired("billing", "erp", key, **same | rest | values)


def billing_invoice(key: str, **values: Any) -> dict[str, Any]:
    """An invoice that the ledger lacks."""
    row = invoice(key, has_erp=False, erp_status_coverage_seconds=None)
    missing = {name: None for name in row if name.startswith("erp_") and name not in _ERP_KEPT}
    return row | missing | values


def erp_invoice(key: str, **values: Any) -> dict[str, Any]:
    """An invoice that billing does not know."""
    row = invoice(key, has_billing=False, erp_status_coverage_seconds=None)
    missing = {
        name: None for name in row if name.startswith("billing_") and name not in _BILLING_KEPT
    }
    return row | missing | values


def invoice_line(key: str, **values: Any) -> dict[str, Any]:
    """A line on which billing and the ledger agree; 100.00 for five units in June."""
    same = _on_both(
        {
            "amount_minor": 10_000,
            "product_code": "SKU",
            "quantity": 5,
            "service_start_date": date(2026, 6, 1),
            "service_end_date": date(2026, 6, 30),
        }
    )
    rest = {"entity": "invoice_line", "start_moved_minor": 0, "end_moved_minor": 0}
    return paired("billing", "erp", key, **same | rest | values)


def credit_note(key: str, **values: Any) -> dict[str, Any]:
    """A credit note on which billing and the ledger agree; 100.00 with tax, one line, issued."""
    same = _on_both(
        {
            "amount_minor": 10_000,
            "total_minor": 10_000,
            "tax_minor": 2_000,
            "status": "issued",
            "legal_entity": "US",
            "currency": "USD",
        }
    )
    rest = {
        "entity": "credit_note",
        "line_count": 1,
        "is_erp_duplicate": False,
        "excess_minor": 0,
        "missing_because": "never_posted",
        "counterpart_coverage_seconds": 10**7,
        "erp_status_coverage_seconds": 10**7,
    }
    return paired("billing", "erp", key, **same | rest | values)


def application(key: str, **values: Any) -> dict[str, Any]:
    """A credit note of 100.00 that both apply in full to the same invoice."""
    amounts = (
        "billing_amount_minor",
        "erp_amount_minor",
        "billing_applied_minor",
        "erp_applied_minor",
    )
    rest = {"missing_because": "unapplied", "counterpart_coverage_seconds": 10**7}
    return paired("billing", "erp", key, **dict.fromkeys(amounts, 10_000) | rest | values)


def snapshot(system: str, name: str, **values: Any) -> dict[str, Any]:
    """An object of a source that landed complete and fresh."""
    return {
        "row_key": f"{system}.{name}",
        "entity": "snapshot",
        "source_id": name,
        "landed_id": name,
        "has_source": True,
        "has_landed": True,
        "system": system,
        "object": name,
        "snapshot_date": DAY,
        "source_count_before": 10,
        "source_count": 10,
        "landed_count": 10,
        "quarantined_count": 0,
        "difference": 0,
        "watermark_at": "2026-07-01 02:00:00",
        "newest_watermark_at": "2026-07-01 02:00:00",
        "staleness_seconds": 0,
        "covers_day": True,
    } | values


_ERP_KEPT = {"erp_coverage_seconds", "erp_is_voided"}
_BILLING_KEPT = {"billing_coverage_seconds"}
