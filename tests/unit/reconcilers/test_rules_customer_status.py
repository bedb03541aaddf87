"""Customers that the ERP has out of use while billing goes on."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.comparison_tables import drift_in, paired
from tests.effort import examples

STATUS = "cmp_customer_status__billing_vs_erp"
THREE_DAYS = 3 * 24 * 3600


def customer(**values: Any) -> dict[str, Any]:
    """An inactive customer who owes 5.00 and will be invoiced 20.00 in four days."""
    usual = {
        "is_active_in_erp": False,
        "has_live_subscription": True,
        "open_minor": 500,
        "next_invoice_minor": 2_000,
        "seconds_to_invoice": THREE_DAYS + 86_400,
    }
    return paired("billing", "erp", "a", **usual | values)


@pytest.mark.parametrize(
    ("values", "cause", "severity", "observed"),
    [
        ({}, "still_served", "S3", "live subscription"),
        ({"seconds_to_invoice": THREE_DAYS + 1}, "still_served", "S3", "live subscription"),
        ({"seconds_to_invoice": THREE_DAYS}, "next_invoice_will_fail", "S2", "live subscription"),
        ({"seconds_to_invoice": -1}, "next_invoice_will_fail", "S2", "live subscription"),
        (
            {"has_live_subscription": False, "seconds_to_invoice": None},
            "still_owes",
            "S3",
            "open invoices",
        ),
    ],
)
def test_what_cannot_be_posted_is_told_and_weighs_more_when_it_comes_soon(
    values, cause, severity, observed
):
    (drift,) = drift_in(STATUS, customer(**values)).to_dicts()
    assert (drift["code"], drift["attribute"]) == ("CUS-STAT-01", "is_active")
    assert (drift["owner_id"], drift["replica_id"]) == ("erp-a", "billing-a")
    assert (drift["cause"], drift["severity"], drift["observed"]) == (cause, severity, observed)
    assert (drift["impact_minor"], drift["disposition"]) == (2_500, "exception")


@pytest.mark.parametrize(
    "row", [customer(is_active_in_erp=True), customer(excluded_reason="nothing_to_post")]
)
def test_customers_in_use_or_with_nothing_to_post_do_not_drift(row):
    assert drift_in(STATUS, row).is_empty()


@given(owed=st.integers(0, 10**9), upcoming=st.integers(0, 10**9))
@settings(max_examples=examples(6), deadline=None)
def test_what_is_owed_and_what_comes_add_up(owed, upcoming):
    row = customer(open_minor=owed, next_invoice_minor=upcoming)
    assert drift_in(STATUS, row)["impact_minor"].to_list() == [owed + upcoming]
