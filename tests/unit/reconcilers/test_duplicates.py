"""A second copy of an invoice is credited whole, at its own rate, while nothing is paid on it."""

import asyncio
from datetime import date

import pytest

from reconcilers.corrections.approval import approve
from reconcilers.corrections.dispatch import DispatchLimits, dispatch
from reconcilers.state.views import list_corrections
from tests.correction_samples import at, plan_into
from tests.drift_samples import copied_invoice, drift, void_not_copied
from tests.memory_targets import netsuite, stripe
from tests.plan_facts import FACTS, changed, context
from tests.unit.reconcilers.test_journals import JULY, planned


def test_a_copy_is_credited_by_its_own_lines():
    correction = planned(copied_invoice())
    assert (correction.object, correction.record_id) == ("creditMemo", "credit_7100")
    assert correction.mode == "approve_two"
    assert correction.payload == {
        "entity": {"id": "501"},
        "subsidiary": {"id": "2"},
        "currency": {"id": "2"},
        "exchangeRate": "1.25",
        "tranDate": "2026-06-12",
        "postingPeriod": {"id": "2606"},
        "custbody_q2c_correlation_id": "q2c_006A",
        "memo": f"tieout:{correction.correction_id}",
        "taxDetailsOverride": True,
        "item": {
            "items": [
                {
                    "item": {"id": "201"},
                    "quantity": "1",
                    "amount": net,
                    "taxDetailsReference": f"L{n}",
                    "custcol_stripe_line_id": f"il_{n}",
                    "custcol_rev_start": "2026-06-12",
                    "custcol_rev_end": "2026-07-11",
                }
                for n, net in ((1, "75.00"), (2, "25.00"))
            ]
        },
        "taxDetails": {
            "items": [
                {
                    "taxDetailsReference": f"L{n}",
                    "taxCode": {"id": "2"},
                    "taxBasis": net,
                    "taxRate": "20",
                    "taxAmount": tax,
                }
                for n, net, tax in ((1, "75.00", "15.00"), (2, "25.00", "5.00"))
            ]
        },
        "apply": {"items": [{"doc": {"id": "7100"}, "apply": True, "amount": "120.00"}]},
    }


def test_a_copy_of_a_closed_month_is_credited_on_the_first_open_day():
    months = [FACTS["erp_periods"][1] | {"is_closed": "T"}, JULY]
    assert planned(copied_invoice(), erp_periods=months).payload["tranDate"] == "2026-07-01"


@pytest.mark.parametrize(
    ("facts", "field", "words"),
    [
        ({"erp_copies": []}, "externalId", "7100 is not in the snapshot"),
        (changed("erp_copies", copy_of="1"), "externalId", "7100 is not in the snapshot"),
        (changed("erp_copies", currency="CHF"), "currency", "no CHF"),
        (changed("erp_periods", 1, is_closed="T"), "postingPeriod", "holds"),
        (changed("erp_copies", invoice_date=date(2026, 7, 1)), "postingPeriod", "holds"),
        (changed("erp_copies", is_customer_inactive="T"), "entity", "inactive"),
        (changed("erp_copies", unpaid_minor=11999), "apply.items.doc", "something is applied"),
        (changed("erp_copies", total_minor=12001, unpaid_minor=12001), "item.items", "leave 1 of"),
        ({"erp_copy_lines": []}, "item.items", "no lines"),
    ],
)
def test_each_gap_is_refused_with_its_field(facts, field, words):
    correction = planned(copied_invoice(), **facts)
    found = [refusal.problem for refusal in correction.refusals if refusal.field == field]
    assert any(words in problem for problem in found), correction.refusals
    assert (correction.state, correction.payload) == ("refused", {})


def test_an_invoice_that_billing_voided_is_credited_like_a_copy():
    alone = changed("erp_copies", copy_of=None)
    correction, other = planned(void_not_copied(), **alone), planned(copied_invoice())
    assert (correction.object, correction.record_id) == ("creditMemo", "credit_7100")
    assert correction.mode == "approve"
    memo = {"memo": f"tieout:{correction.correction_id}"}
    assert correction.payload == {**other.payload, **memo}


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"erp_copies": []}, "7100 is not in the snapshot"),
        (changed("erp_copies", unpaid_minor=0), "something is applied"),
    ],
)
def test_what_billing_voided_and_somebody_paid_is_for_people(facts, words):
    correction = planned(void_not_copied(), **facts)
    assert (correction.state, words in correction.state_reason) == ("refused", True)


@pytest.mark.parametrize(("status", "outcome"), [("void", "accepted"), ("open", "superseded")])
def test_it_is_credited_only_while_billing_still_has_it_void(state, status, outcome):
    plan_into(state, drift(void_not_copied()), context(), at(0, 3))
    (view,) = list_corrections(state, states=("proposed",))
    approve(state, [view.correction_id], "ann", "", at(0, 4))
    billing, erp = stripe(), netsuite()
    billing.records["invoice", "in_7"] = {"id": "in_7", "status": status}
    targets, limits = {"netsuite": erp, "stripe": billing}, DispatchLimits(tries_per_run=1)
    assert asyncio.run(dispatch(state, targets, lambda: at(0, 9), limits)).outcomes == {outcome: 1}
    assert len(erp.effects) == (outcome == "accepted")


@pytest.mark.parametrize(
    ("key", "change", "outcome"),
    [
        (("transaction", "7100"), {}, "accepted"),
        (("transaction", "7100"), {"foreignamountunpaid": "60"}, "superseded"),
        (("transaction", "7100"), {"voided": "T"}, "superseded"),
        (("transaction", "7001"), {"voided": "T"}, "superseded"),
        (("accountingperiod", "2606"), {"arlocked": "T"}, "refused"),
        (("customer", "501"), {"isinactive": "T"}, "refused"),
    ],
)
def test_what_changed_since_two_people_agreed_stops_it(state, key, change, outcome):
    plan_into(state, drift(copied_invoice()), context(), at(0, 3))
    (view,) = list_corrections(state, states=("proposed",))
    for actor in ("ann", "eve"):
        approve(state, [view.correction_id], actor, "", at(0, 4))
    erp = netsuite()
    erp.records[key] |= change
    targets, limits = {"netsuite": erp, "stripe": stripe()}, DispatchLimits(tries_per_run=1)
    assert asyncio.run(dispatch(state, targets, lambda: at(0, 9), limits)).outcomes == {outcome: 1}
    assert len(erp.effects) == (outcome == "accepted")
