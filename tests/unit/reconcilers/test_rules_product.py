"""Products that a system does not know rightly, and items that post to other accounts."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.comparison_tables import drift_in
from tests.effort import examples

PRODUCTS = "cmp_product__within_system"
ACCOUNTS = "cmp_product_account__within_erp"
NUMBERS = st.sampled_from(["4000", "4010", None])


def product(**values: Any) -> dict[str, Any]:
    """A product that is sold and stands once in the CRM."""
    return {
        "row_key": "salesforce:SEAT", "entity": "product", "system_id": "01t", "has_system": True,
        "currency": "USD", "role": "crm", "source_system": "salesforce", "product_code": "SEAT",
        "sold_product_id": "prod_1", "fault": None, "live_mrr_minor": 700,
    } | values  # fmt: skip


def account(attribute: str, mapped: str | None, own: str | None, **values: Any) -> dict[str, Any]:
    return {
        "row_key": f"netsuite:201:{attribute}", "entity": "product", "erp_id": "201",
        "has_erp": True, "currency": "USD", "attribute": attribute, "mapped_account": mapped,
        "item_account": own, "posted_minor": 900,
    } | values  # fmt: skip


@pytest.mark.parametrize("fault", ["unmapped", "retired", "several"])
def test_a_product_that_is_sold_and_not_known_once_names_the_record(fault):
    (drift,) = drift_in(PRODUCTS, product(fault=fault)).to_dicts()
    assert (drift["code"], drift["cause"], drift["observed"]) == ("PRD-MAP-01", fault, fault)
    assert (drift["owner_system"], drift["owner_id"]) == ("stripe", "prod_1")
    assert (drift["replica_system"], drift["replica_id"]) == ("salesforce", "01t")
    assert (drift["impact_minor"], drift["severity"]) == (700, "S2")


def test_a_product_that_a_system_lacks_has_no_record_there():
    (drift,) = drift_in(PRODUCTS, product(fault="missing", system_id=None)).to_dicts()
    assert (drift["replica_role"], drift["replica_system"], drift["replica_id"]) == (
        "crm",
        None,
        None,
    )


def test_a_product_that_stands_once_does_not_drift():
    assert drift_in(PRODUCTS, product()).is_empty()


@pytest.mark.parametrize("attribute", ["revenue_account", "deferred_account"])
@pytest.mark.parametrize(("mapped", "own"), [("4000", "4010"), ("4000", None), (None, "4000")])
def test_an_item_that_posts_elsewhere_is_told_with_what_it_posted(attribute, mapped, own):
    (drift,) = drift_in(ACCOUNTS, account(attribute, mapped, own)).to_dicts()
    assert (drift["code"], drift["attribute"]) == ("PRD-GL-01", attribute)
    assert (drift["owner_system"], drift["owner_id"], drift["replica_id"]) == (
        "netsuite",
        "201",
        None,
    )
    assert (drift["expected"], drift["observed"]) == (mapped, own)
    assert (drift["impact_minor"], drift["severity"]) == (900, "S2")


@pytest.mark.parametrize("reason", ["not_in_use", "not_mapped", "mapped_by_entity"])
def test_items_that_no_mapping_binds_do_not_drift(reason):
    row = account("revenue_account", "4000", "4010", excluded_reason=reason)
    assert drift_in(ACCOUNTS, row).is_empty()


@given(mapped=NUMBERS, own=NUMBERS)
@settings(max_examples=examples(6), deadline=None)
def test_an_item_drifts_exactly_where_its_account_is_not_the_mapped_one(mapped, own):
    row = account("deferred_account", mapped, own)
    assert drift_in(ACCOUNTS, row).is_empty() == (mapped == own)
