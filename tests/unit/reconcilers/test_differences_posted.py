"""What an invoice that must not change lacks, or has too much, becomes a document of its own."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconcilers.corrections.erp_difference import difference
from reconcilers.corrections.plan import plan
from reconcilers.corrections.policy import load_policy
from tests.correction_samples import (
    FACTS,
    changed,
    context,
    drift,
    missing_note,
    other_total,
    posted_as,
)
from tests.unit.reconcilers.test_amendments import line, tax
from tests.unit.reconcilers.test_journals import JULY, LIFE, planned

SETTLED = {"unpaid_minor": 0, "unpaid": "0"}
TOO_LOW = posted_as(("il_0", 7500, 1500), ("il_1", 1500, 300), **SETTLED)
TOO_HIGH = posted_as(("il_0", 7500, 1500), ("il_1", 3500, 700), unpaid_minor=500, unpaid="5")
HEAD = {
    "entity": {"id": "501"},
    "subsidiary": {"id": "2"},
    "currency": {"id": "2"},
    "exchangeRate": "1.25",
    "tranDate": "2026-06-12",
    "postingPeriod": {"id": "2606"},
    "custbody_q2c_correlation_id": "q2c_006A",
    "taxDetailsOverride": True,
}
TEN = {"item": {"items": [line(1, "10.00", "il_1")]}}
TWO = {"taxDetails": {"items": [tax(1, "10.00", "2.00")]}}


def test_what_a_settled_invoice_lacks_is_invoiced_at_its_rate():
    correction = planned(other_total(), **TOO_LOW)
    assert (correction.action, correction.mode) == ("post_erp_supplement", "approve")
    assert (correction.object, correction.record_id) == ("invoice", "adjust_7001_1")
    supplement = {"tranId": "UK-0001-1", "dueDate": "2026-07-12", "customForm": "subscription"}
    memo = {"memo": f"tieout:{correction.correction_id}"}
    assert correction.payload == HEAD | supplement | TEN | TWO | memo


def test_what_it_has_too_much_is_credited_and_applied_as_far_as_it_is_open():
    correction = planned(other_total(), **TOO_HIGH)
    assert (correction.action, correction.mode) == ("credit_erp_difference", "approve")
    assert (correction.object, correction.record_id) == ("creditMemo", "adjust_7001_1")
    apply = {"apply": {"items": [{"doc": {"id": "7001"}, "apply": True, "amount": "5.00"}]}}
    memo = {"memo": f"tieout:{correction.correction_id}"}
    assert correction.payload == HEAD | TEN | TWO | apply | memo


def test_a_tax_that_differs_is_credited_alone():
    held = posted_as(("il_0", 7500, 1500), ("il_1", 2500, 900), **SETTLED)
    row = other_total() | {"code": "TAX-AMT-01", "attribute": "tax:GB", "cause": "other_amount"}
    payload = planned(row, **held).payload
    assert [each["amount"] for each in payload["item"]["items"]] == ["0.00"]
    assert [each["taxAmount"] for each in payload["taxDetails"]["items"]] == ["4.00"]
    assert "apply" not in payload


def test_of_a_closed_month_two_people_post_it_on_the_first_open_day():
    facts = posted_as(("il_0", 7500, 1500), ("il_1", 1500, 300))
    facts["erp_periods"] = [FACTS["erp_periods"][1] | {"is_closed": "T"}, JULY]
    correction = planned(other_total(), **facts)
    assert (correction.mode, correction.state) == ("approve_two", "proposed")
    posted = correction.payload["tranDate"], correction.payload["postingPeriod"]["id"]
    assert posted == ("2026-07-01", "2607")


HOLDER = {"number": "UK-0001-1", "transaction_id": "9", "invoice_id": None}
OPEN = FACTS["erp_periods"][1]


@pytest.mark.parametrize(
    ("facts", "field", "words"),
    [
        ({"erp_invoice_numbers": [HOLDER]}, "tranId", "taken by ERP transaction 9"),
        ({"erp_periods": [OPEN | {"is_closed": "T"}]}, "postingPeriod", "no accounting period"),
        (
            posted_as(("il_0", 9000, 1800), ("il_1", 500, 100), **SETTLED),
            "item.items",
            "both|others",
        ),
        (posted_as(("il_0", 7500, 2000), ("il_1", 1500, 500), **SETTLED), "item.items", "others"),
        (posted_as(("il_0", 7500, 1500), currency="EUR", **SETTLED), "currency", "in EUR"),
        (changed("erp_items", sku="OTHER"), "item.items[1].item", "not in the ERP"),
    ],
)
def test_what_is_not_certain_is_refused(facts, field, words):
    correction = planned(other_total(), **TOO_LOW | facts)
    found = [one.problem for one in correction.refusals if one.field == field]
    assert any(word in problem for problem in found for word in words.split("|")), (
        correction.refusals
    )
    assert correction.payload == {}


amounts = st.integers(0, 10_000)
row = st.builds(
    lambda name, item, net, minor: {
        "stripe_line_id": name, "item_id": item, "net_minor": net, "tax_minor": minor
    },
    st.sampled_from(["il_0", "il_1", "il_2", None]),
    st.sampled_from(["201", "202"]),
    amounts,
    amounts,
)  # fmt: skip
sides = st.lists(row, min_size=1, max_size=4)


@settings(max_examples=50, deadline=None)
@given(sides, sides)
def test_a_difference_is_all_that_one_side_has_more(held, billed):
    found = difference(held, billed)
    for part in ("net_minor", "tax_minor"):
        more = sum(each[part] for each in billed) - sum(each[part] for each in held)
        assert sum(each[part] for each in found) == more


def other_credit(**values):
    """Note cn_1 over 30.00, of which the ERP has memo 7200 with another total."""
    what = {"code": "CRN-AMT-01", "replica_id": "7200", "attribute": "total", "cause": "total"}
    return missing_note() | what | values


def credited(**values):
    return changed("erp_memos", **values)


def nets(correction):
    return [line["amount"] for line in correction.payload["item"]["items"]]


def test_what_a_memo_credits_too_little_is_credited_beside_it():
    correction = planned(other_credit(), **credited())
    assert (correction.object, correction.record_id) == ("creditMemo", "adjust_7200_1")
    assert correction.mode == "approve"
    assert nets(correction) == ["7.00", "3.00"]
    apply = [{"doc": {"id": "7002"}, "apply": True, "amount": "10.00"}]
    assert correction.payload["apply"]["items"] == apply
    assert correction.payload["exchangeRate"] == "1.25"


def test_what_a_memo_credits_too_much_is_invoiced():
    correction = planned(
        other_credit(), **credited(total="-40", total_minor=4000, applied_minor=4000)
    )
    assert (correction.object, correction.record_id) == ("invoice", "adjust_7200_1")
    assert nets(correction) == ["7.00", "3.00"]
    assert correction.payload["tranId"] == "UK-0002-CN-01-1"
    assert "apply" not in correction.payload


def test_a_memo_is_applied_as_far_as_its_note_and_its_invoice_allow():
    for facts, left in (
        (credited(applied_minor=2600), "4.00"),
        (changed("erp_invoices", unpaid="3", unpaid_minor=300), "3.00"),
    ):
        payload = planned(other_credit(), **facts).payload
        assert [each["amount"] for each in payload["apply"]["items"]] == [left]
    for facts in (credited(applied_minor=3000), {"erp_invoices": []}):
        assert "apply" not in planned(other_credit(), **facts).payload


@pytest.mark.parametrize(
    ("facts", "field", "words"),
    [
        ({"erp_memos": []}, "externalId", "7200 with its note is not in the snapshot"),
        ({"billing_credit_notes": []}, "externalId", "is not in the snapshot"),
        (credited(voided="T"), "voided", "is void"),
        (credited(customer_id="9"), "entity", "of customer 9"),
        (credited(currency="EUR"), "currency", "in EUR"),
        (credited(tax_minor=600, total_minor=2000), "item.items", "too high and others too low"),
        ({"erp_periods": [OPEN | {"is_closed": "T"}]}, "postingPeriod", "no accounting period"),
    ],
)
def test_a_memo_that_is_not_understood_is_left_to_people(facts, field, words):
    correction = planned(other_credit(), **facts)
    found = [one.problem for one in correction.refusals if one.field == field]
    assert any(words in problem for problem in found), correction.refusals
    assert (correction.state, correction.payload) == ("refused", {})


def test_copies_and_credits_beyond_their_invoice_are_for_people():
    frame = drift(other_credit(cause="posted_twice"))
    lives = dict.fromkeys(frame["exception_key"], LIFE)
    assert plan(frame, (), lives, context(), load_policy()) == ()
