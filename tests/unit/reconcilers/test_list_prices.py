"""A list price that billing lacks is made beside the others, as the price book has it."""

import asyncio
import json

import pytest

from reconcilers.corrections.approval import approve
from reconcilers.corrections.dispatch import DispatchLimits, dispatch
from reconcilers.state import open_state
from reconcilers.state.views import list_corrections
from tests.billing_samples import listed, other_list_price
from tests.correction_samples import at, plan_into
from tests.drift_samples import drift
from tests.memory_targets import MemoryTarget
from tests.plan_facts import context
from tests.unit.reconcilers.test_journals import planned

TIERS = json.dumps(
    [
        {"up_to": 100, "unit_amount": "12.500000000000", "flat_amount": None},
        {"up_to": None, "unit_amount": "9.000000000000", "flat_amount": "500.000000000000"},
    ]
)


def test_the_new_price_is_sold_by_the_periods_of_the_one_beside_it():
    correction = planned(other_list_price(), **listed(tax_behavior="exclusive"))
    assert (correction.object, correction.operation) == ("price", "create")
    assert (correction.mode, correction.record_id) == ("approve", "01u1")
    assert correction.payload == {
        "product": "prod_1",
        "currency": "gbp",
        "unit_amount_decimal": "5300",
        "recurring": {"interval": "month", "interval_count": 1},
        "tax_behavior": "exclusive",
        "metadata": {
            "crm_pricebook_entry_id": "01u1",
            "q2c_correlation_id": "q2c_006A",
            "tieout_correction": correction.correction_id,
        },
    }


def test_tiers_are_taken_over_as_a_whole():
    payload = planned(other_list_price(), **listed(unit_amount=None, tiers=TIERS)).payload
    assert "unit_amount_decimal" not in payload
    assert (payload["billing_scheme"], payload["tiers_mode"]) == ("tiered", "graduated")
    assert payload["tiers"] == [
        {"up_to": 100, "unit_amount_decimal": "12.5"},
        {"up_to": "inf", "unit_amount_decimal": "9", "flat_amount_decimal": "500"},
    ]


@pytest.mark.parametrize(
    ("facts", "field", "words"),
    [
        ({"list_prices": []}, "price.unit_amount_decimal", "not in the snapshot"),
        (listed(unit_amount=None), "price.unit_amount_decimal", "neither a price nor tiers"),
        (
            listed(unit_amount="9999.99960000"),
            "price.unit_amount_decimal",
            "comes to 9999.9996 minor",
        ),
        (listed(tiers=TIERS, interval="year"), "price.tiers", "by the year"),
        (listed(tiers=TIERS, interval_count=3), "price.tiers", "by the month"),
    ],
)
def test_a_price_that_is_not_certain_is_refused(facts, field, words):
    correction = planned(other_list_price(), **facts)
    (refusal,) = correction.refusals
    assert (refusal.field, words in refusal.problem) == (field, True), refusal
    assert (correction.state, correction.payload) == ("refused", {})


@pytest.mark.parametrize(("is_active", "outcome"), [(True, "accepted"), (False, "superseded")])
def test_it_is_made_beside_one_that_is_sold(is_active, outcome):
    account = MemoryTarget(
        "stripe",
        {("price", "price_1"): {"id": "price_1", "product": "prod_1", "active": is_active}},
    )
    state = open_state("sqlite://")
    plan_into(state, drift(other_list_price()), context(**listed()), at(0, 3))
    (view,) = list_corrections(state, states=("proposed",))
    approve(state, [view.correction_id], "ann", "", at(0, 4))
    entry = {"id": "01u1", "SystemModstamp": "2026-01-10T08:00:00.000Z"}
    crm = MemoryTarget("salesforce", {("PricebookEntry", "01u1"): entry})
    targets, limits = {"stripe": account, "salesforce": crm}, DispatchLimits(tries_per_run=1)
    assert asyncio.run(dispatch(state, targets, lambda: at(0, 9), limits)).outcomes == {outcome: 1}
    assert len(account.effects) == (outcome == "accepted")
    state.close()
