"""Use that invoices left out: told, billed by items of the next invoice, and gone from then on."""

import asyncio
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
PLANTED = 6  # two of each variant


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


def invoice_one(company):
    """Invoice what waits for one subscription: a card pays it, and nobody posts either to the ERP."""
    with closing(Store(company.settings.sandbox_dir / "sandbox.db")) as store:
        item = next(
            one
            for one in store.rows("stripe", "invoiceitem", invoice=None)
            if "tieout_usage_line" in one["metadata"]
        )
        named = item["parent"]["subscription_details"]["subscription"]
        with store.transaction():
            bill_pending(store, store.get("stripe", "subscription", named))
        return store.get("stripe", "invoiceitem", item["id"])["invoice"]


def test_what_was_left_out_is_billed_once_and_nothing_else_comes_of_it(company):
    company.night()
    alive, _ = told(company)
    assert {code for code, _ in alive} == {"USG-QTY-01"}
    assert len(alive) == PLANTED
    with opened_state(company.settings) as state:
        planned = list_corrections(state)
        waiting = [c.correction_id for c in planned if c.state == "proposed"]
        assert waiting
        assert {c.cause for c in planned} == {"not_billed"}
        approve(state, waiting, "controller", "the meter is right")
        assert asyncio.run(send(company.settings, state)).outcomes == {"accepted": len(waiting)}
        assert asyncio.run(send(company.settings, state)).outcomes == {}

    control.advance(company.settings.sandbox_dir, 1)
    company.night()
    left, billed = told(company)
    assert len(billed) == len(waiting)
    assert {code for code, _ in left} == {"USG-QTY-01"}
    assert len(left) == PLANTED - len(waiting)

    invoice = invoice_one(company)
    control.advance(company.settings.sandbox_dir, 1)
    company.night()
    alive, still_billed = told(company)
    assert still_billed == billed
    assert sorted({*alive} - {*left}) == [("INV-MISS-01", ""), ("PAY-MISS-01", "")]
    with opened_state(company.settings) as state:
        (posting,) = list_corrections(state, code="INV-MISS-01")
        assert (posting.record_id, posting.refusals) == (invoice, ())
