"""Use that invoices left out or billed too much: told, settled by items of the next invoice, and gone."""

import asyncio
from collections import Counter
from contextlib import closing

import pytest

from extractors.sandbox import control
from extractors.sandbox.store import Store
from extractors.sandbox.stripe_catalogue import add_price
from extractors.sandbox.stripe_invoice_items import add_invoice_item
from extractors.sandbox.stripe_invoices import bill_pending
from orchestration.sending import send
from orchestration.stores import opened_state
from reconcilers.corrections.approval import approve
from reconcilers.corrections.compensate import compensate
from reconcilers.state.views import list_corrections, list_exceptions
from tests.e2e.conftest import start_company

pytestmark = pytest.mark.slow
PLANTED = 12  # four of each variant
NEW = (("INV-MISS-01", ""), ("PAY-MISS-01", ""))  # of an invoice that nobody posted
CAUSES = ("not_billed", "billed_too_much")


@pytest.fixture(scope="module")
def company(tmp_path_factory):
    made = start_company(tmp_path_factory.mktemp("usage"), plants=())
    control.plant(made.settings.sandbox_dir, "USG-QTY-01", PLANTED, seed=1)
    yield made
    control.down(made.settings.sandbox_dir)


def told(company):
    """Open exceptions by code and cause, and those that a correction of ours resolved."""
    with opened_state(company.settings) as state:
        found = list_exceptions(state)
    alive = sorted((e.code, e.cause or "") for e in found if e.state == "OPEN")
    return alive, [e.owner_id for e in found if e.state == "RESOLVED_VERIFIED"]


def invoice_one(company, made):
    """Invoice what waits for the subscription of one of these, and something else beside it.

    A card pays it, and nobody posts either to the ERP.
    """
    lines = {c.record_id for c in made}
    with closing(Store(company.settings.sandbox_dir / "sandbox.db")) as store:
        item = next(
            one
            for one in store.rows("stripe", "invoiceitem", invoice=None)
            if one["metadata"].get("tieout_usage_line") in lines
        )
        named = item["parent"]["subscription_details"]["subscription"]
        with store.transaction():
            charge_once(store, item, abs(item["amount"]) + 5000)
            bill_pending(store, store.get("stripe", "subscription", named))
        return store.get("stripe", "invoiceitem", item["id"])["invoice"]


def charge_once(store, item, amount):
    same = {name: item[name] for name in ("currency", "customer", "period")}
    sold = {"currency": item["currency"], "active": False, "unit_amount": amount}
    used = store.rows("stripe", "product", active=True)[0]["id"]
    price = add_price(store, {**sold, "product": used})
    add_invoice_item(store, price=price, amount=amount, **same)


def test_what_was_billed_wrongly_is_settled_once_and_nothing_else_comes_of_it(company):
    company.night()
    alive, _ = told(company)
    assert {code for code, _ in alive} == {"USG-QTY-01"}
    assert len(alive) == PLANTED
    with opened_state(company.settings) as state:
        planned = list_corrections(state)
        of = {cause: [c for c in planned if c.cause == cause] for cause in CAUSES}
        assert sum(map(len, of.values())) == PLANTED
        ready = {cause: [c for c in made if c.state == "proposed"] for cause, made in of.items()}
        waiting = [c.correction_id for made in ready.values() for c in made]
        approve(state, waiting, "controller", "the meter is right")
        assert asyncio.run(send(company.settings, state)).outcomes == {"accepted": len(waiting)}
        assert asyncio.run(send(company.settings, state)).outcomes == {}

    control.advance(company.settings.sandbox_dir, 1)
    company.night()
    left, settled = told(company)
    assert len(settled) == len(waiting)
    assert {code for code, _ in left} == {"USG-QTY-01"}
    assert len(left) == PLANTED - len(waiting)

    *_, undone = ready["billed_too_much"]
    with opened_state(company.settings) as state:
        (back,) = compensate(state, [undone.correction_id], "cid", "the meter is wrong")
        for actor in ("ann", "ben"):
            approve(state, [back.correction_id], actor, "the meter is wrong")
        assert asyncio.run(send(company.settings, state)).outcomes == {"accepted": 1}
    invoices = {invoice_one(company, made) for made in ready.values()}

    control.advance(company.settings.sandbox_dir, 1)
    company.night()
    alive, still_settled = told(company)
    assert sorted({*settled} - {*still_settled}) == [undone.record_id]
    once_more = {("USG-QTY-01", "billed_too_much"): 1}
    assert Counter(alive) - Counter(left) == once_more | dict.fromkeys(NEW, 2)
    with opened_state(company.settings) as state:
        postings = list_corrections(state, code="INV-MISS-01")
        assert {c.record_id for c in postings} == invoices
        # the sandbox puts no tax on what it invoices at once; the ERP would
        assert {refusal["check"] for c in postings for refusal in c.refusals} <= {"tax"}
