"""One pass per comparison: what comes back, and where every row went."""

from dataclasses import replace
from datetime import date

import narwhals as nw
import polars as pl
import pytest
from pandera.errors import SchemaError

from reconcilers import engine
from reconcilers.engine import WarehouseBuiltForAnotherDay
from reconcilers.evaluate import SystemicGuard, evaluate
from reconcilers.findings import DRIFT
from reconcilers.rates import MissingRateError
from reconcilers.rules.comparison import COMPARISONS, CONTROL
from reconcilers.rules.severity import severity
from tests.comparison_tables import (
    CAUSE_LINKS,
    DAY,
    DELTA_PARTS,
    billing_invoice,
    declared_columns,
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
IN_CRM = "cmp_customer__crm_vs_billing"
IN_ERP = "cmp_customer__billing_vs_erp"


def night(rows, **options):
    con = warehouse(rows, views=[*rows])
    return evaluate(con, rules_over(*rows), DAY, **options)


def placed(findings, side):
    of_side = findings.dispositions.filter(pl.col("side") == side)
    return {row["disposition"]: (row["rows"], row["amount_minor"]) for row in of_side.to_dicts()}


def test_every_row_of_each_side_has_one_disposition():
    findings = night(
        {
            INVOICES: [
                invoice("equal"),
                invoice("wrong", erp_total_minor=9_000, erp_amount_minor=9_000),
                billing_invoice("missing"),
                billing_invoice("young", erp_coverage_seconds=60),
                billing_invoice("draft", excluded_reason="draft"),
                erp_invoice("stray"),
            ]
        }
    )
    assert placed(findings, "billing") == {
        "matched": (1, 10_000),
        "exception": (2, 20_000),
        "in_flight": (1, 10_000),
        "excluded:draft": (1, 10_000),
    }
    assert placed(findings, "erp") == {"matched": (1, 10_000), "exception": (2, 19_000)}


def test_a_row_on_one_side_that_no_rule_claims_is_unexplained():
    findings = night({PAYMENTS: [only("erp", "billing", "a", erp_amount_minor=5)]})
    assert placed(findings, "erp") == {"unexplained": (1, 5)}
    assert findings.drift.is_empty()


def test_of_several_rules_on_a_row_the_worst_decides_where_it_goes():
    row = invoice("a", erp_total_minor=1, erp_status="paid", erp_status_coverage_seconds=60)
    findings = night({INVOICES: [row]})
    assert findings.drift.select("code", "disposition").rows() == [
        ("INV-AMT-01", "exception"),
        ("INV-STAT-01", "in_flight"),
    ]
    assert list(placed(findings, "billing")) == ["exception"]


def test_pairs_that_are_alike_are_matched_and_count_for_the_guard():
    alike = {"legal_entity": "US", "currency": "USD", "period": "2026-06"}
    rows = {
        INVOICES: [billing_invoice("missing")],
        "folded_invoice__billing_vs_erp": [
            alike | {"row_count": 98, "amount_minor": 980_000},
            alike | {"period": "2026-05", "row_count": 1, "amount_minor": 5},
        ],
    }
    findings = evaluate(warehouse(rows), rules_over(INVOICES), DAY)
    assert placed(findings, "billing") == {"matched": (99, 980_005), "exception": (1, 10_000)}
    assert placed(findings, "erp") == {"matched": (99, 980_005)}
    missing = findings.guard.filter(pl.col("code") == "INV-MISS-01")
    assert missing.select("population", "fired").row(0) == (100, 1)


def test_findings_are_unproven_while_an_object_they_read_is_incomplete():
    rows = {
        CONTROL.name: [snapshot("netsuite", "transaction", source_count=11, difference=1)],
        INVOICES: [billing_invoice("old"), billing_invoice("young", erp_coverage_seconds=60)],
        IN_CRM: [only("billing", "crm", "c", channel="sales_led")],
    }
    drift = night(rows).drift
    assert drift.select("code", "row_key", "disposition").rows() == [
        ("CTL-CNT-01", "netsuite.transaction", "exception"),
        ("CUS-MISS-01", "c", "exception"),
        ("INV-MISS-01", "old", "unproven"),
        ("INV-MISS-01", "young", "in_flight"),
    ]


def test_a_broken_control_on_an_object_that_nothing_reads_leaves_findings_alone():
    rows = {
        CONTROL.name: [snapshot("salesforce", "product2", staleness_seconds=10**6)],
        INVOICES: [billing_invoice("old")],
    }
    findings = night(rows)
    assert set(findings.drift["disposition"]) == {"exception"}


def test_the_night_is_written_in_place_of_the_one_before():
    con = warehouse({INVOICES: [billing_invoice("a")]}, views=[INVOICES])
    first = evaluate(con, rules_over(INVOICES), DAY)
    again = evaluate(con, rules_over(INVOICES), DAY)
    for name in ("drift", "dispositions"):
        kept = engine.collect(engine.lazy(con, f"reconciliation.{name}"))
        assert kept.equals(getattr(first, name))
        assert getattr(again, name).equals(getattr(first, name))
    assert engine.collect(engine.lazy(con, "reconciliation.rule_guard")).equals(first.guard)


def test_a_rule_that_is_given_twice_or_in_another_order_changes_nothing():
    rules = rules_over(INVOICES)
    con = warehouse({INVOICES: [billing_invoice("a"), erp_invoice("b")]}, views=[INVOICES])
    straight = evaluate(con, rules, DAY)
    twisted = evaluate(con, [*reversed(rules), *rules], DAY)
    assert straight.drift.equals(twisted.drift)
    assert straight.dispositions.equals(twisted.dispositions)


def test_another_day_than_the_warehouse_is_built_for_is_refused():
    with pytest.raises(WarehouseBuiltForAnotherDay):
        evaluate(warehouse(views=[INVOICES]), rules_over(INVOICES), date(2026, 1, 1))


def test_money_without_a_rate_is_an_error_that_names_the_currencies():
    rows = [billing_invoice("a", currency="CHF"), billing_invoice("b", currency="BRL")]
    with pytest.raises(MissingRateError, match="BRL, CHF"):
        night({INVOICES: rows})


def test_a_currency_without_a_rate_does_not_matter_where_no_money_is_at_stake():
    row = paired("crm", "billing", "a", currency="CHF", crm_legal_name="A", billing_legal_name="B")
    findings = night({IN_CRM: [row | {"is_cross_referenced": True}]})
    assert findings.drift["impact_reporting_minor"].to_list() == [0]


def test_the_rate_is_the_one_in_force_on_the_day():
    rows = {INVOICES: [billing_invoice("a", currency="EUR")]}
    later = date(2027, 1, 1)
    after = evaluate(warehouse(rows, later, views=[INVOICES]), rules_over(INVOICES), later)
    assert night(rows).drift["impact_reporting_minor"].to_list() == [10_800]
    assert after.drift["impact_reporting_minor"].to_list() == [99_900]


def test_two_rows_with_one_exception_key_break_the_contract():
    row = billing_invoice("a")
    with pytest.raises(SchemaError, match="exception_key"):
        night({INVOICES: [row, row]})


@pytest.mark.parametrize(
    ("missing", "population", "is_systemic"), [(15, 50, False), (16, 50, True), (16, 49, False)]
)
def test_a_rule_that_fires_on_too_many_is_systemic(missing, population, is_systemic):
    rows = [billing_invoice(f"m{n}") for n in range(missing)]
    rows += [invoice(f"o{n}") for n in range(population - missing)]
    rows += [billing_invoice(f"d{n}", excluded_reason="draft") for n in range(5)]
    findings = night({INVOICES: rows})
    (line,) = findings.guard.filter(pl.col("code") == "INV-MISS-01").to_dicts()
    assert (line["population"], line["fired"]) == (population, missing)
    assert line["is_systemic"] is is_systemic
    assert findings.systemic_codes == ({"INV-MISS-01"} if is_systemic else set())


def test_what_is_in_flight_does_not_make_a_rule_systemic():
    rows = [billing_invoice(f"m{n}", erp_coverage_seconds=0) for n in range(60)]
    assert not night({INVOICES: rows}).systemic_codes


def test_the_guard_can_be_set():
    guard = SystemicGuard(share=0.5, min_rows=2)
    rows = [invoice("a"), billing_invoice("b"), billing_invoice("c")]
    assert night({INVOICES: rows}, guard=guard).systemic_codes == {"INV-MISS-01"}


@pytest.mark.parametrize(
    ("reporting", "floor", "expected"),
    [
        (99_999, "S4", "S4"),
        (100_000, "S4", "S3"),
        (-1_000_000, "S4", "S2"),
        (10_000_000, "S4", "S1"),
        (0, "S2", "S2"),
        (-10_000_000, "S3", "S1"),
    ],
)
def test_severity_is_the_worse_of_floor_and_money(reporting, floor, expected):
    frame = nw.from_native(pl.DataFrame({"minor": [reporting]}))
    judged = frame.select(severity=severity(nw.lit(floor), nw.col("minor")))
    assert judged["severity"].to_list() == [expected]


def test_the_comparisons_are_those_that_dbt_declares():
    names = {comparison.name for comparison in COMPARISONS}
    folded = {
        name.removeprefix("comparison.")
        for each in COMPARISONS
        if each.is_folded
        for name in (each.pairs, each.folded, each.apart, each.unlike)
    }
    assert {name for name in declared_columns() if name.startswith("cmp_")} == names
    assert folded | {CAUSE_LINKS, DELTA_PARTS} <= set(declared_columns())
    for comparison in COMPARISONS:
        columns = declared_columns()[comparison.name]
        needed = {f"has_{side}" for side in comparison.sides}
        needed |= {f"{side}_amount_minor" for side in comparison.sides}
        assert needed <= columns.keys()


def test_a_source_that_states_no_count_is_still_a_matched_reading():
    row = snapshot("stripe", "price", has_source=False, source_count=None, difference=None)
    assert placed(night({CONTROL.name: [row]}), "landed") == {"matched": (1, 0)}


def test_drift_keys_tell_class_row_and_attribute_apart():
    row = invoice("a", erp_total_minor=1, erp_status="paid")
    findings = night({INVOICES: [row, row | {"row_key": "b"}]})
    assert findings.drift["exception_key"].n_unique() == findings.drift.height == 4
    assert list(findings.drift.columns) == list(DRIFT.columns)


def test_a_rule_without_grace_never_waits():
    (rule,) = [rule for rule in rules_over(INVOICES) if rule.code == "INV-MISS-01"]
    con = warehouse({INVOICES: [billing_invoice("a", erp_coverage_seconds=-5)]}, views=[INVOICES])
    hasty = evaluate(con, [replace(rule, coverage=None)], DAY)
    assert hasty.drift["disposition"].to_list() == ["exception"]
