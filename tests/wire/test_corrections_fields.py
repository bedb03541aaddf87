"""Single fields are corrected over the wire and put back: planned, sent, undone, sent again."""

import asyncio
from contextlib import AsyncExitStack

import pytest

from extractors.registry import open_target
from extractors.sandbox import reference
from reconcilers.corrections.approval import approve
from reconcilers.corrections.compensate import compensate
from reconcilers.corrections.dispatch import dispatch
from reconcilers.state import open_state
from reconcilers.state.views import list_corrections
from tests.correction_samples import SEALS, at, plan_into
from tests.drift_samples import drift, key_of
from tests.field_samples import CASES
from tests.plan_facts import context
from tests.unit.reconcilers.test_signed_terms import (
    item,
    other_quantity,
    other_renewal,
    schedule,
)
from tests.wire.stripe_sandbox import fill
from tests.wire.vendors import LONG_AGO

# One case for each field.
FLAGS = {"true": True, "false": False}
FIELDS = {(case.system, case.record_id, case.place.name): case for case in CASES}.values()
TABLES = {
    "Account": "Account",
    "customer": "customer",
    "invoice": "transaction",
    "deposit": "transaction",
    "serviceSaleItem": "item",
    "product": "product",
    "Product2": "Product2",
}


@pytest.fixture
def company(vendors):
    """An ERP with customers and an invoice, and a CRM with an account, as they drifted."""
    store, stamps = vendors.store, {"datecreated": LONG_AGO, "lastmodifieddate": LONG_AGO}
    for table, rows in reference.netsuite_rows("2026-01-01 00:00:00").items():
        store.put_many("netsuite", table, rows)
    store.put_many("netsuite", "accountingperiod", reference.accounting_periods(2026, 2026))
    erp = {"companyname": "Acme", "subsidiary": "2", "currency": "2", **stamps}
    for key in ("9", "77", "501"):
        store.put("netsuite", "customer", {**erp, "id": key, "isinactive": "F"})
    stamps = {"createddate": LONG_AGO, "lastmodifieddate": LONG_AGO}
    invoice = {"id": "9001", "type": "CustInvc", "status": "A", "postingperiod": "2606"}
    deposit = {"id": "9002", "type": "Deposit", "postingperiod": "2606"}
    rows = [{**invoice, "entity": "77", **stamps}, {**deposit, **stamps}]
    store.put_many("netsuite", "transaction", rows)
    stamps = dict.fromkeys(("CreatedDate", "LastModifiedDate", "SystemModstamp"), LONG_AGO)
    for case in CASES:
        if case.system == "salesforce":
            record = {"Id": case.record_id, "Name": "Acme", "IsDeleted": False}
            store.put_many("salesforce", case.place.object, [{**record, **stamps}])
    product = {"id": "prod_1", "name": "Seat", "created": int(LONG_AGO.timestamp())}
    store.put_many("stripe", "product", [product])
    for case in FIELDS:
        key = "Id" if case.system == "salesforce" else "id"
        held = {key: case.record_id, _column(case): FLAGS.get(case.held, case.held)}
        store.put(case.system, TABLES[case.place.object], held)
    return vendors


def _column(case):
    return case.place.name if case.system == "salesforce" else case.place.name.lower()


def seen(company):
    """What the fields hold, in the names of the samples."""
    return {
        str(case): company.store.get(
            case.system, TABLES[case.place.object], case.record_id
        )[_column(case)]
        for case in FIELDS
    }  # fmt: skip


def send(company, state):
    async def run():
        async with AsyncExitStack() as stack:
            targets = {
                system: await stack.enter_async_context(open_target(company.config(system)))
                for system in ("salesforce", "stripe", "netsuite")
            }
            return await dispatch(state, targets, lambda: at(0, 9), seals=SEALS)

    return dict(asyncio.run(run()).outcomes)


@pytest.fixture
def state():
    opened = open_state("sqlite://")
    rows = [case.finding(exception_key=key_of(str(case)[-32:])) for case in FIELDS]
    held = [row for case in FIELDS for row in case.facts()["held_fields"]]
    plan_into(opened, drift(*rows), context(held_fields=held), at(0, 3))
    waiting = [view.correction_id for view in list_corrections(opened, states=("proposed",))]
    approve(opened, waiting, "ann", "yes", at(0, 4))
    yield opened
    opened.close()


def test_every_field_is_written_and_put_back(company, state):
    before = seen(company)
    assert send(company, state) == {"accepted": len(FIELDS)}
    assert {name: same(seen(company)[name]) for name in before} == {
        str(case): same(case.wanted) for case in FIELDS
    }
    taken = [view.correction_id for view in list_corrections(state)]
    made = [one.correction_id for one in compensate(state, taken, "ben", "wrong", at(0, 10))]
    approve(state, made, "ann", "", at(0, 11))
    assert send(company, state) == {"accepted": len(FIELDS)}
    assert seen(company) == before
    assert {view.state for view in list_corrections(state)} == {"accepted", "compensated"}


def test_a_document_whose_period_closed_since_the_plan_is_left_as_it_is(company, state):
    before = seen(company)
    company.store.put("netsuite", "accountingperiod", {"id": "2606", "arlocked": "T"})
    on_documents = [case for case in FIELDS if TABLES[case.place.object] == "transaction"]
    others = len(FIELDS) - len(on_documents)
    assert send(company, state) == {"accepted": others, "refused": len(on_documents)}
    assert all(seen(company)[str(case)] == before[str(case)] for case in on_documents)
    (reason, *_) = {v.state_reason for v in list_corrections(state, states=("refused",))}
    assert reason == "postingPeriod: period Jun 2026 is locked for receivables"


def test_a_payout_that_another_deposit_names_meanwhile_is_not_named_twice(company, state):
    (case,) = (case for case in FIELDS if case.place.object == "deposit")
    other = {"id": "9003", "type": "Deposit", "postingperiod": "2606", _column(case): case.wanted}
    company.store.put("netsuite", "transaction", other)
    assert send(company, state) == {"accepted": len(FIELDS) - 1, "refused": 1}
    (refused,) = list_corrections(state, states=("refused",))
    assert "9003 already names other" in refused.state_reason


def same(value):
    """8496.00 and 8496.0 are one amount, True and true one flag."""
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return text.rstrip("0").rstrip(".") if "." in text else text


def test_signed_terms_are_set_and_put_back_and_nothing_is_charged_for_them(vendors):
    """Without proration both ways: what the customer owes follows from the next invoice alone."""
    fill(vendors.store)
    plan = {"id": "sub_sched_1", "subscription": "sub_1", "status": "active", "phases": []}
    plan |= {"created": int(LONG_AGO.timestamp()), "current_phase": None, "end_behavior": "cancel"}
    vendors.store.put_many("stripe", "subscription_schedule", [plan])
    opened = open_state("sqlite://")
    facts = context(billing_items=[item()], billing_schedules=[schedule()])
    plan_into(opened, drift(other_quantity(), other_renewal()), facts, at(0, 3))
    taken = [view.correction_id for view in list_corrections(opened)]
    agree(opened, taken, 4)
    assert send(vendors, opened) == {"accepted": 2}
    assert signed_terms(vendors) == ({"si_1": 12, "si_2": 20}, "release")
    made = compensate(opened, taken, "ben", "wrong", at(0, 10))
    agree(opened, [one.correction_id for one in made], 11)
    assert send(vendors, opened) == {"accepted": 2}
    assert signed_terms(vendors) == ({"si_1": 10, "si_2": 20}, "cancel")
    assert vendors.store.rows("stripe", "invoiceitem") == []
    opened.close()


def agree(state, ids, hour):
    """Two people say yes, where it takes two."""
    said = approve(state, ids, "ann", "yes", at(0, hour))
    left = [one.correction_id for one in said if one.still_needed]
    approve(state, left, "eve", "yes", at(0, hour))


def signed_terms(vendors):
    items = vendors.store.get("stripe", "subscription", "sub_1")["items"]["data"]
    plan = vendors.store.get("stripe", "subscription_schedule", "sub_sched_1")
    return {one["id"]: one["quantity"] for one in items}, plan["end_behavior"]
