"""Nothing is posted that the books would not take; each refusal names the field and the cure."""

import asyncio
import csv
from datetime import date
from decimal import Decimal

import pytest

from extractors.errors import Transient
from extractors.sandbox.reference import (
    ACCOUNTS,
    CALLS,
    DEFERRED,
    LEGAL_ENTITIES,
    PRODUCTS,
    SERVICES,
    TIERED_PRODUCTS,
)
from reconcilers.corrections.document import amount_text
from reconcilers.corrections.erp_invoice import draft_invoice, tax_fits
from reconcilers.corrections.facts import index
from reconcilers.corrections.posting import check_posting
from reconcilers.corrections.send_checks import check_at_send_time
from tests.comparison_tables import SEEDS
from tests.memory_targets import netsuite
from tests.plan_facts import FACTS, changed, context


def refusals(**changes):
    return check_posting(draft_invoice("in_1", index(context(**changes))))


def test_a_complete_invoice_may_be_posted():
    assert refusals() == ()


@pytest.mark.parametrize("product", [*PRODUCTS, *TIERED_PRODUCTS, CALLS], ids=lambda p: p.sku)
def test_the_shipped_chart_names_the_accounts_of_whatever_is_sold(product):
    """Also of what is sold by use: without a row of its family no invoice of it can be posted."""
    with (SEEDS / "ledger_accounts.csv").open(encoding="utf-8") as file:
        chart = {
            (row["product_family"], row["legal_entity"], row["event_type"]): row["account_number"]
            for row in csv.DictReader(file)
        }
    numbers = {account.id: account.number for account in ACCOUNTS}
    for entity in LEGAL_ENTITIES:
        recognised = chart[product.family, entity, "revenue_recognised"]
        assert recognised == numbers[product.income_account]
        assert (
            product is SERVICES
            or chart[product.family, entity, "revenue_deferred"] == DEFERRED.number
        )


def test_what_is_posted_balances():
    draft = draft_invoice("in_1", index(context()))
    assert [(e.label, e.number, e.amount_minor) for e in draft.ledger] == [
        ("receivable", "1100", 12000),
        ("revenue_deferred", "2100", -7500),
        ("tax_payable", "2200", -1500),
        ("revenue_deferred", "2100", -2500),
        ("tax_payable", "2200", -500),
    ]


@pytest.mark.parametrize(
    ("changes", "check", "field", "words"),
    [
        ({"erp_customers": []}, "customer", "entity", "cus_A has no customer in the ERP"),
        (changed("erp_customers", is_inactive="T"), "customer", "entity", "inactive"),
        (changed("erp_customers", subsidiary_id="1"), "customer", "entity", "subsidiary 1"),
        (changed("erp_subsidiaries", legal_entity="DE"), "legal entity", "subsidiary", "'UK'"),
        (changed("billing_invoices", currency="CHF"), "currency", "currency", "no CHF"),
        (changed("erp_periods", 1, is_closed="T"), "period", "postingPeriod", "Jun 2026 is closed"),
        (changed("erp_periods", 1, is_ar_locked="T"), "period", "postingPeriod", "locked"),
        (
            changed("billing_invoices", invoice_date=date(2026, 7, 1)),
            "period", "postingPeriod", "no accounting period holds 2026-07-01",
        ),
        ({"erp_items": []}, "items", "item.items[1].item", "item 'PLAT' is not in the ERP"),
        (changed("erp_items", is_inactive="T"), "items", "item.items[2].item", "inactive"),
        ({"billing_invoice_lines": []}, "items", "item.items", "no lines"),
        ({"ledger_accounts": []}, "ledger account", "account (receivable)", "is named"),
        (
            changed("erp_items", deferred_account_id="400"),
            "ledger account", "account (revenue_deferred)", "posts to 4000, the chart wants 2100",
        ),
        (changed("erp_accounts", 1, is_inactive="T"), "ledger account", "account (revenue_deferred)", "inactive"),
        ({"erp_tax_codes": []}, "tax", "taxDetails.taxCode", "no ERP tax code"),
        (
            changed("billing_invoice_lines", tax_minor=0),
            "tax", "taxDetails.items[1].taxAmount", "tax 0 on 7500 is not 20 %",
        ),
        (changed("billing_invoices", total_minor=12001), "balance", "item.items.amount", "by 1 minor"),
        (changed("billing_invoices", number=None), "document number", "tranId", "no number"),
        (
            {"erp_invoice_numbers": [{"number": "UK-0001", "transaction_id": "9", "invoice_id": None}]},
            "document number", "tranId", "taken by ERP transaction 9",
        ),
    ],
)  # fmt: skip
def test_each_gap_is_refused_with_its_field(changes, check, field, words):
    found = [r for r in refusals(**changes) if (r.check, r.field) == (check, field)]
    assert len(found) == 1
    assert words in found[0].problem
    assert found[0].fix


def test_all_gaps_are_told_at_once():
    gaps = refusals(erp_customers=[], **changed("erp_periods", 1, is_closed="T"))
    assert [r.check for r in gaps] == ["customer", "period"]


@pytest.mark.parametrize(
    ("candidates", "chosen"),
    [
        (["home", "linked"], "linked"),
        (["abroad", "home"], "home"),
        (["home", "named"], "named"),
    ],
)
def test_the_erp_customer_is_the_linked_one_before_the_local_one(candidates, chosen):
    kinds = {
        "linked": {"customer_id": "linked", "stripe_customer_id": "cus_A", "subsidiary_id": "1"},
        "named": {"customer_id": "named", "stripe_customer_id": None, "subsidiary_id": "1"},
        "home": {"customer_id": "home", "stripe_customer_id": None, "subsidiary_id": "2"},
        "abroad": {"customer_id": "abroad", "stripe_customer_id": None, "subsidiary_id": "1"},
    }
    rows = [FACTS["erp_customers"][0] | kinds[name] for name in candidates]
    facts = context(erp_customers=rows, **changed("billing_invoices", erp_customer_ref="named"))
    assert draft_invoice("in_1", index(facts)).customer["customer_id"] == chosen


@pytest.mark.parametrize(
    ("net", "tax", "fits"),
    [(333, 67, True), (333, 66, True), (333, 68, True), (333, 69, False), (-333, -67, True)],
)
def test_tax_may_be_off_by_rounding_only(net, tax, fits):
    assert tax_fits(net, tax, Decimal(20)) is fits


@pytest.mark.parametrize(
    ("minor", "exponent", "text"),
    [(1999, 2, "19.99"), (5, 2, "0.05"), (500, 0, "500"), (-7, 3, "-0.007")],
)
def test_amounts_are_exact_decimal_text(minor, exponent, text):
    assert amount_text(minor, exponent) == text


PAYLOAD = {"postingPeriod": {"id": "2606"}, "entity": {"id": "501"}, "tranId": "UK-0001"}


def test_what_still_holds_at_send_time_passes():
    assert asyncio.run(check_at_send_time(netsuite(), PAYLOAD, "in_1")) == ()


@pytest.mark.parametrize(
    ("key", "record", "words"),
    [
        (("accountingperiod", "2606"), {"closed": "T"}, "2026-06 is closed"),
        (("accountingperiod", "2606"), {"arlocked": "T"}, "locked for receivables"),
        (("accountingperiod", "2606"), {"id": "0"}, "is no longer in the ERP"),
        (("customer", "501"), {"isinactive": "T"}, "inactive"),
        (("customer", "501"), {"id": "0"}, "is no longer in the ERP"),
        (
            ("transaction", "9"),
            {"id": "9", "tranid": "UK-0001", "type": "CustInvc"},
            "transaction 9",
        ),
    ],
)
def test_what_changed_since_the_plan_is_refused(key, record, words):
    target = netsuite()
    target.records[key] = target.records.get(key, {}) | record
    (refusal,) = asyncio.run(check_at_send_time(target, PAYLOAD, "in_1"))
    assert words in refusal.problem


def test_a_target_that_cannot_be_asked_is_no_refusal():
    target = netsuite()
    target.look_script = [Transient("netsuite", "down")]
    with pytest.raises(Transient):
        asyncio.run(check_at_send_time(target, PAYLOAD, "in_1"))
