"""One field of one record is given the value that counts, in its system's own words."""

import pytest

from reconcilers.corrections.field_copies import COPIES
from reconcilers.corrections.guard import shipped_guard
from reconcilers.corrections.policy import CEILINGS, load_policy
from reconcilers.corrections.states import CorrectionState
from reconcilers.corrections.wire_fields import PLACES
from reconcilers.masking import PERSONAL, masked
from reconcilers.sealing import PERSONAL_FIELDS, bare, each_sealed, veiled
from tests.correction_samples import SEALS
from tests.drift_samples import DAY
from tests.field_samples import CASES, closed_months
from tests.plan_facts import changed, context, held_field
from tests.unit.reconcilers.test_plan import only, planned

STATE_OF = {"auto": CorrectionState.APPROVED, "approve": CorrectionState.PROPOSED}
ON_DOCUMENTS = [case for case in CASES if case.place.object == "invoice"]
LIFTED_BY_THE_MATRIX = {"CUS-ATTR-01"}  # to a person's yes, for some of its attributes
WIRE = [
    ("CTL-XREF-01", {"custbody_stripe_invoice_id": None}, {"custbody_stripe_invoice_id": "in_1"}),
    ("CUS-STAT-01", {"isInactive": True}, {"isInactive": False}),
    ("HIE-PAR-01", {"parent": {"id": "9"}}, {"parent": {"id": "501"}}),
    ("INV-DATE-01", {"dueDate": "2026-06-19"}, {"dueDate": "2026-07-12"}),
    ("MRR-XSYS-01", {"ARR__c": "637200.0"}, {"ARR__c": "8496.0"}),
    ("MRR-XSYS-01", {"ARR__c": None}, {"ARR__c": "8496.5"}),
    ("MRR-XSYS-01", {"ARR__c": "12.0"}, {"ARR__c": "0.0"}),
    ("CUS-ATTR-01", {"Payment_Terms__c": "Net 60"}, {"Payment_Terms__c": "Net 30"}),
    ("CUS-ATTR-01", {"BillingCountryCode": "DE"}, {"BillingCountryCode": "AT"}),
]


def of(case, facts=None, **values):
    return only(case.finding(**values), facts=context(**case.facts() | (facts or {})))


@pytest.mark.parametrize("case", CASES, ids=str)
def test_the_field_gets_the_value_that_counts(case):
    correction = of(case)
    assert (correction.system, correction.record_id) == (case.system, case.record_id)
    assert (correction.object, correction.attribute) == (case.place.object, case.place.name)
    assert each_sealed(correction.before, SEALS.open) == case.place.holding(case.held)
    assert bare(correction.payload) == bare(correction.after)
    assert each_sealed(correction.payload, SEALS.open) == case.place.holding(case.wanted)
    assert correction.state is STATE_OF[case.mode]
    assert correction.watermark_object == case.place.watermark_object


@pytest.mark.parametrize(("code", "before", "payload"), WIRE)
def test_each_value_is_said_as_the_vendor_says_it(code, before, payload):
    said = [(of(case).before, of(case).payload) for case in CASES if case.code == code]
    assert (before, payload) in said


def test_every_class_and_every_place_has_a_sample_and_every_sample_its_law():
    assert {case.code for case in CASES} == set(COPIES)
    entities = {copy.entity for copy in COPIES.values()}
    known = {key for key in PLACES if key[1] in entities and not key[2].endswith("_ref")}
    known.remove(("salesforce", "customer", "is_active"))  # of accounts that we made
    known = {key for key in known if not key[2].endswith("_account")}  # of items: map_account
    assert {(c.system, c.entity, c.attribute) for c in CASES} == known
    for case in CASES:
        own = (case.code, case.cause)
        ceiling = CEILINGS.get(own) or CEILINGS[case.code, None]
        allowed = {case.mode, "auto"} if case.code in LIFTED_BY_THE_MATRIX else {case.mode}
        assert {ceiling, load_policy().rule(*own).mode} <= allowed
        assert shipped_guard().against((case.entity, case.attribute), case.system, DAY) is None


PERSONAL_CASES = [case for case in CASES if case.attribute in PERSONAL]


def test_every_place_of_a_personal_value_is_one_that_is_sealed():
    held = {key for key in PLACES if key[2] in PERSONAL}
    assert {(case.system, case.entity, case.attribute) for case in PERSONAL_CASES} == held
    assert all(
        place.path[0].lower() in PERSONAL_FIELDS[system, place.object.lower()]
        for (system, _, attribute), place in PLACES.items()
        if attribute in PERSONAL
    )


@pytest.mark.parametrize("case", PERSONAL_CASES, ids=str)
def test_a_personal_value_is_planned_sealed_and_told_as_a_mask(case):
    correction = of(case)
    told = str((correction.before, correction.after, correction.payload, correction.reason))
    assert case.wanted not in told
    assert case.held is None or case.held not in told
    assert masked(case.attribute, case.wanted) in str(veiled(correction.payload))


def test_a_tax_id_is_written_as_its_owner_spells_it():
    case = next(one for one in PERSONAL_CASES if one.attribute == "tax_id")
    spelt = held_field(("stripe", "other"), "customer", "tax_id", "GB 123 456 789")
    correction = of(case, {"held_fields": [*case.facts()["held_fields"], spelt]})
    assert SEALS.open(correction.payload[case.place.name]) == "GB 123 456 789"


@pytest.mark.parametrize("case", PERSONAL_CASES, ids=str)
def test_without_a_key_what_is_personal_is_refused_and_not_kept(case):
    correction = only(case.finding(), facts=context(**case.facts()), seals=None)
    assert correction.state is CorrectionState.REFUSED
    assert [(r.check, r.fix.split(" (")[0]) for r in correction.refusals] == [
        ("sealing", "set TIEOUT_SEALING_KEYS")
    ]
    assert set(correction.after.values()) | set((correction.before or {}).values()) == {None}
    assert correction.payload == {}


@pytest.mark.parametrize("case", PERSONAL_CASES, ids=str)
def test_the_same_repair_has_the_same_key_on_every_run(case):
    first, again = of(case), of(case)
    assert first.payload != again.payload  # no two seals of one value are alike
    assert first.idempotency_key == again.idempotency_key
    assert of(case, expected="of another").idempotency_key != first.idempotency_key


@pytest.mark.parametrize(
    ("code", "cause", "values"),
    [
        ("CUS-ATTR-01", None, {"attribute": "legal_name"}),
        ("CUS-ATTR-01", None, {"replica_system": "stripe", "attribute": "tax_id"}),
        ("CUS-ATTR-01", None, {"replica_system": "netsuite", "attribute": "country_code"}),
        ("HIE-PAR-01", "other_parent", {"cause": "ring"}),
        ("HIE-PAR-01", "other_parent", {"cause": "unknown_to_sales", "expected": "none"}),
        ("INV-DATE-01", "other_terms", {"cause": "other_month", "attribute": "invoice_date"}),
        ("INV-DATE-01", "other_terms", {"cause": "renumbered", "attribute": "number"}),
    ],
)
def test_what_has_no_place_or_needs_people_is_not_planned(code, cause, values):
    case = next(one for one in CASES if (one.code, one.cause) == (code, cause))
    assert planned(case.finding(**values), facts=context(**case.facts())) == ()


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_record_that_no_night_saw_is_refused(case):
    correction = of(case, {"held_fields": []})
    assert correction.state is CorrectionState.REFUSED
    assert [r.check for r in correction.refusals] == ["record exists"]
    assert (correction.payload, correction.before) == ({}, None)


@pytest.mark.parametrize("case", ON_DOCUMENTS, ids=str)
@pytest.mark.parametrize(
    ("facts", "problem"),
    [
        (closed_months(is_closed="T"), "Jun 2026 is closed"),
        (closed_months(is_ar_locked="T"), "Jun 2026 is locked for receivables"),
        ({"erp_periods": []}, "is not in the snapshot"),
    ],
)
def test_a_document_of_a_closed_month_is_left_as_it_is(case, facts, problem):
    correction = of(case, facts)
    assert correction.state is CorrectionState.REFUSED
    assert correction.refusals[0].field == "postingPeriod"
    assert problem in correction.state_reason
    assert correction.payload == {}


@pytest.mark.parametrize("case", [c for c in CASES if c.code == "CTL-XREF-01"], ids=str)
def test_a_billing_id_that_another_invoice_has_is_not_given_twice(case):
    other = held_field(("netsuite", "9002"), "invoice", "invoice_id", "in_1")
    correction = of(case, {"held_fields": [*case.facts()["held_fields"], other]})
    assert correction.state is CorrectionState.REFUSED
    assert correction.state_reason.endswith("9002 already names in_1")


@pytest.mark.parametrize(
    ("code", "facts"),
    [
        ("MRR-XSYS-01", {"erp_currencies": []}),
        ("HIE-PAR-01", {"erp_customers": []}),
        ("HIE-PAR-01", changed("erp_customers", is_inactive="T")),
    ],
)
def test_a_value_that_the_system_cannot_hold_is_refused(code, facts):
    case = next(one for one in CASES if one.code == code)
    correction = of(case, facts)
    assert correction.state is CorrectionState.REFUSED
    assert [r.check for r in correction.refusals] == ["value known"]


def test_of_several_records_of_the_parent_the_one_in_the_childs_company_is_meant():
    case = next(one for one in CASES if one.code == "HIE-PAR-01")
    usual = {"canonical_customer_id": "cus_1", "stripe_customer_id": None, "is_inactive": "F"}
    rows = [
        {**usual, "customer_id": "501", "subsidiary_id": "1"},
        {**usual, "customer_id": "502", "subsidiary_id": "2"},
        {**usual, "canonical_customer_id": "c", "customer_id": "77", "subsidiary_id": "2"},
    ]
    assert of(case, {"erp_customers": rows}).payload == {"parent": {"id": "502"}}


def test_a_date_in_another_month_than_the_document_is_posted_in_is_refused():
    case = next(one for one in CASES if one.cause == "tz_boundary")
    (refusal,) = of(case, expected="2026-05-31").refusals
    assert (refusal.field, refusal.check) == ("tranDate", "period")
