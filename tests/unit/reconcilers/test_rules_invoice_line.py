"""Lines of invoices that agree in total: other items, units, amounts, days, or no counterpart."""

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.comparison_tables import drift_in, invoice_line
from tests.effort import examples

OVER = "cmp_invoice_line__billing_vs_erp"
SIX_HOURS = 6 * 3600
JULY_10 = date(2026, 7, 10)


def alone(role, **values):
    """A line of one side."""
    other = "erp" if role == "billing" else "billing"
    names = ("id", "amount_minor", "product_code", "quantity")
    missing = {f"{other}_{name}": None for name in names} | {f"has_{other}": False}
    return invoice_line("a", **missing | values)


def found(row):
    columns = ("attribute", "cause", "impact_minor", "severity")
    drift = drift_in(OVER, row)
    assert set(drift["code"]) <= {"INV-LINE-01"}
    return drift.select(columns).rows()


def test_equal_lines_do_not_drift():
    assert found(invoice_line("a")) == []


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"erp_product_code": "OTHER"}, ("product_code", "other_item", 10_000, "S2")),
        ({"erp_product_code": None}, ("product_code", "other_item", 10_000, "S2")),
        ({"erp_quantity": 6}, ("quantity", "other_quantity", 0, "S3")),
        ({"erp_amount_minor": 9_000}, ("amount", "moved_between_lines", 1_000, "S3")),
        ({"erp_amount_minor": 11_000}, ("amount", "moved_between_lines", -1_000, "S3")),
        ({"erp_amount_minor": 9_998}, ("amount", "moved_between_lines", 2, "S3")),
        (
            {"erp_service_end_date": JULY_10, "end_moved_minor": 3_333},
            ("service_end_date", "other_service_days", 3_333, "S2"),
        ),
        (
            {"erp_service_end_date": None, "end_moved_minor": None},
            ("service_end_date", "other_service_days", 0, "S2"),
        ),
        (
            {"erp_service_start_date": date(2026, 5, 29), "start_moved_minor": -1_000},
            ("service_start_date", "other_service_days", -1_000, "S2"),
        ),
    ],
)
def test_each_value_of_a_line_is_told_with_the_revenue_that_it_moves(values, expected):
    assert found(invoice_line("a", **values)) == [expected]


@pytest.mark.parametrize("amount", [9_999, 10_000, 10_001])
def test_a_line_may_be_rounded_by_a_minor_unit(amount):
    assert found(invoice_line("a", erp_amount_minor=amount)) == []


def test_a_line_that_is_not_deferred_at_all_has_no_wrong_days():
    row = invoice_line("a", erp_service_start_date=None, erp_service_end_date=None)
    assert found(row) == []


def test_what_billing_does_not_state_is_not_compared():
    row = invoice_line(
        "a",
        billing_product_code=None,
        billing_service_start_date=None,
        billing_service_end_date=None,
    )
    assert found(row) == []


@pytest.mark.parametrize(
    ("role", "cause", "impact"),
    [("billing", "line_missing", 10_000), ("erp", "line_extra", -10_000)],
)
def test_a_line_of_one_side_is_told_as_that_sides(role, cause, impact):
    (drift,) = drift_in(OVER, alone(role)).to_dicts()
    assert (drift["attribute"], drift["cause"], drift["impact_minor"]) == ("", cause, impact)
    assert (drift["owner_role"], drift["owner_id"]) == (role, f"{role}-a")
    assert (drift["replica_id"], drift["severity"]) == (None, "S3")


@pytest.mark.parametrize("reason", ["invoice_not_in_erp", "total_differs", "tax_line", "void"])
@pytest.mark.parametrize("role", ["billing", "erp"])
def test_lines_that_are_left_out_never_drift(role, reason):
    assert found(alone(role, excluded_reason=reason)) == []
    assert found(invoice_line("a", erp_quantity=9, excluded_reason=reason)) == []


@pytest.mark.parametrize(
    ("coverage", "disposition"), [(SIX_HOURS - 1, "in_flight"), (SIX_HOURS, "exception")]
)
def test_lines_are_in_flight_until_the_ledger_had_six_hours(coverage, disposition):
    rows = [alone("billing"), invoice_line("b", erp_quantity=6)]
    drift = drift_in(OVER, *({**row, "erp_coverage_seconds": coverage} for row in rows))
    assert drift["disposition"].to_list() == [disposition] * 2


@given(st.lists(st.tuples(st.integers(-(10**6), 10**6), st.integers(-(10**6), 10**6)), max_size=6))
@settings(max_examples=examples(10), deadline=None)
def test_money_that_only_moves_between_lines_has_no_net_impact(amounts):
    """Billing's and the ledger's lines of invoices with one total, but for rounded lines."""
    left = sum(billing - erp for billing, erp in amounts)
    pairs = [*amounts, (0, left)]
    rows = [
        invoice_line(str(n), billing_amount_minor=billing, erp_amount_minor=erp)
        for n, (billing, erp) in enumerate(pairs)
    ]
    rounded = sum(billing - erp for billing, erp in pairs if abs(billing - erp) <= 1)
    assert drift_in(OVER, *rows)["impact_minor"].sum() == -rounded
