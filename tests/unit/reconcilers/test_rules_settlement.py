"""Refunds and disputes: on one side only, without a credit note, twice, or not followed."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.comparison_tables import drift_in, paired
from tests.effort import examples

REFUND = "cmp_refund__billing_vs_erp"
DISPUTE = "cmp_dispute__billing_vs_erp"
SIX_HOURS = 6 * 3600


def lone(row: dict[str, Any], side: str, other: str) -> dict[str, Any]:
    """The row without what its other side says."""
    gone = {name: None for name in row if name.startswith(f"{other}_") and "coverage" not in name}
    return row | gone | {f"has_{other}": False}


def refund(key: str = "a", **values: Any) -> dict[str, Any]:
    """A refund of 100.00 that both have, with a credit note behind all of it."""
    usual = {
        "billing_amount_minor": 10_000, "erp_amount_minor": 10_000, "is_settled": True,
        "missing_coverage_seconds": 10**7, "credit_coverage_seconds": 10**7,
        "uncredited_minor": 0, "excess_minor": 0, "is_erp_duplicate": False,
    }  # fmt: skip
    return paired("billing", "erp", key, **usual | values)


def only_billing(**values: Any) -> dict[str, Any]:
    return lone(refund(), "billing", "erp") | values


def only_erp(**values: Any) -> dict[str, Any]:
    return lone(refund(is_settled=None), "erp", "billing") | values


def told(row: dict[str, Any], over: str = REFUND) -> list[tuple[str, str, str | None, int]]:
    columns = ("code", "attribute", "cause", "impact_minor")
    return drift_in(over, row).select(columns).rows()


def test_a_refund_that_both_have_with_its_credit_does_not_drift():
    assert told(refund()) == []


@pytest.mark.parametrize(
    ("row", "cause", "impact", "owner", "replica"),
    [
        (only_billing(), "not_posted", -10_000, ("stripe", "billing-a"), None),
        (only_erp(), "unknown_to_provider", 10_000, ("netsuite", "erp-a"), None),
        (
            refund(is_settled=False),
            "failed_at_provider",
            10_000,
            ("stripe", "billing-a"),
            "erp-a",
        ),
    ],
)
def test_a_refund_on_one_side_only_names_who_has_it(row, cause, impact, owner, replica):
    (drift,) = drift_in(REFUND, row).to_dicts()
    assert (drift["code"], drift["attribute"], drift["cause"]) == ("RFD-MISS-01", "", cause)
    assert (drift["owner_system"], drift["owner_id"]) == owner
    assert (drift["replica_id"], drift["impact_minor"]) == (replica, impact)


@pytest.mark.parametrize(
    "row",
    [
        only_billing(is_settled=False, excluded_reason="not_settled"),
        only_erp(excluded_reason="paid_by_bank"),
        only_erp(excluded_reason="erp_voided"),
    ],
)
def test_refunds_that_moved_no_money_or_went_by_the_bank_do_not_drift(row):
    assert told(row) == []


@pytest.mark.parametrize(
    ("age", "disposition"), [(SIX_HOURS - 1, "in_flight"), (SIX_HOURS, "exception")]
)
@pytest.mark.parametrize(
    ("row", "clock"),
    [
        (only_billing(), "missing_coverage_seconds"),
        (only_erp(), "missing_coverage_seconds"),
        (refund(uncredited_minor=1), "credit_coverage_seconds"),
    ],
)
def test_the_other_side_has_six_hours(row, clock, age, disposition):
    assert drift_in(REFUND, row | {clock: age})["disposition"].to_list() == [disposition]


def test_what_no_credit_note_stands_behind_leaves_revenue_too_high():
    assert told(refund(uncredited_minor=2_500)) == [
        ("RFD-MISS-01", "credit_note", "no_credit_note", -2_500)
    ]


def test_a_refund_may_lack_both_its_copy_and_its_credit_note():
    found = told(only_billing(uncredited_minor=10_000))
    assert [row[1] for row in found] == ["", "credit_note"]


@pytest.mark.parametrize(
    ("row", "basis", "owner"),
    [
        (only_erp(is_erp_duplicate=True, duplicate_of="7"), "entered_twice", "erp-a"),
        (only_erp(duplicate_of="re_1"), "paid_by_bank_too", "erp-a"),
        (refund(duplicate_of=None), "above_the_payment", "billing-a"),
    ],
)
def test_what_went_back_twice_is_told_at_once_for_the_excess_alone(row, basis, owner):
    late = {"missing_coverage_seconds": 0, "credit_coverage_seconds": 0}
    (drift,) = drift_in(
        REFUND, row | late | {"excess_minor": 700, "excess_basis": basis}
    ).to_dicts()
    assert (drift["code"], drift["cause"], drift["severity"]) == ("RFD-DUP-01", basis, "S1")
    assert (drift["owner_id"], drift["impact_minor"]) == (owner, 700)
    assert drift["disposition"] == "exception"


def dispute(key: str = "a", **values: Any) -> dict[str, Any]:
    """A withdrawal of 100.00 that the ledger followed."""
    usual = {
        "phase": "withdrawn", "billing_stage": "opened", "erp_stage": "opened",
        "billing_amount_minor": 10_000, "erp_amount_minor": 10_000, "fee_minor": 1_500,
        "stage_coverage_seconds": 10**7,
    }  # fmt: skip
    return paired("billing", "erp", key, **usual | values)


def closing(stage: str, **values: Any) -> dict[str, Any]:
    stages = {"phase": "closed", "billing_stage": stage, "erp_stage": stage, "fee_minor": None}
    return dispute(**stages | values)


def test_a_dispute_that_the_ledger_follows_does_not_drift():
    assert told(dispute(), DISPUTE) == []
    assert told(closing("won"), DISPUTE) == []
    assert told(closing("lost"), DISPUTE) == []


@pytest.mark.parametrize(
    ("row", "cause", "impact"),
    [
        (lone(dispute(), "billing", "erp"), "not_posted", -11_500),
        (lone(closing("won"), "billing", "erp"), "not_posted", 10_000),
        (lone(closing("lost"), "billing", "erp"), "not_posted", -10_000),
        (closing("won", erp_stage="lost"), "other_outcome", 10_000),
        (closing("lost", erp_stage="won"), "other_outcome", -10_000),
        (dispute(erp_amount_minor=11_500), "other_amount", 1_500),
        (dispute(erp_amount_minor=9_000), "other_amount", -1_000),
        (closing("won", erp_amount_minor=9_000), "other_amount", 1_000),
        (lone(dispute(), "erp", "billing"), "not_at_provider", 10_000),
        (lone(closing("won"), "erp", "billing"), "not_at_provider", -10_000),
    ],
)
def test_a_stage_that_the_ledger_lacks_or_has_otherwise_drifts(row, cause, impact):
    (drift,) = drift_in(DISPUTE, row).to_dicts()
    assert (drift["code"], drift["attribute"]) == ("DSP-LIFE-01", f"stage:{row['phase']}")
    assert (drift["cause"], drift["impact_minor"]) == (cause, impact)
    assert drift["owner_id"] == ("billing-a" if row["has_billing"] else "erp-a")


def test_both_stages_are_told_in_words():
    (drift,) = drift_in(DISPUTE, closing("won", erp_stage="lost")).to_dicts()
    assert (drift["expected"], drift["observed"]) == ("won 10000", "lost 10000")


@pytest.mark.parametrize("reason", ["nothing_withdrawn", "erp_voided"])
def test_inquiries_and_voided_journals_do_not_drift(reason):
    row = lone(dispute(excluded_reason=reason), "billing", "erp")
    assert told(row, DISPUTE) == []


@pytest.mark.parametrize(
    ("age", "disposition"), [(SIX_HOURS - 1, "in_flight"), (SIX_HOURS, "exception")]
)
def test_the_ledger_has_six_hours_to_follow(age, disposition):
    row = lone(dispute(stage_coverage_seconds=age), "billing", "erp")
    assert drift_in(DISPUTE, row)["disposition"].to_list() == [disposition]


@pytest.mark.parametrize(
    ("left", "severity"), [(3 * 86_400 - 1, "S2"), (3 * 86_400, "S4"), (None, "S4")]
)
def test_a_dispute_whose_evidence_is_due_is_urgent(left, severity):
    row = lone(dispute(evidence_seconds=left), "billing", "erp")
    assert drift_in(DISPUTE, row)["severity"].to_list() == [severity]


sides = st.sampled_from(("both", "billing", "erp"))
amounts = st.integers(1, 10**9)


@given(drawn=st.lists(st.tuples(sides, amounts, amounts), min_size=1, max_size=10))
@settings(max_examples=examples(10), deadline=None)
def test_a_refund_is_told_once_and_for_the_money_that_one_side_lacks(drawn):
    rows = []
    for number, (side, billed, booked) in enumerate(drawn):
        row = refund(f"r{number}", billing_amount_minor=billed, erp_amount_minor=booked)
        if side != "both":
            row = lone(row, side, "erp" if side == "billing" else "billing")
        rows.append(row)
    drift = drift_in(REFUND, *rows)
    lost = sum(billed for side, billed, _ in drawn if side == "billing")
    gained = sum(booked for side, _, booked in drawn if side == "erp")
    assert drift["impact_minor"].sum() == gained - lost
    assert drift.height == sum(side != "both" for side, _, _ in drawn)


@given(drawn=st.lists(st.tuples(amounts, amounts, st.booleans()), min_size=1, max_size=10))
@settings(max_examples=examples(10), deadline=None)
def test_an_amount_of_a_stage_is_off_by_what_the_provider_moved_more(drawn):
    rows = [
        dispute(f"d{n}", billing_amount_minor=moved, erp_amount_minor=booked)
        if is_opening
        else closing("won", billing_amount_minor=moved, erp_amount_minor=booked)
        | {"row_key": f"d{n}", "billing_id": f"d{n}"}
        for n, (moved, booked, is_opening) in enumerate(drawn)
    ]
    drift = drift_in(DISPUTE, *rows)
    due = sum(
        (booked - moved if is_opening else moved - booked) for moved, booked, is_opening in drawn
    )
    assert drift["impact_minor"].sum() == due
    assert drift.height == sum(moved != booked for moved, booked, _ in drawn)
