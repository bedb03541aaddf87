"""Periods of documents and accounts of items become what they should be, where that can be known."""

import pytest

from reconcilers.corrections.policy import CAUSES
from tests.drift_samples import copied_invoice, drift_row
from tests.plan_facts import FACTS, changed, held_field
from tests.unit.reconcilers.test_journals import JULY, planned

MONTHS = [*FACTS["erp_periods"], JULY]


def in_july(cause="invoice", **values):
    """Document 9001, which is posted in July and belongs to June."""
    return drift_row(
        "9001",
        "JE-PER-01",
        comparison="cmp_posting__event_vs_ledger",
        owner_system="netsuite",
        replica_system=None,
        attribute="period",
        observed="2026-07",
        **{"expected": "2026-06", "cause": cause, **values},
    )


def held_in(period="2607", months=MONTHS):
    held = held_field(("netsuite", "9001"), "posting", "period", period, period_id=period)
    return {"held_fields": [held], "erp_periods": months}


def other_account(attribute="revenue_account", **values):
    """An item that posts to 2200."""
    return drift_row(
        "201",
        "PRD-GL-01",
        comparison="cmp_product_account__within_erp",
        owner_system="netsuite",
        replica_system=None,
        attribute=attribute,
        observed="2200",
        **{"expected": "4000", **values},
    )


def item(attribute="revenue_account", value="220"):
    return {"held_fields": [held_field(("netsuite", "201"), "product", attribute, value)]}


@pytest.mark.parametrize(
    ("kind", "record"),
    [
        ("invoice", "invoice"),
        ("credit_note", "creditMemo"),
        ("card_payment", "customerPayment"),
        ("bank_payment", "customerPayment"),
        ("refund", "customerRefund"),
        ("deposit", "deposit"),
        ("dispute", "journalEntry"),
        ("recognition", "journalEntry"),
    ],
)
def test_each_kind_of_document_is_moved_to_its_month(kind, record):
    correction = planned(in_july(kind), **held_in())
    assert (correction.object, correction.record_id) == (record, "9001")
    assert correction.before == {"postingPeriod": {"id": "2607"}}
    assert correction.payload == {"postingPeriod": {"id": "2606"}}
    assert correction.mode == "approve_two"


def test_a_document_is_moved_while_its_date_is_that_of_the_month():
    dated = held_field(("netsuite", "9001"), "posting", "date", "2026-06-30", period_id="2607")
    held = [*held_in()["held_fields"], dated]
    correction = planned(in_july(), **held_in() | {"held_fields": held})
    assert correction.before == {"postingPeriod": {"id": "2607"}, "tranDate": "2026-06-30"}
    assert correction.payload == {"postingPeriod": {"id": "2606"}}


def test_every_kind_of_document_that_can_be_posted_wrong_has_its_record():
    for kind in CAUSES["JE-PER-01"]:
        assert planned(in_july(kind), **held_in()).payload


def closed(position, **flags):
    return [row | (flags if n == position else {}) for n, row in enumerate(MONTHS)]


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"held_fields": []}, "the period of 9001 is not in the snapshot"),
        ({"erp_periods": closed(1, is_closed="T")}, "period Jun 2026 is closed"),
        ({"erp_periods": closed(2, is_ar_locked="T")}, "period Jul 2026 is locked"),
        ({"erp_periods": MONTHS[2:]}, "month 2026-06 is not in the snapshot"),
    ],
)
def test_nothing_goes_into_a_closed_month_or_out_of_one(facts, words):
    correction = planned(in_july(), **held_in() | facts)
    assert [one.problem for one in correction.refusals if words in one.problem]
    assert (correction.state, correction.payload) == ("refused", {})


@pytest.mark.parametrize(
    ("attribute", "expected", "wanted"),
    [
        ("revenue_account", "4000", {"incomeAccount": {"id": "400"}}),
        ("deferred_account", "2100", {"deferredRevenueAccount": {"id": "210"}}),
    ],
)
def test_an_item_posts_to_the_account_that_finance_maps(attribute, expected, wanted):
    correction = planned(other_account(attribute, expected=expected), **item(attribute))
    assert (correction.object, correction.record_id) == ("serviceSaleItem", "201")
    assert correction.payload == wanted
    assert correction.mode == "approve_two"


@pytest.mark.parametrize(
    ("row", "facts", "words"),
    [
        (other_account(), {"held_fields": []}, "not in the snapshot"),
        (other_account(expected=None), {}, "names no account"),
        (other_account(expected="9999"), {}, "account 9999 is not in the ERP"),
        (other_account(), changed("erp_accounts", 3, is_inactive="T"), "4000 is inactive"),
    ],
)
def test_an_account_that_is_not_certain_is_refused(row, facts, words):
    (refusal,) = planned(row, **item() | facts).refusals
    assert words in refusal.problem


def unknown_invoice(**values):
    return copied_invoice("7001") | {"code": "INV-MISS-02", "cause": "unpaid", **values}


def open_invoice(**values):
    copy = FACTS["erp_copies"][1] | {"unpaid": "120", "unpaid_minor": 12000, **values}
    lines = [line | {"transaction_id": "7001"} for line in FACTS["erp_copy_lines"]]
    return {"erp_copies": [copy], "erp_copy_lines": lines}


def test_what_names_an_invoice_that_billing_does_not_have_is_credited():
    correction = planned(unknown_invoice(), **open_invoice())
    assert (correction.object, correction.record_id) == ("creditMemo", "credit_7001")
    assert correction.mode == "approve_two"
    assert correction.payload["apply"]["items"] == [
        {"doc": {"id": "7001"}, "apply": True, "amount": "120.00"}
    ]
    asked = [(each["system"], each["equals"], each["shows"]) for each in correction.after["while"]]
    assert ("stripe", {"id": "in_1"}, None) in asked


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        (open_invoice(invoice_id=None), "somebody may have meant it"),
        (open_invoice(unpaid_minor=1), "something is applied"),
        ({"erp_copies": []}, "not in the snapshot"),
    ],
)
def test_what_may_be_owed_is_not_credited(facts, words):
    (refusal,) = planned(unknown_invoice(), **facts).refusals
    assert words in refusal.problem
