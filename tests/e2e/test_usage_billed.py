"""Use that invoices billed wrongly: told, settled by items of the next invoice, and gone."""

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
PLANTED = {"USG-QTY-01": 12, "USG-RATE-01": 6}  # four and three of each variant
NEW = (("INV-MISS-01", ""), ("PAY-MISS-01", ""))  # of an invoice that nobody posted
CAUSES = ("not_billed", "billed_too_much", "charged_too_little", "charged_too_much")
UNDONE = ("billed_too_much", "charged_too_little")


@pytest.fixture(scope="module")
def company(tmp_path_factory):
    made = start_company(tmp_path_factory.mktemp("usage"), plants=())
    for code, count in PLANTED.items():
        control.plant(made.settings.sandbox_dir, code, count, seed=1)
    yield made
    control.down(made.settings.sandbox_dir)


def night(company):
    """A night after which all that is unbilled is accounted for."""
    company.night()
    lines = [row for row in company.rows("tieouts", "snapshot_date") if row["code"] == "TO-UNB"]
    assert lines
    assert [row for row in lines if not row["holds"]] == []


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


def agree(state, ids, *actors):
    """Two people, where the first one is not enough."""
    for actor in actors:
        said = approve(state, ids, actor, "the meter and the price are right")
        ids = [one.correction_id for one in said if one.still_needed]
    assert ids == []


def test_what_was_billed_wrongly_is_settled_once_and_nothing_else_comes_of_it(company):
    night(company)
    alive, _ = told(company)
    assert Counter(code for code, _ in alive) == PLANTED
    with opened_state(company.settings) as state:
        planned = list_corrections(state)
        of = {cause: [c for c in planned if c.cause == cause] for cause in CAUSES}
        assert sum(map(len, of.values())) == len(alive)
        ready = {cause: [c for c in made if c.state == "proposed"] for cause, made in of.items()}
        waiting = [c.correction_id for made in ready.values() for c in made]
        agree(state, waiting, "controller", "ann")
        assert asyncio.run(send(company.settings, state)).outcomes == {"accepted": len(waiting)}
        assert asyncio.run(send(company.settings, state)).outcomes == {}

    control.advance(company.settings.sandbox_dir, 1)
    night(company)
    left, settled = told(company)
    assert len(settled) == len(waiting)
    assert {code for code, _ in left} <= {*PLANTED}
    assert len(left) == len(alive) - len(waiting)

    undone = {cause: ready[cause][-1] for cause in UNDONE}
    with opened_state(company.settings) as state:
        ids = [made.correction_id for made in undone.values()]
        back = compensate(state, ids, "cid", "the meter is wrong")
        agree(state, [each.correction_id for each in back], "ann", "ben")
        assert asyncio.run(send(company.settings, state)).outcomes == {"accepted": len(back)}
    invoices = {invoice_one(company, made) for made in ready.values()}

    control.advance(company.settings.sandbox_dir, 1)
    night(company)
    alive, still_settled = told(company)
    assert {*settled} - {*still_settled} == {made.record_id for made in undone.values()}
    once_more = Counter((made.code, cause) for cause, made in undone.items())
    assert Counter(alive) - Counter(left) == once_more | dict.fromkeys(NEW, len(CAUSES))
    with opened_state(company.settings) as state:
        postings = list_corrections(state, code="INV-MISS-01")
        assert {c.record_id for c in postings} == invoices
        # the sandbox puts no tax on what it invoices at once; the ERP would
        assert {refusal["check"] for c in postings for refusal in c.refusals} <= {"tax"}
