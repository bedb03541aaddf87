"""Customers that a system lacks are made there once, of what billing knows, and put out of use again."""

import asyncio

import pytest

from reconcilers.corrections.approval import approve
from reconcilers.corrections.compensate import compensate
from reconcilers.corrections.dispatch import dispatch
from reconcilers.corrections.states import CorrectionState
from reconcilers.sealing import each_sealed
from reconcilers.state import open_state
from reconcilers.state.views import list_corrections
from tests.correction_samples import SEALS, at, plan_into
from tests.drift_samples import drift, missing_customer
from tests.memory_targets import MemoryTarget
from tests.plan_facts import changed, context
from tests.unit.reconcilers.test_plan import only

CRM, ERP = "CUS-MISS-01", "CUS-MISS-02"
KEYS = {CRM: ("Account", "cus_1"), ERP: ("customer", "q2c_cus_1")}
SYSTEM = {CRM: "salesforce", ERP: "netsuite"}


def facts(**values):
    return context(**changed("missing_customers", **values))


def opened(image):
    return each_sealed(image, SEALS.open)


def test_the_erp_gets_a_customer_in_the_subsidiary_of_its_documents():
    correction = only(missing_customer(ERP))
    assert opened(correction.payload) == {
        "companyName": "Acme Ltd",
        "subsidiary": {"id": "2"},
        "currency": {"id": "2"},
        "terms": {"id": "3"},
        "email": "ap@acme.example",
        "vatRegNumber": "GB123456789",
        "custentity_stripe_id": "cus_N",
        "addressBook": {
            "items": [
                {"defaultBilling": True, "addressBookAddress": {"country": {"id": "GB"}}},
            ]
        },
    }
    assert (correction.object, correction.record_id) == KEYS[ERP]
    assert (correction.operation, correction.before) == ("upsert", None)
    assert correction.state is CorrectionState.APPROVED


@pytest.mark.parametrize(
    "values", [{"document_entities": 2}, {"document_currencies": 2}, {"document_entities": 0}]
)
def test_where_its_documents_do_not_name_one_company_and_currency_a_person_is_asked(values):
    correction = only(missing_customer(ERP), facts=facts(**values))
    assert (correction.state, correction.mode) == (CorrectionState.PROPOSED, "approve")


def test_the_crm_gets_an_account_after_somebody_agreed():
    correction = only(missing_customer(CRM), facts=facts(erp_id="501", erp_records=1))
    body = opened(correction.payload)
    assert (correction.object, correction.record_id) == KEYS[CRM]
    assert body["Name"] == "Acme Ltd"
    assert (body["Stripe_Customer_Id__c"], body["NetSuite_Customer_Id__c"]) == ("cus_N", "501")
    assert "Payment_Terms__c" not in body  # nobody said
    assert correction.state is CorrectionState.PROPOSED


@pytest.mark.parametrize(
    ("code", "found", "check"),
    [
        (ERP, {"erp_rival": "77"}, "record absent"),
        (ERP, {"legal_entity": "FR"}, "legal entity"),
        (ERP, {"legal_entity": None}, "legal entity"),
        (ERP, {"currency": "USD"}, "currency"),
        (CRM, {"crm_rival": "001A"}, "record absent"),
        (CRM, {"customer_id": "cus_other"}, "document"),
        (ERP, {"customer_id": "cus_other"}, "document"),
    ],
)
def test_what_is_not_certain_is_refused_with_the_cure(code, found, check):
    correction = only(missing_customer(code), facts=facts(**found))
    assert correction.state is CorrectionState.REFUSED
    assert [refusal.check for refusal in correction.refusals] == [check]
    assert correction.payload == {}


@pytest.mark.parametrize("code", [CRM, ERP])
def test_what_is_personal_is_planned_sealed_or_not_at_all(code):
    correction = only(missing_customer(code))
    told = str((correction.after, correction.payload))
    assert all(word not in told for word in ("Acme", "ap@", "123456789", "Station"))
    assert only(missing_customer(code), seals=None).state is CorrectionState.REFUSED


def planned_state(code):
    state = open_state("sqlite://")
    plan_into(state, drift(missing_customer(code)), context(), at(0, 3))
    waiting = list_corrections(state, states=("proposed",))
    approve(state, [view.correction_id for view in waiting], "ann", "yes", at(0, 4))
    return state


def send(state, target, billing=None):
    known = {("customer", "cus_N"): {"id": "cus_N"}} if billing is None else billing
    targets = {target.system: target, "stripe": MemoryTarget("stripe", known)}
    done = dispatch(state, targets, lambda: at(0, 9), seals=SEALS)
    return dict(asyncio.run(done).outcomes)


@pytest.mark.parametrize("code", [CRM, ERP])
def test_it_is_made_once_and_put_out_of_use(code):
    state, target = planned_state(code), MemoryTarget(SYSTEM[code], {})
    assert send(state, target) == {"accepted": 1}
    made = target.records[KEYS[code]]
    assert "Acme Ltd" in made.values()
    target.records[KEYS[code][0], made["id"]] = made | {"isInactive": False}
    (undo,) = compensate(state, [list_corrections(state)[0].correction_id], "ben", "no", at(0, 10))
    approve(state, [undo.correction_id], "ann", "", at(0, 11))
    assert send(state, target) == {"accepted": 1}
    left = target.records[KEYS[code][0], made["id"]]
    gone = {"isInactive": True} if code == ERP else {"Type": "Inactive"}
    assert gone.items() <= left.items()
    assert left.get("Stripe_Customer_Id__c") is None


@pytest.mark.parametrize("code", [CRM, ERP])
def test_one_that_somebody_made_meanwhile_is_not_made_again(code):
    name = {CRM: "Stripe_Customer_Id__c", ERP: "custentity_stripe_id"}[code]
    others = {(KEYS[code][0], "99"): {"id": "99", name: "cus_N"}}
    state, target = planned_state(code), MemoryTarget(SYSTEM[code], others)
    assert send(state, target) == {"refused": 1}
    assert target.effects == []


@pytest.mark.parametrize("code", [CRM, ERP])
def test_one_whose_tax_id_another_record_got_meanwhile_is_not_made(code):
    name, object_name = {CRM: "Tax_Id__c", ERP: "vatregnumber"}[code], KEYS[code][0]
    others = {(object_name, "99"): {"id": "99", name: "GB123456789"}}
    state, target = planned_state(code), MemoryTarget(SYSTEM[code], others)
    assert send(state, target) == {"refused": 1}
    (view,) = list_corrections(state)
    assert "tax id" in view.state_reason
    assert "123456789" not in view.state_reason
    assert target.effects == []


def test_one_that_billing_deleted_meanwhile_is_not_made():
    state, target = planned_state(ERP), MemoryTarget("netsuite", {})
    assert send(state, target, billing={}) == {"refused": 1}
    assert "is gone" in list_corrections(state)[0].state_reason


def test_a_record_with_our_key_and_other_values_is_left_as_it_is():
    others = {KEYS[ERP]: {"id": "9", "companyName": "Somebody", "externalid": "q2c_cus_1"}}
    state, target = planned_state(ERP), MemoryTarget("netsuite", others)
    assert send(state, target) == {"superseded": 1}
    assert target.effects == []


def test_a_customer_with_transactions_stays_in_use():
    state, target = planned_state(ERP), MemoryTarget("netsuite", {})
    send(state, target)
    made = target.records[KEYS[ERP]]
    target.records["customer", made["id"]] = made | {"isInactive": False}
    target.records["transaction", "7"] = {"id": "7", "entity": made["id"]}
    (undo,) = compensate(state, [list_corrections(state)[0].correction_id], "ben", "no", at(0, 10))
    approve(state, [undo.correction_id], "ann", "", at(0, 11))
    assert send(state, target) == {"refused": 1}
    assert target.records["customer", made["id"]]["isInactive"] is False
