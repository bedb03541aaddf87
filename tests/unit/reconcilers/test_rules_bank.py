"""Payouts beside what the bank booked of them."""

from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconcilers.matched_findings import BANK, tell_bank
from tests.comparison_tables import drift_in
from tests.effort import examples

OVER = "cmp_payout__billing_vs_bank"


def payout(key: str = "1", **values: Any) -> dict[str, Any]:
    """A payout of 500.00 that is in the ERP and came to the bank days ago."""
    usual = {
        "row_key": f"stripe:po_{key}", "entity": "payout", "billing_id": f"po_{key}",
        "bank_id": f"acc|1|{key}", "erp_id": key, "has_billing": True, "has_bank": True,
        "legal_entity": "US", "currency": "USD", "period": "2026-06", "billing_status": "paid",
        "is_settled": True, "billing_amount_minor": 50_000, "bank_amount_minor": 50_000,
        "returned_minor": 0, "bank_fee_minor": 0, "is_long_due": False, "due_coverage_seconds": 0,
    }  # fmt: skip
    return usual | values


NOWHERE = {"bank_id": None, "has_bank": False, "bank_amount_minor": None}
ALONE = {"billing_id": None, "has_billing": False, "billing_amount_minor": None, "erp_id": None,
         "is_settled": False, "billing_status": None}  # fmt: skip
FAILED = {"is_settled": False, "billing_status": "failed"}
CASES = [
    ("not_on_statement", NOWHERE, -50_000),
    ("other_amount", {"bank_amount_minor": 49_000}, -1_000),
    ("other_amount", {"bank_amount_minor": 50_001}, 1),
    ("returned", {"bank_amount_minor": 0, "returned_minor": 50_000}, -50_000),
    ("not_paid_out", FAILED, 50_000),
    ("unexpected_credit", ALONE | {"bank_amount_minor": 700}, 700),
    ("unexpected_debit", ALONE | {"bank_amount_minor": -700}, -700),
]


@pytest.mark.parametrize(("cause", "values", "impact"), CASES)
def test_what_the_bank_shows_otherwise_is_told_with_its_money(cause, values, impact):
    (drift,) = drift_in(OVER, payout(**values)).to_dicts()
    assert (drift["code"], drift["cause"], drift["impact_minor"]) == ("PYT-BANK-01", cause, impact)
    assert drift["disposition"] == "exception"
    lone = values.get("has_bank") is False
    owner = ("stripe", "po_1") if lone else ("bank", "acc|1|1")
    assert (drift["owner_system"], drift["owner_id"]) == owner
    erp = (None, None) if "erp_id" in values else ("netsuite", "1")
    assert (drift["replica_system"], drift["replica_id"]) == erp


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"bank_fee_minor": 150},  # the comparison has added it to what came in
        FAILED | {"bank_amount_minor": 0, "returned_minor": 50_000},
        FAILED | NOWHERE | {"excluded_reason": "not_arrived"},
        NOWHERE | {"excluded_reason": "bank_not_read"},
    ],
)
def test_what_the_bank_shows_as_it_should_is_no_finding(values):
    assert drift_in(OVER, payout(**values)).is_empty()


@pytest.mark.parametrize(
    ("left", "disposition"), [(-1, "in_flight"), (0, "exception"), (None, "exception")]
)
def test_a_statement_has_three_business_days_to_show_it(left, disposition):
    drift = drift_in(OVER, payout(**NOWHERE, due_coverage_seconds=left))
    assert drift["disposition"].to_list() == [disposition]


@pytest.mark.parametrize(
    ("minor", "is_long", "severity"),
    [(50_000, False, "S4"), (100_000, False, "S3"), (1_000_000, False, "S2"), (1, True, "S1")],
)
def test_what_is_missing_for_long_is_grave(minor, is_long, severity):
    drift = drift_in(OVER, payout(**NOWHERE, billing_amount_minor=minor, is_long_due=is_long))
    assert drift["severity"].to_list() == [severity]


def test_a_line_that_matching_proposes_is_named_and_the_finding_stays():
    drift = drift_in(OVER, payout(**NOWHERE), payout("2", bank_amount_minor=1))
    proposed = {
        "pairing": [BANK, "other"], "left_id": ["po_1", "po_1"], "right_id": ["acc|1|8", "9"],
        "mode": ["suggested"] * 2, "pass_name": ["day_in_sum"] * 2,
    }  # fmt: skip
    told = tell_bank(drift, pl.DataFrame(proposed)).sort("owner_id")
    assert told["observed"].to_list() == ["1", "line acc|1|8 (suggested, day_in_sum)"]
    assert told.drop("observed").equals(drift.sort("owner_id").drop("observed"))


@given(
    drawn=st.lists(
        st.tuples(st.integers(1, 10**6), st.integers(1, 10**6), st.sampled_from("pbw")), max_size=6
    )
)
@settings(max_examples=examples(10), deadline=None)
def test_findings_add_up_to_what_payouts_and_bank_are_apart(drawn):
    sides = {"p": NOWHERE, "b": ALONE, "w": {}}
    rows = [
        payout(str(n), billing_amount_minor=paid, bank_amount_minor=booked) | sides[side]
        | ({"bank_amount_minor": booked} if side == "b" else {})
        for n, (paid, booked, side) in enumerate(drawn)
    ]  # fmt: skip
    apart = sum(booked * (side != "p") - paid * (side != "b") for paid, booked, side in drawn)
    assert drift_in(OVER, *rows)["impact_minor"].sum() == apart
