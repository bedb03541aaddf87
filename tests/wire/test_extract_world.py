"""A whole company over several nights: what was merged is what the systems hold."""

import asyncio
from dataclasses import replace
from datetime import date, timedelta

import duckdb
import pytest

from extractors.extract import extract_system
from extractors.raw_tables import load_current
from extractors.registry import SOURCES, open_source
from extractors.sandbox.fidelity import truth_rows
from extractors.sandbox.world import advance_world, build_world

LAST_DAY = date(2026, 10, 31)
OBJECTS = [(system, spec) for system, objects in SOURCES.items() for spec in objects.values()]


def read_everything(vendors):
    async def run():
        for system in SOURCES:
            async with open_source(vendors.config(system)) as source:
                await extract_system(source, vendors.raw, vendors.day)

    asyncio.run(run())


def loaded(vendors):
    con = duckdb.connect()
    load_current(con, vendors.raw.root, vendors.day)
    return con


@pytest.fixture
def company(vendors):
    build_world(vendors.store, seed=5, customers=60, months=9, end=LAST_DAY)
    vendors.day = LAST_DAY
    read_everything(vendors)
    return vendors


def test_a_first_night_holds_what_the_systems_hold(company):
    con = loaded(company)
    for system, spec in OBJECTS:
        stored = company.store.rows(system, spec.vendor_name)
        if spec.name == "usage":
            stored = list(truth_rows(company.store, system, spec.vendor_name))
            assert len(stored) > 100
        if spec.name == "tax_id":
            customers = company.store.rows("stripe", "customer")
            stored = [
                one for owner in customers for one in (owner.get("tax_ids") or {}).get("data", ())
            ]
        spelled = {name.lower(): name for record in stored[:1] for name in record}
        keys = {tuple(str(record[spelled[name]]) for name in spec.key) for record in stored}
        # That nothing was used on a day is a row of ours; the source has none.
        told = "WHERE aggregated_value <> '0'" if spec.name == "usage" else ""
        table = f"raw.{system}__{spec.name} {told}"
        found = con.sql(f"SELECT {', '.join(spec.key)} FROM {table}").fetchall()
        assert set(found) == keys, spec.name
        assert len(found) == len(stored), spec.name
    told = con.sql(
        "SELECT sum(source_count - landed_count), sum(quarantined_count) FROM raw.snapshots"
    )
    assert told.fetchall() == [(0, 0)]


def test_usage_is_what_the_meters_counted_day_by_day_and_period_by_period(company):
    kept = truth_rows(company.store, "stripe", "billing.meter_event_summary")
    expected = {row.pop("id"): tuple(map(str, row.values())) for row in kept}
    columns = "meter, customer, aggregated_value, start_time, end_time"
    used = f"SELECT id, {columns} FROM raw.stripe__usage WHERE aggregated_value <> '0'"
    found = loaded(company).sql(used).fetchall()
    assert {key: tuple(map(str, values)) for key, *values in found} == expected
    seconds = {int(end) - int(start) for *_, start, end in expected.values()}
    # Some days are cut: a period ends in them.
    assert max(seconds) == 86_400 > min(seconds)


def test_sums_tie_to_the_source(company):
    con = loaded(company)
    sums = {
        "transaction": ("foreigntotal", ""),
        "revenue_plan": ("amount", ""),
        "transaction_line": ("foreignamount", "JOIN raw.netsuite__transaction p ON p.id = t.transaction"),
        "transaction_link": ("foreignamount", "JOIN raw.netsuite__transaction p ON p.id = t.nextdoc"),
        "revenue_plan_line": ("amount", "JOIN raw.netsuite__revenue_plan p ON p.id = t.revenueplan"),
    }  # fmt: skip
    for name, (amount, parent) in sums.items():
        owner = "p" if parent else "t"
        landed = con.sql(
            f"SELECT c.symbol, sum((t.{amount}::DECIMAL(18, 4) * pow(10, c.currencyprecision::INT))"
            f"::DECIMAL(18, 0))::BIGINT FROM raw.netsuite__{name} t {parent} "
            f"JOIN raw.netsuite__currency c ON c.id = {owner}.currency GROUP BY 1"
        )
        manifest = company.raw.published("netsuite", name, company.day)
        assert dict(landed.fetchall()) == manifest.source_sum_minor, name
        assert manifest.source_sum_minor, name
    invoices = company.store.rows("stripe", "invoice")
    ((total, lines),) = con.sql(
        "SELECT sum(total), sum(json_array_length(lines)) FROM raw.stripe__invoice"
    ).fetchall()
    assert total == sum(invoice["total"] for invoice in invoices)
    assert lines == sum(len(invoice["lines"]["data"]) for invoice in invoices)


def test_what_settles_invoices_is_read_with_the_ids_of_billing(company):
    con = loaded(company)
    for kind, column in (
        ("CustCred", "custbody_stripe_credit_note_id"),
        ("CustRfnd", "custbody_stripe_refund_id"),
        ("Deposit", "custbody_stripe_payout_id"),
        ("Journal", "custbody_stripe_dispute_id"),
    ):
        stored = company.store.rows("netsuite", "transaction", type=kind)
        expected = sorted((row["id"], row[column]) for row in stored if row[column])
        found = con.sql(
            f"SELECT id, {column} FROM raw.netsuite__transaction "
            f"WHERE type = '{kind}' AND {column} IS NOT NULL"
        )
        assert sorted(found.fetchall()) == expected, kind
        assert expected or kind == "Journal", kind
    entries = con.sql(
        "SELECT DISTINCT custcol_stripe_balance_id FROM raw.netsuite__transaction_line "
        "WHERE custcol_stripe_balance_id IS NOT NULL"
    ).fetchall()
    known = {row["id"] for row in company.store.rows("stripe", "balance_transaction")}
    assert entries
    assert {entry for (entry,) in entries} <= known


def test_nights_merged_equal_one_full_read_of_the_last(company):
    for _ in range(3):
        advance_world(company.store, 1)
        company.day += timedelta(days=1)
        read_everything(company)
    fresh = replace(company, home=company.home / "fresh")
    read_everything(fresh)
    merged, read_at_once = loaded(company), loaded(fresh)
    for system, spec in OBJECTS:
        query = f"SELECT {', '.join(map(quoted, spec.columns))} FROM raw.{system}__{spec.name}"
        rows, expected = merged.sql(query).fetchall(), read_at_once.sql(query).fetchall()
        assert sorted(rows, key=repr) == sorted(expected, key=repr), spec.name
    modes = {
        company.raw.published(system, spec.name, company.day).mode
        for system, spec in OBJECTS
        if system != "netsuite"
    }
    assert modes == {"incremental"}


def quoted(name):
    return f'"{name}"'
