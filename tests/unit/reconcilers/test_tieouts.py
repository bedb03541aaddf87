"""The proof of completeness: what holds, what is explained, and what breaks it."""

import json
from datetime import date

import polars as pl
import pytest

from reconcilers import engine
from reconcilers.engine import WarehouseBuiltForAnotherDay
from reconcilers.evaluate import evaluate
from reconcilers.rules.comparison import CONTROL
from reconcilers.tieout_extraction import STAGED_SUMS, staging_model
from reconcilers.tieouts import build_tieouts
from tests.comparison_tables import (
    DAY,
    ROOT,
    add,
    billing_invoice,
    erp_invoice,
    invoice,
    only,
    paired,
    rules_over,
    snapshot,
    warehouse,
)

INVOICES = "cmp_invoice__billing_vs_erp"
PAYMENTS = "cmp_payment__billing_vs_erp"
POSTINGS = "cmp_posting__event_vs_ledger"
TAXES = "cmp_invoice_tax__billing_vs_erp"
TERMS = "cmp_customer__crm_vs_erp"
DOCUMENTS = "(source_id varchar, legal_entity varchar, currency varchar, period varchar, {} bigint)"


def tied(rows, documents=(), snapshots=(), staged=(), tables=()):
    """The tie-outs over these comparison rows, conformed documents and raw snapshots."""
    con = warehouse(rows, views=[*rows])
    for name, amount in (("invoice", "total_minor"), ("payment", "amount_minor")):
        for role in ("billing", "erp"):
            con.execute(f"create table conformed.{name}__{role} {DOCUMENTS.format(amount)}")
    con.execute(
        "create table raw.snapshots (system varchar, object varchar, source_count_before bigint, source_count bigint, landed_count bigint, quarantined_count bigint, source_sum_minor_before varchar, source_sum_minor varchar)"
    )
    for table, row in documents:
        add(con, f"conformed.{table}", row)
    for row in snapshots:
        add(con, "raw.snapshots", row)
    for name, count in staged:
        con.execute(f"create table staging.{name} as select * from range({count})")
    for table in tables:
        con.execute(f"create table {table}")
    findings = evaluate(con, rules_over(*rows), DAY)
    frame = build_tieouts(con, findings, DAY, sums=(), balances=())
    assert engine.collect(engine.lazy(con, "reconciliation.tieouts")).equals(frame)
    return frame


def line(frame, code, scope, currency=None, period=None):
    (found,) = frame.filter(
        pl.col("code") == code,
        pl.col("scope") == scope,
        pl.col("currency").eq_missing(pl.lit(currency)),
        pl.col("period").eq_missing(pl.lit(period)),
    ).to_dicts()
    return found


def document(table, key, amount=10_000, period="2026-06", currency="USD"):
    money = "amount_minor" if table.startswith("payment") else "total_minor"
    values = {"source_id": key, "legal_entity": "US", "currency": currency, "period": period}
    return (table, values | {money: amount})


def billed(key, **values):
    return document("invoice__billing", f"billing-{key}", **values)


def posted(key, **values):
    return document("invoice__erp", f"erp-{key}", **values)


def reading(source, landed=10, quarantined=0, **values):
    return {
        "system": "stripe",
        "object": "price",
        "source_count": source,
        "landed_count": landed,
        "quarantined_count": quarantined,
        **values,
    }


@pytest.mark.parametrize(
    ("source", "quarantined", "staged", "holds", "unexplained"),
    [
        (10, 0, 10, True, 0),
        (12, 2, 10, True, 0),
        (None, 0, 10, True, 0),
        (11, 0, 10, False, 1),  # nobody reported it
        (10, 0, 9, False, 1),  # lost between landing and staging
        (None, 0, 12, False, 2),
        (11, 0, 9, False, 2),
    ],
)
def test_what_the_source_counts_landed_and_was_staged(
    source, quarantined, staged, holds, unexplained
):
    frame = tied(
        {CONTROL.name: [snapshot("stripe", "price")]},
        snapshots=[reading(source, quarantined=quarantined)],
        staged=[("stg_stripe__prices", staged)],
    )
    found = line(frame, "TO-EXT", "stripe.price")
    assert (found["holds"], found["unexplained_rows"]) == (holds, unexplained)
    assert (found["left_rows"], found["right_rows"]) == (source, 10 + quarantined)


def test_a_control_break_that_is_reported_is_explained():
    frame = tied(
        {CONTROL.name: [snapshot("stripe", "price", source_count=13, difference=3)]},
        snapshots=[reading(13)],
        staged=[("stg_stripe__prices", 10)],
    )
    found = line(frame, "TO-EXT", "stripe.price")
    assert found["holds"]
    assert "CTL-CNT-01 reports 3" in found["detail"]


@pytest.mark.parametrize(
    ("before", "after", "reported", "source", "unexplained"),
    [
        (9, 12, 0, 10, 0),
        (12, 9, 0, 10, 0),
        (11, 13, 0, 11, 1),
        (13, 11, 1, 11, 0),
        (7, 9, 0, 9, 1),
    ],
)
def test_between_the_counts_of_a_source_that_moved_nothing_is_missing(
    before, after, reported, source, unexplained
):
    counts = {"source_count_before": before, "source_count": after, "difference": reported}
    frame = tied(
        {CONTROL.name: [snapshot("stripe", "price", **counts)]},
        snapshots=[reading(after, source_count_before=before)],
        staged=[("stg_stripe__prices", 10)],
    )
    found = line(frame, "TO-EXT", "stripe.price")
    assert (found["left_rows"], found["unexplained_rows"]) == (source, unexplained)
    assert found["holds"] == (unexplained == 0)
    assert f"counted {before} before and {after} after" in found["detail"]


CURRENCIES = "values ('1', 'USD', 2), ('2', 'JPY', 0)"
TRANSACTIONS = (
    "values ('1', 'invoice', 0.70::decimal(28, 8)), ('1', 'payment', 0.40), "
    "('2', 'invoice', 700), ('1', 'journal', 0)"
)
TOTALLED = {"USD": 110, "JPY": 700}


def totalled(after, before=None, reported=0, **counts):
    """The tie-outs where the ledger's own totals are these, and 1.10 USD and 700 JPY are staged."""
    sums = {"source_sum_minor_before": json.dumps(before or after)}
    sums |= {"source_sum_minor": json.dumps(after)}
    ledger = {"system": "netsuite", "object": "transaction", "source_count_before": 4}
    return tied(
        {CONTROL.name: [snapshot("netsuite", "transaction", difference=reported)]},
        snapshots=[reading(4 + reported, **{"landed": 4, **ledger, **sums, **counts})],
        tables=[
            f"staging.stg_netsuite__currencies as from ({CURRENCIES}) t(currency_id, currency, exponent)",
            f"staging.stg_netsuite__transactions as from ({TRANSACTIONS}) t(currency_id, transaction_type, total)",
        ],
    )


def test_amounts_that_the_source_totals_are_staged_in_each_currency():
    frame = totalled(TOTALLED)
    assert frame["holds"].all()
    for currency, minor in TOTALLED.items():
        found = line(frame, "TO-EXT", "netsuite.transaction", currency)
        assert (found["left_minor"], found["right_minor"], found["matched_minor"]) == (minor,) * 3


@pytest.mark.parametrize(
    ("source", "currency", "gap"),
    [
        ({"USD": 111, "JPY": 700}, "USD", 1),
        ({"USD": 110, "JPY": 1}, "JPY", -699),
        ({"USD": 110, "JPY": 700, "KWD": 5}, "KWD", 5),
        ({"USD": 110}, "JPY", -700),
    ],
    ids=["altered", "altered in yen", "lost", "not of the source"],
)
def test_an_amount_lost_or_altered_on_the_way_breaks_its_currency(source, currency, gap):
    broken = totalled(source).filter(~pl.col("holds"))
    assert broken["currency"].to_list() == [currency]
    assert broken["unexplained_minor"].to_list() == [gap]


@pytest.mark.parametrize(
    ("known", "cause"),
    [
        ({"before": {"USD": 109, "JPY": 700}}, "total moved"),
        ({"source_count_before": 3}, "counted 3 before and 4 after"),
        ({"landed": 3, "quarantined": 1}, "quarantined 1"),
        ({"reported": 1, "source_count_before": 5}, "CTL-CNT-01 reports 1"),
    ],
)
def test_a_gap_in_amounts_is_explained_by_what_is_known_to_be_amiss(known, cause):
    found = line(
        totalled({"USD": 120, "JPY": 700}, **known), "TO-EXT", "netsuite.transaction", "USD"
    )
    assert found["holds"]
    assert (found["explained_minor"], found["unexplained_minor"]) == (10, 0)
    assert cause in found["detail"]


def test_whatever_a_source_totals_is_compared():
    from extractors.registry import READ

    specs = [(system, spec) for system, objects in READ.items() for spec in objects.values()]
    totalled_objects = {f"{system}.{spec.name}" for system, spec in specs if spec.control_sum}
    assert totalled_objects == set(STAGED_SUMS)


def test_each_raw_object_has_the_staging_model_that_its_name_says():
    from extractors.registry import READ

    models = {path.stem for path in (ROOT / "dbt_project/models/staging").rglob("*.sql")}
    named = {staging_model(system, name) for system, objects in READ.items() for name in objects}
    assert named <= models


def test_rows_and_money_of_a_side_are_disposed_once():
    frame = tied(
        {
            INVOICES: [
                invoice("a"),
                billing_invoice("b"),
                invoice("c", erp_total_minor=1, erp_amount_minor=1),
            ]
        },
        documents=[billed("a"), billed("b"), billed("c"), posted("a"), posted("c", amount=1)],
    )
    found = line(frame, "TO-DISP", f"{INVOICES}/billing", "USD")
    assert (found["left_rows"], found["left_minor"]) == (3, 30_000)
    assert (found["matched_minor"], found["explained_minor"]) == (10_000, 20_000)
    assert (found["unexplained_rows"], found["unexplained_minor"]) == (0, 0)
    assert frame["holds"].all()


def test_a_row_that_no_rule_claims_breaks_the_proof():
    frame = tied(
        {
            PAYMENTS: [
                paired("billing", "erp", "a", billing_currency="USD", erp_currency="USD"),
                only("erp", "billing", "b", erp_amount_minor=70, erp_currency="USD"),
            ]
        },
        documents=[
            document("payment__billing", "billing-a", amount=0),
            document("payment__erp", "erp-a", amount=0),
            document("payment__erp", "erp-b", amount=70),
        ],
    )
    found = line(frame, "TO-DISP", f"{PAYMENTS}/erp", "USD")
    assert (found["holds"], found["unexplained_rows"], found["unexplained_minor"]) == (False, 1, 70)
    assert "unexplained 1" in found["detail"]
    assert line(frame, "TO-DISP", f"{PAYMENTS}/billing", "USD")["holds"]


@pytest.mark.parametrize(
    ("rows", "documents"),
    [
        ([invoice("a")], [billed("a"), billed("lost"), posted("a")]),
        ([invoice("a"), invoice("a", row_key="b", has_erp=False)], [billed("a"), posted("a")]),
        ([invoice("a")], [billed("other"), posted("a")]),
    ],
    ids=["a record is lost", "a record stands twice", "a record is swapped for another"],
)
def test_every_record_stands_on_exactly_one_row(rows, documents):
    found = line(tied({INVOICES: rows}, documents), "TO-DISP", f"{INVOICES}/billing/records")
    assert not found["holds"]
    assert found["unexplained_rows"] > 0


def test_a_side_without_population_is_proved_against_the_comparison_itself():
    frame = tied({TERMS: [paired("crm", "erp", "a", crm_amount_minor=5)]})
    found = line(frame, "TO-DISP", f"{TERMS}/crm", "USD")
    assert (found["left_label"], found["left_minor"], found["holds"]) == (
        f"comparison.{TERMS}",
        5,
        True,
    )


def test_invoices_of_a_month_tie_out_with_what_explains_the_difference():
    frame = tied(
        {
            INVOICES: [
                invoice("a", erp_total_minor=10_001, erp_amount_minor=10_001),
                billing_invoice("b"),
                erp_invoice("c", excluded_reason="manual_erp"),
                billing_invoice("d", excluded_reason="draft", billing_period=None),
            ]
        },
        documents=[
            billed("a"),
            billed("b"),
            billed("d", period=None),
            posted("a", amount=10_001),
            posted("c"),
        ],
    )
    found = line(frame, "TO-INV", "US", "USD", "2026-06")
    assert (found["left_rows"], found["left_minor"]) == (2, 20_000)
    assert (found["right_rows"], found["right_minor"]) == (2, 20_001)
    assert (found["matched_minor"], found["explained_minor"]) == (0, -1)
    assert found["holds"]
    assert found["detail"] == (
        "billing exception INV-MISS-01 1 (100.00 USD), billing within_tolerance 1 (100.00 USD), "
        "ledger manual_erp 1 (100.00 USD), ledger within_tolerance 1 (100.01 USD)"
    )
    assert line(frame, "TO-INV", "US", "USD")["detail"] == "billing draft 1 (100.00 USD)"


def event(key, event_minor, ledger_minor, period="2026-06"):
    return paired(
        "event",
        "ledger",
        key,
        period=period,
        event_amount_minor=event_minor,
        ledger_amount_minor=ledger_minor,
    )


@pytest.mark.parametrize(
    ("rows", "unexplained", "minor"),
    [
        ([event("a", 500, 489)], 2, 11),
        # neither does it cancel out against another one, nor vanish among pairs that are rounded
        ([event("a", 500, 489), event("b", 489, 500)], 4, 0),
        ([event("a", 500, 489), *(event(f"r{n}", 100, 101) for n in range(9))], 2, 11),
    ],
    ids=["alone", "with its opposite", "among rounded ones"],
)
def test_a_gap_that_no_rule_tells_and_that_no_rounding_makes_breaks_the_month(
    rows, unexplained, minor
):
    found = line(tied({POSTINGS: rows}), "TO-JE", "US", "USD", "2026-06")
    assert (found["holds"], found["unexplained_rows"]) == (False, unexplained)
    assert found["unexplained_minor"] == minor


def test_a_pair_of_another_month_may_not_be_apart_either():
    row = invoice("a", billing_amount_minor=100_000, erp_amount_minor=10, erp_period="2026-07")
    frame = tied(
        {INVOICES: [row]},
        documents=[billed("a", amount=100_000), posted("a", amount=10, period="2026-07")],
    )
    assert not line(frame, "TO-INV", "US", "USD", "2026-06")["holds"]
    assert not line(frame, "TO-INV", "US", "USD", "2026-07")["holds"]


def test_an_invoice_posted_in_the_next_month_explains_both_months():
    frame = tied(
        {INVOICES: [invoice("a", erp_period="2026-07")]},
        documents=[billed("a"), posted("a", period="2026-07")],
    )
    june = line(frame, "TO-INV", "US", "USD", "2026-06")
    july = line(frame, "TO-INV", "US", "USD", "2026-07")
    assert (june["explained_minor"], june["holds"]) == (10_000, True)
    assert (july["explained_minor"], july["holds"]) == (-10_000, True)
    assert june["detail"] == "billing other_period 1 (100.00 USD)"


def test_an_invoice_in_other_books_explains_both_entities():
    german = ("invoice__erp", posted("a")[1] | {"legal_entity": "DE"})
    frame = tied({INVOICES: [invoice("a", erp_legal_entity="DE")]}, documents=[billed("a"), german])
    sold = line(frame, "TO-INV", "US", "USD", "2026-06")
    booked = line(frame, "TO-INV", "DE", "USD", "2026-06")
    assert (sold["explained_minor"], sold["holds"]) == (10_000, True)
    assert (booked["explained_minor"], booked["holds"]) == (-10_000, True)
    assert sold["detail"] == "billing exception JE-ENT-01 1 (100.00 USD)"
    assert booked["detail"] == "ledger exception JE-ENT-01 1 (100.00 USD)"


def test_the_tax_of_an_invoice_in_other_books_stands_in_both_entities():
    sides = {"billing_legal_entity": "US", "erp_legal_entity": "DE", "period": "2026-06"}
    tax = {"billing_amount_minor": 500, "erp_amount_minor": 500, **sides}
    frame = tied({TAXES: [paired("billing", "erp", "a", **tax)]})
    for entity, minor in (("US", 500), ("DE", -500)):
        found = line(frame, "TO-TAX", entity, "USD", "2026-06")
        assert (found["explained_minor"], found["holds"]) == (minor, True)
        assert found["detail"].split()[1:3] == ["other_entity", "1"]


def test_an_invoice_that_the_comparison_lost_breaks_the_month():
    frame = tied({INVOICES: [invoice("a")]}, documents=[billed("a"), posted("a"), posted("lost")])
    found = line(frame, "TO-INV", "US", "USD", "2026-06")
    assert (found["holds"], found["unexplained_rows"], found["unexplained_minor"]) == (
        False,
        1,
        -10_000,
    )


def test_gaps_on_both_sides_do_not_cancel_out():
    frame = tied(
        {INVOICES: [invoice("a")]},
        documents=[billed("a"), posted("a"), billed("lost"), posted("gone")],
    )
    found = line(frame, "TO-INV", "US", "USD", "2026-06")
    assert (found["holds"], found["unexplained_rows"], found["unexplained_minor"]) == (False, 2, 0)


def test_another_day_is_refused():
    con = warehouse(views=[TERMS])
    findings = evaluate(con, rules_over(TERMS), DAY)
    with pytest.raises(WarehouseBuiltForAnotherDay):
        build_tieouts(con, findings, date(2026, 1, 1))
