"""Payments that are recorded twice, charged twice, or booked with another amount."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.comparison_tables import drift_in, only, paired
from tests.effort import examples

OVER = "cmp_payment__billing_vs_erp"
SIX_HOURS = 6 * 3600


def payment(key: str = "a", **values: Any) -> dict[str, Any]:
    """A charge of 100.00 that the ledger has once and in full."""
    usual = {
        "billing_amount_minor": 10_000, "erp_amount_minor": 10_000, "billing_currency": "USD",
        "erp_currency": "USD", "billing_fee_minor": 320, "is_erp_duplicate": False,
        "overcharged_minor": 0,
    }  # fmt: skip
    return paired("billing", "erp", key, **usual | values)


def copy(key: str = "a", **values: Any) -> dict[str, Any]:
    """A further payment of the ledger for a charge that it has already."""
    twice = {
        "erp_amount_minor": 10_000, "is_erp_duplicate": True, "duplicate_of": "77",
        "duplicate_basis": "charge_id",
    }  # fmt: skip
    return only("erp", "billing", key, **twice | values)


def codes(*rows: dict[str, Any]) -> list[tuple[str, str, str | None]]:
    return drift_in(OVER, *rows).select("code", "attribute", "cause").rows()


def test_a_payment_that_both_have_alike_does_not_drift():
    assert codes(payment()) == []


@pytest.mark.parametrize("basis", ["charge_id", "signature"])
def test_a_payment_entered_twice_is_told_at_once_with_the_one_that_stands(basis):
    row = copy(duplicate_basis=basis, billing_coverage_seconds=0, erp_coverage_seconds=0)
    (drift,) = drift_in(OVER, row).to_dicts()
    assert (drift["code"], drift["cause"], drift["severity"]) == ("PAY-DUP-01", basis, "S1")
    assert (drift["owner_role"], drift["owner_system"], drift["owner_id"]) == (
        "erp",
        "netsuite",
        "erp-a",
    )
    assert (drift["replica_id"], drift["observed"]) == (None, "copy of 77")
    assert (drift["impact_minor"], drift["disposition"]) == (-10_000, "exception")


def test_a_customer_who_was_charged_twice_is_owed_what_is_too_much():
    row = payment(overcharged_minor=2_500, charged_before="ch_1", erp_coverage_seconds=0)
    (drift,) = drift_in(OVER, row).to_dicts()
    assert (drift["code"], drift["cause"], drift["severity"]) == (
        "PAY-DUP-01",
        "charged_twice",
        "S1",
    )
    assert (drift["owner_role"], drift["owner_system"], drift["owner_id"]) == (
        "billing",
        "stripe",
        "billing-a",
    )
    assert (drift["observed"], drift["impact_minor"]) == ("charged after ch_1", -2_500)


@pytest.mark.parametrize(
    ("was_collected", "cause"),
    [(True, "returned"), (False, "never_collected"), (None, "never_collected")],
)
def test_a_charge_that_failed_and_is_posted_is_owed_again(was_collected, cause):
    row = payment(billing_status="failed", was_collected=was_collected, erp_amount_minor=9_000)
    (drift,) = drift_in(OVER, row).to_dicts()
    assert (drift["code"], drift["cause"], drift["severity"]) == ("PAY-RET-01", cause, "S2")
    assert (drift["owner_id"], drift["replica_id"]) == ("billing-a", "erp-a")
    assert (drift["impact_minor"], drift["disposition"]) == (9_000, "exception")


@pytest.mark.parametrize(
    ("status", "has_erp"), [("succeeded", True), ("pending", True), ("failed", False)]
)
def test_a_charge_that_may_still_come_or_was_never_posted_is_no_return(status, has_erp):
    row = payment(billing_status=status, has_erp=has_erp, excluded_reason=None if has_erp else "x")
    assert codes(row) == []


@pytest.mark.parametrize(
    ("coverage", "disposition"), [(SIX_HOURS - 1, "in_flight"), (SIX_HOURS, "exception")]
)
def test_a_return_is_in_flight_until_the_ledger_had_six_hours(coverage, disposition):
    row = payment(billing_status="failed", return_coverage_seconds=coverage)
    assert drift_in(OVER, row)["disposition"].to_list() == [disposition]


@pytest.mark.parametrize("reason", ["bank_collected", "erp_voided"])
def test_payments_of_the_bank_and_voided_ones_are_no_duplicates(reason):
    row = only("erp", "billing", "a", erp_amount_minor=10_000, excluded_reason=reason)
    assert codes(row) == []


@pytest.mark.parametrize(
    ("booked", "cause", "impact"),
    [
        (9_680, "fee_netted", -320),
        (9_999, "short", -1),
        (9_681, "short", -319),
        (10_001, "over", 1),
        (0, "short", -10_000),
    ],
)
def test_a_payment_must_be_booked_gross_to_the_minor_unit(booked, cause, impact):
    (drift,) = drift_in(OVER, payment(erp_amount_minor=booked)).to_dicts()
    assert (drift["code"], drift["attribute"], drift["cause"]) == ("PAY-AMT-01", "amount", cause)
    assert (drift["owner_id"], drift["replica_id"]) == ("billing-a", "erp-a")
    assert (drift["expected"], drift["observed"]) == ("10000", str(booked))
    assert drift["impact_minor"] == impact


def test_without_the_fee_a_lower_amount_is_just_short():
    assert codes(payment(erp_amount_minor=9_680, billing_fee_minor=None)) == [
        ("PAY-AMT-01", "amount", "short")
    ]


@pytest.mark.parametrize("booked", [10_000, 9_259])
def test_another_currency_is_one_finding_whatever_the_amounts(booked):
    (drift,) = drift_in(OVER, payment(erp_currency="EUR", erp_amount_minor=booked)).to_dicts()
    assert (drift["attribute"], drift["cause"], drift["impact_minor"]) == (
        "currency",
        "other_currency",
        -10_000,
    )


@pytest.mark.parametrize(
    ("coverage", "disposition"), [(SIX_HOURS - 1, "in_flight"), (SIX_HOURS, "exception")]
)
def test_an_amount_may_still_be_corrected_for_six_hours(coverage, disposition):
    row = payment(erp_amount_minor=9_000, erp_coverage_seconds=coverage)
    assert drift_in(OVER, row)["disposition"].to_list() == [disposition]


amounts = st.integers(1, 10**9)


@given(
    rows=st.lists(
        st.tuples(amounts, amounts, st.integers(0, 500), st.sampled_from(("both", "copy"))),
        min_size=1,
        max_size=10,
    )
)
@settings(max_examples=examples(10), deadline=None)
def test_findings_add_up_to_what_the_ledger_has_too_little_or_twice(rows):
    made = [
        payment(
            f"p{n}", billing_amount_minor=billed, erp_amount_minor=booked, billing_fee_minor=fee
        )
        if kind == "both"
        else copy(f"p{n}", erp_amount_minor=booked)
        for n, (billed, booked, fee, kind) in enumerate(rows)
    ]
    drift = drift_in(OVER, *made)
    paid = sum(billed for billed, _, _, kind in rows if kind == "both")
    booked_once = sum(booked for _, booked, _, kind in rows if kind == "both")
    booked_again = sum(booked for _, booked, _, kind in rows if kind == "copy")
    assert drift["impact_minor"].sum() == booked_once - paid - booked_again
    assert drift["row_key"].is_unique().all()
