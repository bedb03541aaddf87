"""Invoices: missing, without source, posted twice, other totals, other states."""

from typing import Any

import pytest

from tests.comparison_tables import billing_invoice, drift_in, erp_invoice, invoice

OVER = "cmp_invoice__billing_vs_erp"
SIX_HOURS = 6 * 3600


def codes(row: dict[str, Any]) -> list[tuple[str, str]]:
    return drift_in(OVER, row).select("code", "disposition").rows()


def test_equal_invoices_do_not_drift():
    assert codes(invoice("a")) == []


@pytest.mark.parametrize(
    ("coverage", "disposition"),
    [(0, "in_flight"), (SIX_HOURS - 1, "in_flight"), (SIX_HOURS, "exception"), (None, "exception")],
)
def test_a_missing_invoice_is_in_flight_until_the_ledger_had_six_hours(coverage, disposition):
    row = billing_invoice("a", erp_coverage_seconds=coverage)
    assert codes(row) == [("INV-MISS-01", disposition)]


@pytest.mark.parametrize("reason", ["draft", "void_before_post", "zero_total"])
def test_an_excluded_invoice_never_drifts(reason):
    assert codes(billing_invoice("a", excluded_reason=reason)) == []


def test_a_missing_invoice_is_told_with_its_sides_and_what_it_costs():
    (drift,) = drift_in(
        OVER, billing_invoice("a", billing_total_minor=250_000, currency="GBP")
    ).to_dicts()
    assert (drift["owner_system"], drift["owner_id"]) == ("stripe", "billing-a")
    assert (drift["replica_role"], drift["replica_system"], drift["replica_id"]) == (
        "erp",
        None,
        None,
    )
    assert (drift["attribute"], drift["expected"], drift["observed"]) == ("", "N-a", "missing")
    assert (drift["impact_minor"], drift["currency"]) == (250_000, "GBP")
    assert (drift["impact_reporting_minor"], drift["severity"]) == (317_500, "S3")


@pytest.mark.parametrize(
    ("due", "severity", "cause"), [(10_000, "S2", "unpaid"), (0, "S3", "settled")]
)
def test_a_ledger_invoice_without_source_drifts(due, severity, cause):
    (drift,) = drift_in(OVER, erp_invoice("a", erp_amount_due_minor=due)).to_dicts()
    assert (drift["code"], drift["owner_system"], drift["owner_id"]) == (
        "INV-MISS-02",
        "netsuite",
        "erp-a",
    )
    assert (drift["severity"], drift["cause"], drift["impact_minor"]) == (severity, cause, -10_000)


@pytest.mark.parametrize(
    ("covered", "disposition"), [(SIX_HOURS - 1, "in_flight"), (SIX_HOURS, "exception")]
)
def test_a_ledger_invoice_is_in_flight_while_billing_could_not_have_shown_it(covered, disposition):
    row = erp_invoice("a", billing_coverage_seconds=covered)
    assert codes(row) == [("INV-MISS-02", disposition)]


@pytest.mark.parametrize("reason", ["manual_erp", "erp_voided"])
def test_manual_and_voided_ledger_invoices_never_drift(reason):
    assert codes(erp_invoice("a", excluded_reason=reason)) == []


def test_a_further_copy_is_a_duplicate_at_once_and_nothing_else():
    row = erp_invoice(
        "a",
        is_erp_duplicate=True,
        duplicate_of="77",
        duplicate_basis="signature",
        billing_coverage_seconds=0,
    )
    (drift,) = drift_in(OVER, row).to_dicts()
    assert (drift["code"], drift["disposition"], drift["severity"]) == (
        "INV-DUP-01",
        "exception",
        "S1",
    )
    assert (drift["owner_id"], drift["replica_role"], drift["replica_id"]) == ("erp-a", None, None)
    assert (drift["observed"], drift["cause"]) == ("copy of 77", "signature")
    assert drift["impact_minor"] == -10_000


def test_totals_may_differ_by_rounding_alone():
    cases = {  # what the ledger says of 100.00, on how many lines: whether it drifts
        (10_000, 1): False,
        (10_001, 1): False,
        (9_999, 1): False,
        (10_002, 1): True,
        (10_003, 3): False,
        (10_005, 9): False,
        (10_006, 9): True,  # the cap
        (10_001, None): False,  # an unknown number of lines is one
        (10_002, None): True,
        (None, 1): True,
    }
    rows = [invoice(str(case), erp_total_minor=case[0], line_count=case[1]) for case in cases]
    drift = drift_in(OVER, *rows)
    assert set(drift["code"]) == {"INV-AMT-01"}
    found = set(drift["row_key"])
    assert {case: str(case) in found for case in cases} == cases


def test_a_total_that_billing_does_not_state_is_no_drift():
    assert codes(invoice("a", billing_total_minor=None)) == []


@pytest.mark.parametrize(
    ("net", "tax", "cause"),
    [(8_000, 1_000, "tax"), (7_000, 2_000, "net"), (7_500, 1_500, "net_and_tax")],
)
def test_the_cause_says_which_part_of_the_total_differs(net, tax, cause):
    row = invoice("a", erp_subtotal_minor=net, erp_tax_minor=tax, erp_total_minor=9_000)
    (drift,) = drift_in(OVER, row).to_dicts()
    assert (drift["cause"], drift["impact_minor"], drift["attribute"]) == (cause, 1_000, "total")
    assert (drift["owner_id"], drift["replica_id"]) == ("billing-a", "erp-a")


@pytest.mark.parametrize("side", ["billing", "erp"])
def test_totals_are_not_compared_when_a_side_is_void(side):
    row = invoice("a", erp_total_minor=1, **{f"{side}_status": "void"})
    assert [code for code, _ in codes(row)] == ["INV-STAT-01"]


def test_totals_are_compared_once_the_ledger_had_time_to_learn():
    row = invoice("a", erp_total_minor=1, erp_coverage_seconds=SIX_HOURS - 1)
    assert codes(row) == [("INV-AMT-01", "in_flight")]


@pytest.mark.parametrize(
    ("billing", "erp", "cause", "impact"),
    [
        ("void", "open", "void_not_copied", -700),
        ("open", "void", "voided_in_ledger_only", 900),
        ("paid", "open", "payment_not_applied", -700),
        ("paid", "partially_paid", "payment_not_applied", -700),
        ("open", "paid", "paid_in_ledger_only", 900),
        ("written_off", "open", "state_not_copied", -700),
    ],
)
def test_states_that_differ_drift_by_the_open_balance_of_one_side(billing, erp, cause, impact):
    row = invoice(
        "a",
        billing_status=billing,
        erp_status=erp,
        billing_amount_due_minor=900,
        erp_amount_due_minor=700,
    )
    (drift,) = drift_in(OVER, row).to_dicts()
    assert (drift["code"], drift["attribute"], drift["severity"]) == ("INV-STAT-01", "status", "S2")
    assert (drift["expected"], drift["observed"]) == (billing, erp)
    assert (drift["cause"], drift["impact_minor"]) == (cause, impact)


@pytest.mark.parametrize(
    ("coverage", "disposition"), [(SIX_HOURS - 1, "in_flight"), (SIX_HOURS, "exception")]
)
def test_a_state_is_in_flight_by_the_time_since_either_side_changed(coverage, disposition):
    row = invoice(
        "a", erp_status="paid", erp_status_coverage_seconds=coverage, erp_coverage_seconds=0
    )
    assert codes(row) == [("INV-STAT-01", disposition)]


@pytest.mark.parametrize("status", ["open", "paid", "void"])
def test_equal_states_do_not_drift(status):
    assert codes(invoice("a", billing_status=status, erp_status=status)) == []
