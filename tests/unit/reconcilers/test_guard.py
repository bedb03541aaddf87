"""What the matrix does not give is not written: refused by the plan, and by dispatch again."""

import asyncio
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from itertools import product
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconcilers.corrections.dispatch import dispatch
from reconcilers.corrections.guard import DEEDS, SHIPPED, Guard, shipped_guard
from reconcilers.corrections.states import CorrectionState
from reconcilers.corrections.wire_fields import DOCUMENTS, PLACES
from reconcilers.ownership import load_ownership, owned_on
from reconcilers.rules.base import ROLE_OF_SYSTEM
from reconcilers.state import open_state
from reconcilers.state.models import CorrectionRecord
from reconcilers.state.views import list_corrections
from tests.correction_samples import at, plan_into
from tests.drift_samples import DAY, drift, lost_link, missing_invoice
from tests.memory_targets import salesforce
from tests.plan_facts import context
from tests.unit.reconcilers.test_plan import only, planned

ROWS = load_ownership(SHIPPED)
SYSTEMS = ("salesforce", "stripe", "netsuite")


@dataclass(frozen=True)
class Wanted:
    """A write as the guard sees it."""

    system: str
    object: str
    payload: Any = field(default_factory=lambda: MappingProxyType({}))
    operation: str = "update"
    action: str = "copy_field"


def given_by(rows, entity, attribute, **values):
    """The rows of the matrix, those of one attribute otherwise."""
    return tuple(
        replace(row, **values) if (row.entity, row.attribute) == (entity, attribute) else row
        for row in rows
    )


def law(entity, attribute, **values):
    return Guard(given_by(ROWS, entity, attribute, **values))


def test_every_copy_that_the_matrix_gives_may_be_written_and_nothing_else():
    named = {(row.entity, row.attribute) for row in ROWS}
    allowed = {
        (row.entity, row.attribute, row.replica)
        for row in owned_on(ROWS, DAY)
        if row.conflict_rule != "FROZEN"
    }
    guard = shipped_guard()
    written = {
        (*attribute, ROLE_OF_SYSTEM[system])
        for attribute, system in product(named | {("customer", "galaxy")}, SYSTEMS)
        if guard.against(attribute, system, DAY) is None
    }
    assert len(written) > len(SYSTEMS) * 10
    assert written == {one for one in allowed if one[2] in ROLE_OF_SYSTEM.values()}


@given(st.integers(-40, 40), st.sampled_from(["crm", "billing"]))
def test_the_owner_of_the_day_is_not_overwritten(days, earlier):
    """An attribute whose owner and copy change parts on DAY."""
    later = "billing" if earlier == "crm" else "crm"
    of_status = ("subscription", "status")
    row = next(row for row in ROWS if (row.entity, row.attribute) == of_status)
    versions = (
        replace(row, owner=earlier, replica=later, valid_from=date(2020, 1, 1)),
        replace(row, owner=later, replica=earlier, valid_from=DAY),
    )
    on = DAY + timedelta(days=days)
    owner, copy = (earlier, later) if days < 0 else (later, earlier)
    system = {role: name for name, role in ROLE_OF_SYSTEM.items()}
    guard = Guard(versions)
    assert guard.against(of_status, system[copy], on) is None
    assert f"{owner} owns it" in guard.against(of_status, system[owner], on).problem
    assert guard.against(of_status, system[copy], date(2019, 12, 31)) is not None


def test_each_place_is_a_field_of_its_own_and_of_an_attribute_that_the_matrix_names():
    named = {(row.entity, row.attribute) for row in ROWS}
    assert {(entity, attribute) for _, entity, attribute in PLACES} <= named
    fields = [
        (system, place.object, path)
        for (system, _, _), place in PLACES.items()
        for path in (place.path, *place.beside)
    ]
    assert len(set(fields)) == len(fields)
    assert {one for known in DOCUMENTS.values() for one in known} <= named


@pytest.mark.parametrize(
    ("write", "field", "problem"),
    [
        (Wanted("salesforce", "Account", {"Name": "Acme"}), "Account.Name", "no attribute"),
        (Wanted("salesforce", "Lead", {"Status__c": "x"}), "Lead.Status__c", "no attribute"),
        (
            Wanted("stripe", "customer", {"metadata": {"netsuite_customer_id": "1", "tier": "A"}}),
            "customer.metadata.tier",
            "no attribute",
        ),
        (Wanted("netsuite", "customer", {"addressBook": {}}), "customer.addressBook", "no attrib"),
        (
            Wanted("netsuite", "vendorBill", {"tranId": "1"}, "upsert"),
            "vendorBill",
            "is posted no vendorBill",
        ),
        (Wanted("stripe", "invoice/mark_uncollectible"), "invoice/mark_uncollectible", "asked for"),
        # only what takes an unsigned edit back writes a contract line
        (
            Wanted("salesforce", "Contract_Line__c", {"Quantity__c": "5.0"}),
            "Contract_Line__c.Quantity__c",
            "no attribute",
        ),
        (
            Wanted("stripe", "coupon", {"percent_off": "5"}, "create"),
            "coupon",
            "is posted no coupon",
        ),
    ],
)
def test_what_stands_in_no_place_is_refused(write, field, problem):
    (refusal,) = shipped_guard().refusals(write, DAY)
    assert (refusal.check, refusal.field) == ("matrix", field)
    assert problem in refusal.problem
    assert refusal.fix


def test_what_goes_beside_a_value_belongs_to_it():
    both = {"Status__c": "Cancelled", "Status_Changed_At__c": "2026-06-20T09:30:00.000+0000"}
    write = Wanted("salesforce", "Subscription__c", both)
    assert shipped_guard().refusals(write, DAY) == ()
    frozen = law("subscription", "status", conflict_rule="FROZEN")
    (refusal,) = frozen.refusals(write, DAY)
    assert "frozen" in refusal.problem


@pytest.mark.parametrize(("system", "document"), sorted(DOCUMENTS))
def test_a_document_is_posted_only_where_the_matrix_gives_a_copy(system, document):
    write = Wanted(system, document, {"memo": "m"}, "create")
    assert shipped_guard().refusals(write, DAY) == ()
    owned = ROWS
    for entity, attribute in DOCUMENTS[system, document]:
        owned = given_by(owned, entity, attribute, owner=ROLE_OF_SYSTEM[system], replica="crm")
    (refusal,) = Guard(owned).refusals(write, DAY)
    assert "owns it" in refusal.problem


@pytest.mark.parametrize(("system", "deed"), sorted(DEEDS))
def test_a_deed_without_a_body_is_judged_by_what_it_moves(system, deed):
    write, attribute = Wanted(system, deed), DEEDS[system, deed]
    assert shipped_guard().refusals(write, DAY) == ()
    (refusal,) = law(*attribute, conflict_rule="FROZEN").refusals(write, DAY)
    assert "frozen" in refusal.problem


def test_what_takes_an_unsigned_edit_back_may_write_the_line():
    write = Wanted(
        "salesforce",
        "Contract_Line__c",
        {"Quantity__c": "5.0", "Unit_Price__c": "9.0"},
        action="revert_unsigned_edit",
    )
    assert shipped_guard().refusals(write, DAY) == ()


CRM_OWNS_ITS_LINK = law("customer", "billing_customer_ref", owner="crm", replica="erp")


def test_the_plan_refuses_what_the_matrix_took_away():
    assert only(lost_link()).state is CorrectionState.APPROVED
    refused, kept = planned(lost_link(), missing_invoice(), guard=CRM_OWNS_ITS_LINK)
    if refused.subject.code != "CUS-MISS-01":
        refused, kept = kept, refused
    assert (refused.state, dict(refused.payload)) == (CorrectionState.REFUSED, {})
    assert refused.state_reason == "customer.billing_customer_ref: crm owns it"
    assert kept.state is CorrectionState.PROPOSED


@pytest.fixture
def state():
    opened = open_state("sqlite://")
    plan_into(opened, drift(lost_link()), context(), at(0, 3))
    yield opened
    opened.close()


def send(state, crm, guard=None):
    found = dispatch(state, {"salesforce": crm}, lambda: at(0, 9), guard=guard)
    summary = asyncio.run(found)
    (view,) = list_corrections(state)
    return dict(summary.outcomes), view


def test_dispatch_refuses_what_the_matrix_took_away_since(state):
    crm = salesforce()
    outcomes, view = send(state, crm, CRM_OWNS_ITS_LINK)
    assert (outcomes, crm.effects) == ({"refused": 1}, [])
    assert view.refusals[0]["field"] == "customer.billing_customer_ref"


def test_dispatch_judges_by_the_matrix_of_the_day_of_the_plan(state):
    """From the next day on the CRM owns the link: what was planned before may still go out."""
    later = tuple(
        replace(row, valid_from=DAY + timedelta(days=1)) for row in CRM_OWNS_ITS_LINK.rows
    )
    assert send(state, salesforce(), Guard((*ROWS, *later)))[0] == {"accepted": 1}


def test_a_payload_that_grew_on_its_way_is_not_sent(state):
    with state.begin() as session:
        record = session.query(CorrectionRecord).one()
        record.payload = {**record.payload, "OwnerId": "005A"}
    crm = salesforce()
    outcomes, view = send(state, crm)
    assert (outcomes, crm.effects) == ({"refused": 1}, [])
    assert view.refusals[0]["field"] == "Account.OwnerId"
