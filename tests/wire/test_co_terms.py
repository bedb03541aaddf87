"""Add-ons end with their contract again over the wire, while all systems say what the night saw."""

import pytest

from reconcilers.corrections.compensate import compensate
from reconcilers.state.views import list_corrections
from tests.contract_samples import co_term, other_end
from tests.correction_samples import at, plan_into
from tests.drift_samples import drift
from tests.plan_facts import context
from tests.wire import stripe_sandbox
from tests.wire.test_corrections_fields import agree, send
from tests.wire.vendors import LONG_AGO

LINE, CONTRACT = co_term()["line_id"], co_term()["contract_id"]


@pytest.fixture
def sold(vendors):
    """A line that ends before its contract, and the subscription that bills it."""
    stripe_sandbox.fill(vendors.store)
    stamps = dict.fromkeys(("CreatedDate", "LastModifiedDate", "SystemModstamp"), LONG_AGO)
    contract = {"Id": CONTRACT, "EndDate": "2027-05-30", "Status": "Activated"}
    line = {"Id": LINE, "Contract__c": CONTRACT, "End_Date__c": "2027-05-01", "Co_Termed__c": True}
    for kind, record in (("Contract", contract), ("Contract_Line__c", line)):
        vendors.store.put_many("salesforce", kind, [record | stamps | {"IsDeleted": False}])
    return vendors


def agreed(state):
    plan_into(state, drift(other_end()), context(co_terms=[co_term()]), at(0, 3))
    taken = [view.correction_id for view in list_corrections(state)]
    agree(state, taken, 4)
    return taken


def end(company):
    return company.store.get("salesforce", "Contract_Line__c", LINE)["End_Date__c"]


@pytest.mark.parametrize("fault", [None, {"lose_answer": True}, {"status": 503}])
def test_the_end_is_moved_once_and_moved_back(sold, state, impatient, fault):
    taken = agreed(state)
    if fault:
        sold.fault("salesforce", method="PATCH", **fault)
    assert send(sold, state)["accepted"] == 1
    assert end(sold) == "2027-05-30"
    made = compensate(state, taken, "ben", "the line was right", at(0, 10))
    agree(state, [one.correction_id for one in made], 11)
    assert send(sold, state) == {"accepted": 1}
    assert end(sold) == "2027-05-01"


@pytest.mark.parametrize(
    ("system", "kind", "record"),
    [
        ("salesforce", "Contract", {"Id": CONTRACT, "EndDate": "2027-06-30"}),
        ("salesforce", "Contract_Line__c", {"Id": LINE, "Co_Termed__c": False}),
        ("salesforce", "Contract_Line__c", {"Id": LINE, "End_Date__c": "2027-05-02"}),
        ("stripe", "subscription", {"id": "sub_1", "cancel_at": 1_800_000_000}),
        ("stripe", "subscription", {"id": "sub_1", "schedule": "sub_sched_9"}),
    ],
)
def test_nothing_is_moved_once_anything_was(sold, state, system, kind, record):
    agreed(state)
    sold.store.put(system, kind, record)
    was = end(sold)
    assert send(sold, state) == {"superseded": 1}
    assert end(sold) == was
