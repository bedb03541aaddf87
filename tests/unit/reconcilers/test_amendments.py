"""Lines of a posted invoice become those of billing, while nothing stands against it."""

import asyncio

import pytest

from extractors.errors import UnknownOutcome
from extractors.protocol import WriteIntent
from reconcilers.corrections.approval import approve
from reconcilers.corrections.compensate import compensate
from reconcilers.corrections.dispatch import DispatchLimits, dispatch
from reconcilers.corrections.plan import plan
from reconcilers.corrections.policy import load_policy
from reconcilers.state.views import list_corrections
from tests.correction_samples import at, plan_into
from tests.drift_samples import drift, key_of, other_total, wrong_line
from tests.memory_targets import netsuite, stripe
from tests.plan_facts import FACTS, changed, context, posted_as
from tests.unit.reconcilers.test_journals import LIFE, planned

OTHER_CODE = other_total() | {
    "code": "TAX-CODE-01", "attribute": "tax_code:GB", "cause": "other_rate", "expected": "VAT",
}  # fmt: skip
ONE_LINE = posted_as(("il_0", 7500, 1500))
SWAPPED = posted_as(("il_0", 2500, 500), ("il_1", 7500, 1500), unpaid_minor=0, unpaid="0")


def line(number, net, name):
    return {
        "item": {"id": "201"},
        "quantity": "1",
        "amount": net,
        "taxDetailsReference": f"L{number}",
        "custcol_stripe_line_id": name,
        "custcol_rev_start": "2026-06-12",
        "custcol_rev_end": "2026-07-11",
    }


def tax(number, net, amount):
    return {
        "taxDetailsReference": f"L{number}",
        "taxCode": {"id": "2"},
        "taxBasis": net,
        "taxRate": "20",
        "taxAmount": amount,
    }


BILLED = {
    "item": {"items": [line(1, "75.00", "il_0"), line(2, "25.00", "il_1")]},
    "taxDetails": {"items": [tax(1, "75.00", "15.00"), tax(2, "25.00", "5.00")]},
}


def test_an_open_invoice_gets_all_lines_and_taxes_that_billing_charged():
    correction = planned(other_total(), **ONE_LINE)
    assert (correction.object, correction.record_id, correction.operation) == (
        "invoice",
        "7001",
        "update",
    )
    assert correction.mode == "approve"
    assert correction.expected_version == "v1"
    assert correction.payload == {**BILLED, "taxDetailsOverride": True}
    assert correction.before == {
        "item": {"items": [line(1, "75.00", "il_0")]},
        "taxDetails": {"items": [tax(1, "75.00", "15.00")]},
    }


def test_lines_keep_their_places():
    held = posted_as(("il_1", 2500, 500), ("il_0", 2500, 500))
    lines = planned(other_total(), **held).payload["item"]["items"]
    assert [each["custcol_stripe_line_id"] for each in lines] == ["il_1", "il_0"]


def test_taxes_that_differ_are_put_right_with_all_the_lines():
    facts = posted_as(("il_0", 7500, 1500), ("il_1", 2500, 0))
    changes = {"code": "TAX-AMT-01", "attribute": "tax:GB", "cause": "other_amount"}
    row = other_total() | changes
    assert planned(row, **facts).payload == {**BILLED, "taxDetailsOverride": True}


def test_the_code_under_which_billing_charged_comes_with_all_the_lines_of_a_paid_invoice():
    """Its total stays, so that what was applied to it stands."""
    facts = posted_as(("il_0", 7500, 1500), ("il_1", 2500, 500), unpaid_minor=0)
    facts["erp_copy_lines"] = [
        row | {"tax_code_id": "9", "tax_rate": "19"} for row in facts["erp_copy_lines"]
    ]
    correction = planned(OTHER_CODE, **facts)
    assert correction.mode == "approve_two"
    assert correction.payload == {**BILLED, "taxDetailsOverride": True}
    codes = [each["taxCode"] for each in correction.before["taxDetails"]["items"]]
    assert codes == [{"id": "9"}, {"id": "9"}]


TWINS = [FACTS["erp_tax_codes"][0], FACTS["erp_tax_codes"][0] | {"tax_code_id": "1", "name": "RC"}]


def test_of_two_codes_of_one_rate_billing_names_the_one_that_is_written():
    facts = posted_as(("il_0", 7500, 1500), ("il_1", 2500, 500))
    facts["erp_copy_lines"] = [row | {"tax_code_id": "1"} for row in facts["erp_copy_lines"]]
    assert (
        planned(OTHER_CODE, **facts, erp_tax_codes=TWINS).payload["taxDetails"]
        == BILLED["taxDetails"]
    )


@pytest.mark.parametrize(
    ("name", "codes", "words"),
    [
        ("RR", TWINS, "no ERP tax code is named RR"),
        ("RR,VAT", TWINS, "no ERP tax code is named RR,VAT"),
        ("VAT", [TWINS[0], TWINS[0] | {"tax_code_id": "3"}], "2 ERP tax codes are named VAT"),
    ],
)
def test_a_code_that_billing_does_not_name_alone_is_refused(name, codes, words):
    facts = posted_as(("il_0", 7500, 1500), ("il_1", 2500, 500))
    correction = planned(OTHER_CODE | {"expected": name}, **facts, erp_tax_codes=codes)
    (refusal,) = correction.refusals
    assert (correction.state, words in refusal.problem) == ("refused", True), refusal


def test_another_total_changes_no_code_that_billing_may_have_meant():
    assert (
        planned(other_total(), **ONE_LINE, erp_tax_codes=TWINS).payload["taxDetails"]
        == BILLED["taxDetails"]
    )
    other = posted_as(("il_0", 7500, 1500))
    other["erp_copy_lines"] = [row | {"tax_code_id": "9"} for row in other["erp_copy_lines"]]
    (refusal,) = planned(other_total(), **other, erp_tax_codes=TWINS).refusals
    assert "2 ERP tax codes have the country and rate" in refusal.problem


def told(*names, transaction="7001"):
    return {
        "erp_wrong_lines": [
            {"exception_key": key_of(f"INV-LINE-01{n}"), "transaction_id": transaction, "is_first": not p}
            for p, n in enumerate(names)
        ]
    }  # fmt: skip


def test_one_correction_puts_all_lines_of_an_invoice_right_although_it_is_paid():
    frame = drift(wrong_line("il_0"), wrong_line("il_1"))
    facts = context(**SWAPPED, **told("il_0", "il_1"))
    lives = dict.fromkeys(frame["exception_key"], LIFE)
    (correction,) = plan(frame, (), lives, facts, load_policy())
    assert correction.subject.owner_id == "il_0"
    assert correction.payload == {**BILLED, "taxDetailsOverride": True}


@pytest.mark.parametrize(
    ("facts", "field", "words"),
    [
        ({"erp_copies": []}, "item.items", "'7001' with its billing invoice is not in"),
        ({"billing_invoices": []}, "item.items", "is not in the snapshot"),
        (posted_as(("il_0", 7500, 1500), unpaid_minor=1), "amountRemaining", "would change"),
        (posted_as(("il_0", 7500, 1500), voided="T"), "voided", "is void"),
        (posted_as(("il_0", 7500, 1500), currency="EUR"), "currency", "in EUR"),
        (posted_as(("il_0", 7500, 1500), subsidiary_id="3"), "subsidiary", "of subsidiary 3"),
        (posted_as(("il_0", 7500, 1500), period_id="2604"), "postingPeriod", "2604 is not in"),
        (posted_as(("il_0", 7500, 1500), total_minor=9001), "item.items", "leave 1 of its total"),
        ({"erp_copy_lines": []}, "item.items", "no lines"),
        (changed("erp_periods", 1, is_closed="T"), "postingPeriod", "is closed"),
        (changed("erp_items", sku="OTHER"), "item.items[1].item", "not in the ERP"),
        (changed("erp_items", income_account_id="220", deferred_account_id="220"), "account", "chart"),
        (changed("billing_invoices", total_minor=12001), "item.items.amount", "do not add up"),
        ({"erp_tax_codes": []}, "taxDetails.taxCode", "no ERP tax code"),
        (posted_as(("il_0", 7500, 1500), ("il_1", 2500, 500)), "item.items", "already those"),
    ],
)  # fmt: skip
def test_each_gap_is_refused_with_its_field(facts, field, words):
    correction = planned(other_total(), **ONE_LINE | facts)
    found = [one.problem for one in correction.refusals if field in one.field]
    assert any(words in problem for problem in found), correction.refusals
    assert (correction.state, correction.payload) == ("refused", {})


def test_a_line_without_a_tax_code_could_not_be_put_back():
    facts = posted_as(("il_0", 7500, 0))
    facts["erp_copy_lines"][0] |= {"tax_code_id": None, "tax_rate": None}
    (refusal,) = planned(other_total(), **facts).refusals
    assert refusal.field == "taxDetails.taxCode"


def test_a_number_that_another_document_has_is_refused():
    holder = {"number": "UK-0001", "transaction_id": "7001", "invoice_id": "in_1"}
    assert planned(other_total(), erp_invoice_numbers=[holder], **ONE_LINE).payload
    other = [holder | {"transaction_id": "9"}]
    (refusal,) = planned(other_total(), erp_invoice_numbers=other, **ONE_LINE).refusals
    assert refusal.field == "tranId"


def shown(image):
    """An image as the ERP shows it: numbers as numbers, taxes by code."""
    lines = [
        {**each, "quantity": float(each["quantity"]), "amount": float(each["amount"])}
        for each in image["item"]["items"]
    ]
    amount = sum(float(each["taxAmount"]) for each in image["taxDetails"]["items"])
    taxes = [{"taxCode": {"id": "2"}, "taxAmount": amount}]
    return {
        "item": {"items": lines},
        "taxDetails": {"items": taxes},
        "postingPeriod": {"id": "2606"},
    }


class Erp(type(netsuite())):
    """Shows lines as NetSuite does."""

    async def write(self, intent: WriteIntent):
        try:
            return await super().write(intent)
        finally:
            self.records[intent.object, intent.record_id] |= shown(intent.body)


def ready(state):
    """An approved correction, and the targets as it was planned for them."""
    plan_into(state, drift(other_total()), context(**ONE_LINE), at(0, 3))
    (view,) = list_corrections(state, states=("proposed",))
    approve(state, [view.correction_id], "ann", "", at(0, 4))
    erp = Erp("netsuite", netsuite().records)
    (copy,) = ONE_LINE["erp_copies"]
    erp.records["transaction", "7001"] |= {
        "foreigntotal": copy["total"],
        "foreignamountunpaid": copy["unpaid"],
        "postingperiod": "2606",
    }
    erp.records["invoice", "7001"] = shown(view.before)
    billing = stripe()
    billing.records["invoice", "in_1"] |= {"status_transitions": {"voided_at": None}}
    return erp, billing


def send(state, erp, billing, day=0):
    targets, limits = {"netsuite": erp, "stripe": billing}, DispatchLimits(tries_per_run=1)
    return asyncio.run(dispatch(state, targets, lambda: at(day, 9), limits)).outcomes


@pytest.mark.parametrize(
    ("key", "change", "outcome"),
    [
        (("transaction", "7001"), {}, "accepted"),
        (("transaction", "7001"), {"foreignamountunpaid": "0"}, "superseded"),
        (("transaction", "7001"), {"voided": "T"}, "superseded"),
        (("transaction", "7001"), {"postingperiod": "2607"}, "superseded"),
        (("accountingperiod", "2606"), {"closed": "T"}, "refused"),
        (("invoice", "7001"), {"item": {"items": []}}, "superseded"),
    ],
)
def test_what_changed_since_the_yes_stops_it(state, key, change, outcome):
    erp, billing = ready(state)
    erp.records[key] |= change
    assert send(state, erp, billing) == {outcome: 1}
    assert len(erp.effects) == (outcome == "accepted")


@pytest.mark.parametrize("change", [{"total": 1}, {"status_transitions": {"voided_at": 1}}])
def test_what_billing_takes_back_is_not_written_any_more(state, change):
    erp, billing = ready(state)
    billing.records["invoice", "in_1"] |= change
    assert send(state, erp, billing) == {"superseded": 1}
    assert erp.effects == []


def test_what_stands_against_a_second_call_is_no_word_on_the_first(state):
    """A call without an answer took effect, which two looks miss; then the month is closed."""
    erp, billing = ready(state)
    erp.script = [("after", UnknownOutcome("netsuite", "no answer"))]
    stale = iter([dict(erp.records["invoice", "7001"])] * 2)
    assert send(state, erp, billing) == {"unknown": 1}
    read = erp.read

    async def lagging(object, record_id):  # noqa: A002
        return next(stale, None) or await read(object, record_id)

    erp.read = lagging
    assert send(state, erp, billing) == {"approved": 1}
    erp.records["accountingperiod", "2606"] |= {"closed": "T"}
    assert send(state, erp, billing, day=2) == {"accepted": 1}
    assert len(erp.effects) == 1


def test_other_lines_are_not_put_back_under_a_payment(state):
    erp, billing = ready(state)
    assert send(state, erp, billing) == {"accepted": 1}
    (taken,) = list_corrections(state)
    (undo,) = compensate(state, [taken.correction_id], "ben", "wrong", at(0, 10))
    approve(state, [undo.correction_id], "ann", "", at(0, 11))
    erp.records["transaction", "7001"] |= {"foreigntotal": "999", "foreignamountunpaid": "0"}
    assert send(state, erp, billing) == {"refused": 1}
    assert len(erp.effects) == 1


def test_the_former_lines_are_written_back(state):
    erp, billing = ready(state)
    before = erp.records["invoice", "7001"]
    assert send(state, erp, billing) == {"accepted": 1}
    (taken,) = list_corrections(state)
    (undo,) = compensate(state, [taken.correction_id], "ben", "wrong", at(0, 10))
    approve(state, [undo.correction_id], "ann", "", at(0, 11))
    assert undo.payload == {**taken.before, "taxDetailsOverride": True}
    assert send(state, erp, billing) == {"accepted": 1}
    assert shown(undo.payload)["item"] == before["item"]
    assert {view.state for view in list_corrections(state)} == {"accepted", "compensated"}
