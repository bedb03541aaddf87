"""Invoices that lost their key are one finding, not a missing and an extra one."""

from typing import Any

import polars as pl
import pytest

from reconcilers.evaluate import evaluate
from reconcilers.lost_keys import tell_lost_keys
from tests.comparison_tables import DAY, billing_invoice, erp_invoice, rules_over, warehouse

OVER = "cmp_invoice__billing_vs_erp"
RULES = rules_over(OVER)


def night(*rows: dict[str, Any], lost: tuple[tuple[str, str, str, str], ...] = (), day=DAY):
    """Findings after matching; `lost` is (billing id, ERP id, pass, mode)."""
    con = warehouse({OVER: rows}, views=[OVER])
    con.execute("create schema reconciliation")
    con.execute("""
        create table reconciliation.matches (snapshot_date date, pairing varchar, match_id varchar,
            pass_name varchar, mode varchar, cardinality varchar);
        create table reconciliation.match_allocations (snapshot_date date, pairing varchar,
            match_id varchar, left_id varchar, right_id varchar)
    """)
    for number, (billing, erp, name, mode) in enumerate(lost):
        key = [day, "lost_invoice_keys", str(number)]
        con.execute(
            "insert into reconciliation.matches values (?, ?, ?, ?, ?, '1:1')", [*key, name, mode]
        )
        con.execute(
            "insert into reconciliation.match_allocations values (?, ?, ?, ?, ?)",
            [*key, billing, erp],
        )
    return evaluate(con, RULES, DAY)


def codes(findings) -> list[tuple[str, str]]:
    return findings.drift.select("code", "owner_id").sort("code", "owner_id").rows()


PAIR = (billing_invoice("a", billing_total_minor=250_000), erp_invoice("b"))
APART = [("INV-MISS-01", "billing-a"), ("INV-MISS-02", "erp-b")]


def test_a_lost_key_names_both_records_and_how_they_were_matched():
    found = night(*PAIR, lost=(("billing-a", "erp-b", "number", "automatic"),))
    (drift,) = found.drift.to_dicts()
    assert (drift["code"], drift["attribute"], drift["cause"]) == (
        "CTL-XREF-01",
        "invoice_id",
        "by_number",
    )
    assert (drift["owner_system"], drift["owner_id"]) == ("stripe", "billing-a")
    assert (drift["replica_system"], drift["replica_id"]) == ("netsuite", "erp-b")
    assert (drift["expected"], drift["observed"]) == ("billing-a", None)
    assert (drift["impact_minor"], drift["severity"]) == (250_000, "S3")


def test_its_exception_is_another_one_than_that_of_a_missing_invoice():
    apart = night(*PAIR).drift["exception_key"].to_list()
    together = night(*PAIR, lost=(("billing-a", "erp-b", "number", "automatic"),))
    assert together.drift["exception_key"].to_list()[0] not in apart


@pytest.mark.parametrize(
    "lost",
    [
        (),
        (("billing-a", "erp-b", "amount_of_customer", "suggested"),),
        (("billing-a", "erp-z", "number", "automatic"),),
        (("billing-z", "erp-b", "number", "automatic"),),
    ],
)
def test_without_an_automatic_match_of_the_two_they_stay_two(lost):
    assert codes(night(*PAIR, lost=lost)) == APART


def test_matches_of_another_day_count_for_nothing():
    lost = (("billing-a", "erp-b", "number", "automatic"),)
    assert codes(night(*PAIR, lost=lost, day=DAY.replace(day=29))) == APART


def test_a_night_without_matching_finds_the_two():
    assert codes(evaluate(warehouse({OVER: PAIR}, views=[OVER]), RULES, DAY)) == APART


def test_other_findings_stay_as_they_are():
    others = (billing_invoice("c"), erp_invoice("d"))
    found = night(*PAIR, *others, lost=(("billing-a", "erp-b", "service", "automatic"),))
    assert codes(found) == [
        ("CTL-XREF-01", "billing-a"),
        ("INV-MISS-01", "billing-c"),
        ("INV-MISS-02", "erp-d"),
    ]
    untouched = night(*others).drift
    assert found.drift.filter(pl.col("code") != "CTL-XREF-01").equals(untouched)


def test_nothing_lost_changes_nothing():
    drift = night(*PAIR).drift
    none = pl.DataFrame(
        schema={"billing_id": pl.String, "erp_id": pl.String, "evidence": pl.String}
    )
    assert tell_lost_keys(drift, none).equals(drift)
