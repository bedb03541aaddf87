"""Laws of the evaluation, for any comparison of invoices."""

import random
from dataclasses import replace

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from reconcilers.evaluate import evaluate
from reconcilers.matrix import load_matrix
from reconcilers.rules.field import field_rule
from tests.comparison_tables import (
    DAY,
    SEEDS,
    billing_invoice,
    erp_invoice,
    invoice,
    rules_over,
    warehouse,
)
from tests.effort import examples

OVER = "cmp_invoice__billing_vs_erp"
RULES = rules_over(OVER)
LAWS = settings(max_examples=examples(12), deadline=None)

amounts = st.integers(-20_000, 20_000)
coverages = st.none() | st.integers(-7_200, 50_000)
statuses = st.sampled_from(["draft", "open", "partially_paid", "paid", "void", None])
currencies = st.sampled_from(["USD", "EUR", "JPY"])


@st.composite
def rows(draw):
    """Invoices on both sides or one, equal or not, young or old, excluded or not."""
    made = []
    for number in range(draw(st.integers(0, 8))):
        make = draw(st.sampled_from([invoice, billing_invoice, erp_invoice]))
        row = make(f"k{number}", currency=draw(currencies))
        for role in ("billing", "erp"):
            if row[f"has_{role}"]:
                total = draw(amounts)
                row |= {
                    f"{role}_total_minor": total,
                    f"{role}_amount_minor": total,
                    f"{role}_status": draw(statuses),
                    f"{role}_currency": row["currency"],
                }
        row["erp_coverage_seconds"] = draw(coverages)
        row["erp_status_coverage_seconds"] = draw(coverages)
        row["line_count"] = draw(st.none() | st.integers(0, 9))
        row["excluded_reason"] = draw(st.none() | st.sampled_from(["draft", "manual_erp"]))
        row["is_erp_duplicate"] = draw(st.booleans()) and not row["has_billing"]
        made.append(row)
    return made


def night(made, rules=RULES):
    return evaluate(warehouse({OVER: made}, views=[OVER]), rules, DAY)


@given(made=rows())
@LAWS
def test_every_row_of_every_side_is_disposed_once_and_sums_are_conserved(made):
    disposed = night(made).dispositions
    for side in ("billing", "erp"):
        standing = [row for row in made if row[f"has_{side}"]]
        of_side = disposed.filter(pl.col("side") == side)
        assert of_side["rows"].sum() == len(standing)
        for currency in ("USD", "EUR", "JPY"):
            total = sum(
                row[f"{side}_amount_minor"] for row in standing if row["currency"] == currency
            )
            assert of_side.filter(pl.col("currency") == currency)["amount_minor"].sum() == total


@given(made=rows())
@LAWS
def test_each_drifted_row_stands_under_its_worst_disposition(made):
    findings = night(made)
    worst = dict.fromkeys((row["row_key"] for row in made), 3)
    ranks = {"exception": 0, "unproven": 1, "in_flight": 2}
    for row in findings.drift.iter_rows(named=True):
        worst[row["row_key"]] = min(worst[row["row_key"]], ranks[row["disposition"]])
    for name, rank in ranks.items():
        counted = findings.cells.filter(pl.col("disposition") == name)["rows"].sum()
        assert counted == sum(found == rank for found in worst.values())


@given(made=rows(), seed=st.integers(0, 999))
@LAWS
def test_the_order_of_rows_and_rules_does_not_matter(made, seed):
    chance = random.Random(seed)
    shuffled = night(chance.sample(made, len(made)), chance.sample(RULES, len(RULES)))
    straight = night(made)
    assert straight.drift.equals(shuffled.drift)
    assert straight.dispositions.equals(shuffled.dispositions)
    assert straight.guard.equals(shuffled.guard)


@given(made=rows(), tolerance=st.integers(0, 50), more=st.integers(0, 50), cap=st.integers(0, 90))
@LAWS
def test_a_wider_tolerance_never_finds_more(made, tolerance, more, cap):
    matrix = load_matrix(SEEDS / "system_of_record.csv")
    (total,) = [row for row in matrix if (row.entity, row.attribute) == ("invoice", "total")]

    def keys(amount, limit):
        rule = field_rule(replace(total, tolerance=amount, tolerance_cap=limit))
        return set(night(made, [rule]).drift["exception_key"])

    assert keys(tolerance + more, cap + more) <= keys(tolerance, cap)
    assert keys(tolerance, None) <= keys(tolerance, cap)


@given(made=rows(), change=st.integers(1, 5_000))
@LAWS
def test_keys_do_not_depend_on_amounts_or_the_day(made, change):
    def bumped(row):
        money = {
            name: value + change
            for name, value in row.items()
            if name.startswith("erp_") and name.endswith("_minor") and value is not None
        }
        return row | money

    one = _keyed(night(made).drift)
    other = _keyed(night([bumped(row) for row in made]).drift)
    for subject in one.keys() & other.keys():
        assert one[subject] == other[subject]


def _keyed(drift):
    columns = ("code", "row_key", "attribute")
    return dict(zip(drift.select(columns).iter_rows(), drift["exception_key"], strict=True))
