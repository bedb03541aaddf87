"""Buyers, payers and debtors of different families."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.comparison_tables import drift_in, paired
from tests.effort import examples

SOLD = "cmp_contract_party__crm_vs_billing"
POSTED = "cmp_invoice_party__billing_vs_erp"
TWO_DAYS = 48 * 3600


def contract(**values: Any) -> dict[str, Any]:
    """Sold to c1, billed to c2 of another family, 5.00 open."""
    usual = {"sold_to_customer_id": "c1", "billed_customer_id": "c2", "billing_amount_minor": 500}
    return paired("crm", "billing", "a", **usual | {"is_other_family": True} | values)


def invoice(**values: Any) -> dict[str, Any]:
    """Billed to c1, posted to c2 of another family, 5.00 open."""
    usual = {"billed_customer_id": "c1", "posted_customer_id": "c2", "open_minor": 500}
    return paired("billing", "erp", "a", **usual | {"is_other_family": True} | values)


@pytest.mark.parametrize(
    ("view", "row", "attribute", "sides", "cause"),
    [
        (SOLD, contract(), "bill_to", ("crm-a", "billing-a"), "billed_to_a_stranger"),
        (POSTED, invoice(), "posted_to", ("billing-a", "erp-a"), "posted_to_a_stranger"),
    ],
)
def test_what_is_open_with_a_stranger_will_not_be_paid(view, row, attribute, sides, cause):
    (drift,) = drift_in(view, row).to_dicts()
    assert (drift["code"], drift["attribute"]) == ("HIE-BILL-01", attribute)
    assert (drift["owner_id"], drift["replica_id"]) == sides
    assert (drift["expected"], drift["observed"]) == ("c1", "c2")
    assert (drift["impact_minor"], drift["severity"], drift["cause"]) == (-500, "S2", cause)


@pytest.mark.parametrize(
    ("view", "row"),
    [
        (SOLD, contract(is_other_family=False)),
        (SOLD, contract(is_other_family=None)),
        (SOLD, contract(excluded_reason="not_signed")),
        (POSTED, invoice(is_other_family=False)),
        (POSTED, invoice(excluded_reason="erp_voided")),
    ],
)
def test_one_family_and_parties_that_nobody_knows_are_no_drift(view, row):
    assert drift_in(view, row).is_empty()


@pytest.mark.parametrize(
    ("view", "row", "target"), [(SOLD, contract, "billing"), (POSTED, invoice, "erp")]
)
@pytest.mark.parametrize(
    ("coverage", "disposition"), [(TWO_DAYS - 1, "in_flight"), (TWO_DAYS, "exception")]
)
def test_a_new_document_has_two_days(view, row, target, coverage, disposition):
    drift = drift_in(view, row(**{f"{target}_coverage_seconds": coverage}))
    assert drift["disposition"].to_list() == [disposition]


@given(owed=st.integers(0, 10**9))
@settings(max_examples=examples(5), deadline=None)
def test_all_that_is_open_is_at_stake(owed):
    assert drift_in(POSTED, invoice(open_minor=owed))["impact_minor"].to_list() == [-owed]
