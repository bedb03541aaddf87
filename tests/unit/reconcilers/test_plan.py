"""What is planned for a drift: the right write, its standing, and a key that is its own."""

from dataclasses import replace

import pytest

from reconcilers.corrections import writers
from reconcilers.corrections.plan import plan
from reconcilers.corrections.policy import Caps, Mode, load_policy
from reconcilers.corrections.states import CorrectionState
from reconcilers.life import ExceptionState, NightFact, Sighting, fold
from tests.correction_samples import SEALS
from tests.drift_samples import (
    DAY,
    drift,
    drift_row,
    lost_link,
    missing_invoice,
    other_total,
    stale_status,
)
from tests.plan_facts import changed, context, posted_as

POLICY = load_policy()
LIFE = fold([NightFact(DAY)], [Sighting(DAY, "exception", "cmp")])


def planned(*rows, facts=None, policy=POLICY, life=LIFE, systemic=(), guard=None, seals=SEALS):
    frame = drift(*rows)
    lives = dict.fromkeys(frame["exception_key"], life)
    return plan(frame, systemic, lives, facts or context(), policy, guard=guard, seals=seals)


def only(*rows, **options):
    (correction,) = planned(*rows, **options)
    return correction


def with_rule(code, cause, **values):
    rules = dict(POLICY.rules)
    rules[code, cause] = replace(rules[code, cause], **values)
    return replace(POLICY, rules=rules)


def test_a_lost_link_is_written_to_the_account_on_its_own():
    correction = only(lost_link())
    assert (correction.system, correction.object, correction.record_id) == (
        "salesforce", "Account", "001A",
    )  # fmt: skip
    assert correction.before == {"Stripe_Customer_Id__c": None}
    assert correction.payload == {"Stripe_Customer_Id__c": "cus_A"}
    assert correction.state is CorrectionState.APPROVED
    assert correction.state_reason.startswith("auto by [CUS-MISS-01.cause.link_lost]: 1 of 25 rows")


def test_a_stale_status_is_copied_with_the_time_of_its_change():
    correction = only(stale_status())
    assert correction.before == {
        "Status__c": "Active", "Status_Changed_At__c": "2026-01-31T10:00:00.000+0000",
    }  # fmt: skip
    assert correction.payload == {
        "Status__c": "Cancelled", "Status_Changed_At__c": "2026-06-20T09:30:00.000+0000",
    }  # fmt: skip
    assert correction.state is CorrectionState.APPROVED


def test_what_another_exception_explains_is_not_corrected():
    assert planned(missing_invoice(explained_by="0" * 32)) == ()


def test_a_missing_invoice_is_proposed_as_the_body_that_the_erp_takes():
    correction = only(missing_invoice())
    assert correction.state is CorrectionState.PROPOSED
    assert correction.before is None
    assert correction.payload == {
        "entity": {"id": "501"},
        "subsidiary": {"id": "2"},
        "currency": {"id": "2"},
        "tranId": "UK-0001",
        "tranDate": "2026-06-12",
        "dueDate": "2026-07-12",
        "postingPeriod": {"id": "2606"},
        "customForm": "subscription",
        "custbody_stripe_invoice_id": "in_1",
        "custbody_q2c_correlation_id": "q2c_006A",
        "memo": f"tieout:{correction.correction_id}",
        "taxDetailsOverride": True,
        "item": {
            "items": [
                {
                    "item": {"id": "201"},
                    "quantity": 1,
                    "amount": net,
                    "description": "Platform",
                    "custcol_stripe_line_id": line,
                    "custcol_rev_start": "2026-06-12",
                    "custcol_rev_end": "2026-07-11",
                    "taxDetailsReference": f"L{n}",
                }
                for n, (line, net) in enumerate([("il_0", "75.00"), ("il_1", "25.00")], 1)
            ]
        },
        "taxDetails": {
            "items": [
                {
                    "taxDetailsReference": f"L{n}",
                    "taxCode": {"id": "2"},
                    "taxBasis": net,
                    "taxRate": "20",
                    "taxAmount": tax,
                }
                for n, (net, tax) in enumerate([("75.00", "15.00"), ("25.00", "5.00")], 1)
            ]
        },
    }


def test_an_invoice_in_another_currency_is_left_to_the_rate_of_the_erp():
    facts = context(**changed("billing_invoices", currency="EUR"))
    correction = only(missing_invoice(), facts=facts)
    assert correction.state is CorrectionState.PROPOSED
    assert correction.payload["currency"] == {"id": "3"}
    assert "exchangeRate" not in correction.payload


@pytest.mark.parametrize(
    "row",
    [
        drift_row("800A", "CON-REN-01", cause="ended_in_billing"),
        drift_row("502", "INV-MISS-02"),
        missing_invoice(disposition="in_flight"),
        missing_invoice(disposition="unproven"),
    ],
)
def test_what_policy_only_reports_and_what_is_no_exception_is_not_planned(row):
    assert planned(row) == ()


def test_a_waived_exception_is_left_alone():
    assert planned(missing_invoice(), life=replace(LIFE, state=ExceptionState.WAIVED)) == ()


def test_the_same_plan_has_the_same_keys():
    rows = [lost_link(), stale_status(), missing_invoice()]
    assert [c.correction_id for c in planned(*rows)] == [
        c.correction_id for c in planned(*rows[::-1])
    ]


def test_the_same_drift_on_a_record_that_moved_on_is_another_correction():
    later = context(**changed("crm_accounts", system_modstamp="v2"))
    assert only(lost_link()).correction_id != only(lost_link(), facts=later).correction_id


def test_a_document_missing_again_is_another_correction():
    again = replace(LIFE, episode=2)
    first, second = only(missing_invoice()), only(missing_invoice(), life=again)
    assert first.correction_id != second.correction_id


def test_a_link_is_refused_when_the_account_names_another_customer():
    facts = context(**changed("crm_accounts", stripe_customer_id="cus_OTHER"))
    correction = only(lost_link(), facts=facts)
    assert correction.state is CorrectionState.REFUSED
    assert correction.payload == {}
    (refusal,) = correction.refusals
    assert refusal.field == "Account.Stripe_Customer_Id__c"
    assert "crm_account_id of cus_A" in refusal.fix


def test_a_link_is_refused_when_another_account_has_it():
    (refusal,) = only(lost_link("cus_B")).refusals
    assert "001B already names cus_B" in refusal.problem


def test_two_corrections_of_one_field_are_both_held():
    corrections = planned(lost_link("cus_A"), lost_link("cus_C"))
    assert [c.state for c in corrections] == [CorrectionState.HELD] * 2


def test_a_status_without_a_word_in_the_crm_is_refused():
    facts = context(**changed("billing_subscriptions", status="suspended"))
    assert only(stale_status(), facts=facts).state is CorrectionState.REFUSED


def test_a_systemic_class_is_held():
    correction = only(lost_link(), systemic={"CUS-MISS-01"})
    assert (correction.state, correction.state_reason[:8]) == (CorrectionState.HELD, "systemic")


def test_after_an_ineffective_correction_a_person_decides():
    correction = only(lost_link(), life=replace(LIFE, is_ineffective=True))
    assert correction.state is CorrectionState.HELD


@pytest.mark.parametrize(
    ("caps", "broken"),
    [
        (Caps(1, 10**9, 10**9), "2 corrections in one run, 1 allowed"),
        (Caps(2, 10**9, 30479), "30480 minor units of USD in one run, 30479 allowed"),
        (Caps(2, 15239, 10**9), "15240 minor units of USD in one correction, 15239 allowed"),
    ],
)
def test_a_broken_cap_holds_and_says_which(caps, broken):
    facts = context(crm_accounts=[
        {"account_id": i, "stripe_customer_id": None, "system_modstamp": "v1"} for i in ("001A", "001C")
    ])  # fmt: skip
    policy = with_rule("CUS-MISS-01", "link_lost", caps=caps)
    corrections = planned(lost_link(), lost_link("cus_C", "001C"), facts=facts, policy=policy)
    assert {c.state for c in corrections} == {CorrectionState.HELD}
    assert {c.state_reason for c in corrections} == {f"cap broken: {broken}"}


def test_exactly_at_its_caps_a_run_goes():
    policy = with_rule("CUS-MISS-01", "link_lost", caps=Caps(1, 15240, 15240))
    assert only(lost_link(), policy=policy).state is CorrectionState.APPROVED


def test_what_policy_lets_people_decide_is_proposed():
    policy = with_rule("CUS-MISS-01", "link_lost", mode=Mode.APPROVE_TWO)
    correction = only(lost_link(), policy=policy)
    assert (correction.state, correction.mode) == (CorrectionState.PROPOSED, "approve_two")


def test_the_evidence_names_night_comparison_and_row():
    assert only(missing_invoice()).evidence == "2026-06-30/cmp_invoice__billing_vs_erp/stripe:in_1"


def test_a_writer_that_fails_takes_only_its_own_correction_with_it(monkeypatch, caplog):
    def fails(*_):
        raise ValueError("jane@example.com")

    monkeypatch.setattr(writers, "WRITERS", {**writers.WRITERS, ("INV-MISS-01", None): fails})
    states = {c.subject.code: c.state for c in planned(missing_invoice(), lost_link())}
    assert states == {"CUS-MISS-01": "approved", "INV-MISS-01": "refused"}
    refused = only(missing_invoice())
    assert refused.payload == {}
    assert "ValueError in test_plan.py, line" in refused.state_reason
    assert "jane" not in refused.state_reason + caplog.text


def test_what_two_findings_ask_for_is_written_once():
    """Such as one surplus plan that two findings of a line tell of."""
    twice = planned(stale_status(), stale_status(exception_key="f" * 32))
    assert [c.subject.exception_key for c in twice] == [stale_status()["exception_key"]]
    assert twice[0].state is CorrectionState.APPROVED


@pytest.mark.parametrize("keys", ["0f", "f0"])
def test_one_write_of_several_findings_is_as_strict_as_the_strictest(keys):
    """Whichever of them comes first by its key."""
    codes = ("TAX-CODE-01", "TAX-AMT-01")
    rows = [
        other_total(code=code, exception_key=key * 32, attribute="tax:GB", expected="VAT")
        | {"cause": "other_rate"}
        for code, key in zip(codes, keys, strict=True)
    ]
    (correction,) = planned(*rows, facts=context(**posted_as(("il_0", 7500, 1500))))
    assert (correction.subject.code, correction.mode) == ("TAX-CODE-01", "approve_two")


def test_what_is_held_for_one_finding_is_held_for_all_that_ask_for_the_same():
    rows = other_total(), other_total(code="TAX-AMT-01", exception_key="0" * 32, cause="other_rate")
    facts = context(**posted_as(("il_0", 7500, 1500)))
    (correction,) = planned(*rows, facts=facts, systemic=("INV-AMT-01",))
    assert (correction.subject.code, correction.state) == ("INV-AMT-01", "held")
