"""Add-ons that do not end with their contract, or are billed apart: told, put right, and gone."""

import asyncio
from collections import Counter
from contextlib import closing

import pytest

from extractors.sandbox import control
from extractors.sandbox.store import Store
from extractors.sandbox.stripe_invoices import bill_pending
from orchestration.sending import send
from orchestration.stores import opened_state
from reconcilers.corrections.approval import approve
from reconcilers.state.views import list_corrections, list_exceptions
from tests.e2e.conftest import start_company

pytestmark = pytest.mark.slow
PLANTED = 9  # three of each cause
DAY = 86_400


@pytest.fixture(scope="module")
def company(tmp_path_factory):
    made = start_company(tmp_path_factory.mktemp("co_terms"), plants=())
    control.plant(made.settings.sandbox_dir, "CON-COT-01", PLANTED, seed=1)
    with closing(Store(made.settings.sandbox_dir / "sandbox.db")) as store, store.transaction():
        for planted in store.rows("stripe", "subscription"):
            if planted["latest_invoice"] is None and len(planted["items"]["data"]) == 1:
                end_soon(store, planted)
    yield made
    control.down(made.settings.sandbox_dir)


def end_soon(store, subscription):
    """The period of an add-on ends in the one that the contract's subscription is in."""
    (item,) = subscription["items"]["data"]
    contract = subscription["metadata"]["crm_contract_id"]
    ends = [
        each["items"]["data"][0]["current_period_end"]
        for each in store.rows("stripe", "subscription")
        if each["metadata"].get("crm_contract_id") == contract
    ]
    soon = int(store.now().timestamp()) + 6 * DAY
    item["current_period_end"] = soon if soon < min(ends) else item["current_period_end"]
    store.put("stripe", "subscription", {"id": subscription["id"], "items": {"data": [item]}})


def told(state):
    return Counter((e.code, e.cause, e.state) for e in list_exceptions(state))


def agree_and_send(company, state):
    waiting = [view.correction_id for view in list_corrections(state, states=("proposed",))]
    for actor in ("ann", "ben"):
        approve(state, waiting, actor, "it was sold so")
    return asyncio.run(send(company.settings, state)).outcomes


def invoice_what_waits(company):
    """The days between are invoiced, and nobody posts that to the ERP; the subscriptions."""
    with closing(Store(company.settings.sandbox_dir / "sandbox.db")) as store:
        waiting = store.rows("stripe", "invoiceitem", invoice=None, proration=True)
        named = {one["parent"]["subscription_details"]["subscription"] for one in waiting}
        with store.transaction():
            for each in named:
                bill_pending(store, store.get("stripe", "subscription", each))
    return named


def test_add_ons_end_and_are_billed_with_their_contract_and_nothing_else_comes_of_it(company):
    company.night()
    with opened_state(company.settings) as state:
        (waits,) = list_corrections(state, states=("refused",))
        assert "paid for longer than the period" in waits.state_reason
        assert agree_and_send(company, state) == {"accepted": PLANTED - 1}
    control.advance(company.settings.sandbox_dir, 1)
    company.night()
    done = {
        ("CON-COT-01", "ends_before", "RESOLVED_VERIFIED"): 3,
        ("CON-COT-01", "ends_after", "RESOLVED_VERIFIED"): 3,
        ("CON-COT-01", "another_subscription", "RESOLVED_VERIFIED"): 2,
        ("CON-COT-01", "another_subscription", "OPEN"): 1,
    }
    with opened_state(company.settings) as state:
        assert told(state) == done | {("SUB-DUP-01", "another_subscription", "OPEN"): 2}
        assert agree_and_send(company, state) == {"accepted": 2}
    invoiced = invoice_what_waits(company)
    assert len(invoiced) == 2
    control.advance(company.settings.sandbox_dir, 1)
    company.night()
    with opened_state(company.settings) as state:
        assert told(state) == done | {
            ("SUB-DUP-01", "another_subscription", "RESOLVED_VERIFIED"): 2,
            ("INV-MISS-01", None, "OPEN"): 2,
        }
