"""Who changed a contract line: the paper, billing, or nothing but the discount."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.comparison_tables import drift_in, paired
from tests.effort import examples

CHANGES = "cmp_contract_change__crm_vs_billing"
TWO_DAYS = 48 * 3600


def change(side: str | None, **values: Any) -> dict[str, Any]:
    """10 seats that are 120.00 a month on paper and 100.00 in billing, changed three months ago."""
    usual = {
        "product_code": "SEAT",
        "changed_side": side,
        "is_signed": False,
        "is_invoiced_since": False,
        "crm_amount_minor": 12_000,
        "billing_amount_minor": 10_000,
        "crm_quantity": 10,
        "billing_quantity": 10,
        "crm_discount_percent": Decimal(20),
        "billing_discount_percent": Decimal(20),
        "crm_discount_minor": Decimal(3_000),
        "months_since_change": 3,
        "remaining_months": 6,
    }
    return paired("crm", "billing", "a", **usual | values)


@pytest.mark.parametrize(
    ("is_signed", "sides", "said", "cause"),
    [
        (True, ("crm-a", "billing-a"), ("12000", "10000"), "signed"),
        (False, ("billing-a", "crm-a"), ("10000", "12000"), "unsigned"),
    ],
)
def test_signed_paper_decides_and_an_edit_that_nobody_signed_does_not(
    is_signed, sides, said, cause
):
    (drift,) = drift_in(CHANGES, change("crm", is_signed=is_signed)).to_dicts()
    assert (drift["code"], drift["attribute"], drift["cause"]) == ("CON-AMD-01", "mrr:SEAT", cause)
    assert (drift["owner_id"], drift["replica_id"]) == sides
    assert (drift["expected"], drift["observed"]) == said
    assert drift["impact_minor"] == 2_000 * (3 + 6)


@pytest.mark.parametrize(("is_invoiced", "severity"), [(True, "S3"), (False, "S4")])
def test_a_change_that_was_invoiced_meanwhile_weighs_more(is_invoiced, severity):
    row = change("crm", is_invoiced_since=is_invoiced)
    assert drift_in(CHANGES, row)["severity"].to_list() == [severity]


@pytest.mark.parametrize(
    ("billed", "units", "cause", "impact"),
    [
        (10_000, 10, "price", 12_000),
        (13_000, 11, "quantity", -6_000),
        (13_000, 10, "price", -6_000),
    ],
)
def test_a_change_of_billing_is_valued_over_the_months_that_are_left(billed, units, cause, impact):
    row = change("billing", billing_amount_minor=billed, billing_quantity=units)
    (drift,) = drift_in(CHANGES, row).to_dicts()
    assert (drift["code"], drift["cause"]) == ("CON-AMD-02", cause)
    assert (drift["owner_id"], drift["replica_id"]) == ("crm-a", "billing-a")
    assert drift["impact_minor"] == impact


@pytest.mark.parametrize(
    ("agreed", "given_off", "cause"),
    [
        (20, 0, "missing"),
        (0, 10, "not_agreed"),
        (20, 10, "other_percent"),
        (20, 30, "other_percent"),
    ],
)
def test_a_discount_tells_how_it_differs(agreed, given_off, cause):
    percents = {
        "crm_discount_percent": Decimal(agreed),
        "billing_discount_percent": Decimal(given_off),
    }
    (drift,) = drift_in(CHANGES, change("discount", **percents)).to_dicts()
    assert (drift["code"], drift["attribute"]) == ("CON-DISC-01", "discount_percent:SEAT")
    assert (drift["cause"], drift["impact_minor"]) == (cause, 2_000 * 6)
    assert (drift["owner_system"], drift["replica_system"]) == ("salesforce", "stripe")


def test_a_discount_that_ends_before_its_line_is_charged_for_the_months_left():
    ends = {"discount_end_date": date(2026, 9, 1), "undiscounted_months": 4}
    (drift,) = drift_in(CHANGES, change(None, **ends)).to_dicts()
    assert (drift["code"], drift["attribute"]) == ("CON-DISC-01", "discount_end_date:SEAT")
    assert (drift["cause"], drift["impact_minor"]) == ("ends_early", -12_000)
    assert drift["observed"] == "2026-09-01"
    assert (drift["owner_system"], drift["replica_system"]) == ("salesforce", "stripe")


@pytest.mark.parametrize(
    "row",
    [
        change(None),
        change("crm", has_billing=False),
        change("billing", has_crm=False),
        change("discount", excluded_reason="product_on_one_side"),
        change(None, discount_end_date=date(2026, 9, 1), crm_discount_percent=Decimal(0)),
        change(None, discount_end_date=date(2026, 9, 1), crm_discount_percent=None),
    ],
)
def test_nothing_is_told_where_no_side_moved_or_one_is_missing(row):
    assert drift_in(CHANGES, row).is_empty()


@pytest.mark.parametrize(
    ("side", "late"),
    [("crm", "billing"), ("billing", "crm"), ("discount", "billing"), (None, "billing")],
)
@pytest.mark.parametrize(
    ("coverage", "disposition"), [(TWO_DAYS - 1, "in_flight"), (TWO_DAYS, "exception")]
)
def test_the_other_side_has_two_days_to_follow(side, late, coverage, disposition):
    ends = {} if side else {"discount_end_date": date(2026, 9, 1), "undiscounted_months": 4}
    row = change(side, **ends | {f"{late}_coverage_seconds": coverage})
    assert drift_in(CHANGES, row)["disposition"].to_list() == [disposition]


@given(
    agreed=st.integers(0, 10**9),
    charged=st.integers(0, 10**9),
    side=st.sampled_from(["crm", "billing", "discount"]),
)
@settings(max_examples=examples(8), deadline=None)
def test_what_is_charged_too_little_and_too_much_weighs_the_same(agreed, charged, side):
    one = change(side, crm_amount_minor=agreed, billing_amount_minor=charged)
    other = change(side, crm_amount_minor=charged, billing_amount_minor=agreed, row_key="b")
    impact = dict(drift_in(CHANGES, one, other).select("row_key", "impact_minor").iter_rows())
    assert impact["a"] == -impact["b"]
    assert (impact["a"] > 0) is (agreed > charged)
