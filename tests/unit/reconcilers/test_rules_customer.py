"""Customers: unknown to the CRM or the ledger, link lost, attributes that differ."""

from typing import Any

import pytest

from tests.comparison_tables import drift_in, only, paired

IN_CRM = "cmp_customer__crm_vs_billing"
IN_ERP = "cmp_customer__billing_vs_erp"
TERMS = "cmp_customer__crm_vs_erp"
SIX_HOURS = 6 * 3600


def linked(**values: Any) -> dict[str, Any]:
    usual = {"channel": "sales_led", "is_cross_referenced": True, "live_mrr_minor": 1_000}
    return paired("crm", "billing", "a", entity="customer", **usual | values)


def unknown_to_sales(**values: Any) -> dict[str, Any]:
    usual = {"channel": "sales_led", "is_cross_referenced": False, "live_mrr_minor": 1_000}
    return only("billing", "crm", "a", entity="customer", **usual | values)


def test_a_linked_customer_does_not_drift():
    assert drift_in(IN_CRM, linked()).is_empty()


@pytest.mark.parametrize(
    ("row", "cause", "replica"),
    [
        (unknown_to_sales(), "account_missing", (None, None)),
        (unknown_to_sales(channel=None), "account_missing", (None, None)),
        (linked(is_cross_referenced=False), "link_lost", ("salesforce", "crm-a")),
        (linked(is_cross_referenced=None), "link_lost", ("salesforce", "crm-a")),
    ],
)
def test_a_customer_of_sales_needs_an_account_and_a_link_to_it(row, cause, replica):
    (drift,) = drift_in(IN_CRM, row).to_dicts()
    assert (drift["code"], drift["cause"], drift["attribute"]) == ("CUS-MISS-01", cause, "")
    assert (drift["owner_system"], drift["owner_id"]) == ("stripe", "billing-a")
    assert (drift["replica_system"], drift["replica_id"]) == replica
    assert drift["impact_minor"] == 12_000


@pytest.mark.parametrize(
    "row",
    [
        unknown_to_sales(channel="self_serve"),
        unknown_to_sales(channel="self_serve", excluded_reason="self_serve"),
        linked(channel="self_serve", is_cross_referenced=False),
        only("crm", "billing", "p", excluded_reason="no_billing_customer"),
    ],
)
def test_self_serve_customers_and_prospects_need_no_link(row):
    assert drift_in(IN_CRM, row).is_empty()


@pytest.mark.parametrize(("is_active", "severity"), [(True, "S3"), (False, "S4"), (None, "S4")])
def test_a_paying_customer_without_account_weighs_more(is_active, severity):
    row = unknown_to_sales(has_active_subscription=is_active, live_mrr_minor=0)
    assert drift_in(IN_CRM, row)["severity"].to_list() == [severity]


@pytest.mark.parametrize(
    ("coverage", "disposition"), [(SIX_HOURS - 1, "in_flight"), (SIX_HOURS, "exception")]
)
def test_the_crm_has_six_hours_to_learn_of_a_customer(coverage, disposition):
    row = unknown_to_sales(crm_coverage_seconds=coverage)
    assert drift_in(IN_CRM, row)["disposition"].to_list() == [disposition]


def test_a_customer_with_documents_must_be_in_the_ledger():
    row = only("billing", "erp", "a", has_documents=True, documents_minor=5_000_00, currency="JPY")
    (drift,) = drift_in(IN_ERP, row).to_dicts()
    assert (drift["code"], drift["owner_id"], drift["replica_id"]) == (
        "CUS-MISS-02",
        "billing-a",
        None,
    )
    assert (drift["impact_minor"], drift["impact_reporting_minor"]) == (500_000, 335_000)
    assert drift["severity"] == "S2"


@pytest.mark.parametrize(
    ("values", "dispositions"),
    [
        ({"has_documents": False, "excluded_reason": "no_documents"}, []),
        ({"has_documents": False}, []),
        ({"has_documents": None}, []),
        ({"has_documents": True, "erp_coverage_seconds": SIX_HOURS - 1}, ["in_flight"]),
        ({"has_documents": True, "erp_coverage_seconds": SIX_HOURS}, ["exception"]),
    ],
)
def test_without_documents_or_within_grace_the_ledger_need_not_know(values, dispositions):
    row = only("billing", "erp", "a", **values)
    assert drift_in(IN_ERP, row)["disposition"].to_list() == dispositions


def test_names_are_compared_by_letters_and_digits():
    cases = {
        ("Acme, Inc.", "ACME INC"): False,
        ("Acme", "Acme Holding"): True,
        ("ＡＣＭＥ　株式会社", "acme株式会社"): False,
        ("ｶﾞﾗｽ工業", "ガラス工業"): False,
        ("ガラス工業", "カラス工業"): True,
        ("Müller GmbH", "MÜLLER GMBH"): False,
        ("Müller GmbH", "Muller GmbH"): True,
        ("第１", "第1"): False,
        (None, "Acme"): False,
        ("Acme", None): True,
    }
    rows = [
        linked(row_key=str(names), crm_legal_name=names[0], billing_legal_name=names[1])
        for names in cases
    ]
    drift = drift_in(IN_CRM, *rows)
    assert set(drift.select("code", "attribute").rows()) == {("CUS-ATTR-01", "legal_name")}
    found = set(drift["row_key"])
    assert {names: str(names) in found for names in cases} == cases


@pytest.mark.parametrize(
    ("attribute", "severity"), [("tax_id", "S2"), ("country_code", "S2"), ("invoice_email", "S4")]
)
def test_billing_owns_what_the_customer_keeps_in_the_portal(attribute, severity):
    values = {f"billing_{attribute}": "new", f"crm_{attribute}": "old"}
    (drift,) = drift_in(IN_CRM, linked(**values)).to_dicts()
    assert (drift["owner_system"], drift["replica_system"]) == ("stripe", "salesforce")
    assert (drift["owner_id"], drift["replica_id"]) == ("billing-a", "crm-a")
    assert (drift["expected"], drift["observed"]) == ("new", "old")
    assert (drift["attribute"], drift["severity"], drift["impact_minor"]) == (
        attribute,
        severity,
        0,
    )


def test_an_attribute_that_the_owner_leaves_empty_is_no_drift():
    assert drift_in(IN_CRM, linked(billing_tax_id=None, crm_tax_id="DE1")).is_empty()


def test_finance_owns_the_terms_of_payment():
    row = paired("crm", "erp", "a", erp_payment_terms_days=45, crm_payment_terms_days=30)
    (drift,) = drift_in(TERMS, row).to_dicts()
    assert (drift["owner_system"], drift["owner_id"]) == ("netsuite", "erp-a")
    assert (drift["attribute"], drift["expected"], drift["observed"]) == (
        "payment_terms_days",
        "45",
        "30",
    )


def test_a_change_that_the_copy_could_not_have_seen_is_in_flight():
    row = linked(billing_tax_id="A", crm_tax_id="B", crm_coverage_seconds=60)
    assert drift_in(IN_CRM, row)["disposition"].to_list() == ["in_flight"]


def test_one_account_of_two_billing_customers_gives_two_drifts():
    rows = [
        linked(row_key=key, billing_id=key, crm_legal_name="A", billing_legal_name="B")
        for key in ("cus_1", "cus_2")
    ]
    drift = drift_in(IN_CRM, *rows)
    assert drift["replica_id"].to_list() == ["cus_1", "cus_2"]
    assert drift["exception_key"].n_unique() == 2
