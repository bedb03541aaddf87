"""Journals balance in both currencies, go into open periods only, and are known by what they undo."""

import asyncio
from datetime import date
from decimal import Decimal

import pytest

from extractors.errors import UnknownOutcome
from reconcilers.corrections.approval import approve
from reconcilers.corrections.compensate import CompensationRefusedError, compensate
from reconcilers.corrections.dispatch import DispatchLimits, dispatch
from reconcilers.corrections.plan import plan
from reconcilers.corrections.policy import load_policy
from reconcilers.life import NightFact, Sighting, fold
from reconcilers.state.views import list_corrections
from tests.correction_samples import at, plan_into
from tests.drift_samples import DAY, copied_journal, drift, missing_stage, wrong_account
from tests.memory_targets import netsuite, stripe
from tests.plan_facts import FACTS, changed, context

LIFE = fold([NightFact(DAY)], [Sighting(DAY, "exception", "cmp")])
JULY = FACTS["erp_periods"][1] | {
    "period_id": "2607",
    "name": "Jul 2026",
    "start_date": date(2026, 7, 1),
    "end_date": date(2026, 7, 31),
}


def planned(row, **facts):
    frame = drift(row)
    lives = dict.fromkeys(frame["exception_key"], LIFE)
    (correction,) = plan(frame, (), lives, context(**facts), load_policy())
    return correction


def sides(correction):
    return [
        (line["account"]["id"], line.get("debit"), line.get("credit"))
        for line in correction.payload["line"]["items"]
    ]


def entry_by_hand(journal_id):
    return copied_journal(journal_id) | {"code": "PYT-CLR-01", "cause": "journal_by_hand"}


def by_hand():
    sides = zip(("0", "1"), ("105", "400"), (7000, -7000), strict=True)
    first = FACTS["erp_journal_lines"][0]
    return {
        "erp_journal_lines": [
            first
            | {"journal_id": "8884", "line_id": line, "account_id": account}
            | {"amount_minor": minor, "base_minor": minor}
            for line, account, minor in sides
        ]
    }


def test_a_copy_is_reversed_by_a_journal_that_names_it():
    correction = planned(copied_journal())
    assert (correction.object, correction.record_id) == ("journalEntry", "reversal_8885")
    assert sides(correction) == [("210", None, "120.00"), ("400", "120.00", None)]
    assert correction.payload == {
        "subsidiary": {"id": "2"},
        "currency": {"id": "2"},
        "exchangeRate": "1",
        "tranDate": "2026-06-12",
        "postingPeriod": {"id": "2606"},
        "approved": True,
        "custbody_q2c_correlation_id": "q2c_006A",
        "line": correction.payload["line"],
        "memo": f"tieout:{correction.correction_id}",
    }
    assert (correction.mode, correction.before) == ("approve_two", None)


@pytest.mark.parametrize("row", [copied_journal(), wrong_account()], ids=lambda row: row["code"])
def test_what_is_moved_stays_with_its_department(row):
    lines = planned(row).payload["line"]["items"]
    assert [line["department"] for line in lines] == [{"id": "7"}] * 2
    assert not any("class" in line for line in lines)


def test_a_journal_by_hand_on_clearing_goes_back_to_where_it_came_from():
    correction = planned(entry_by_hand("8884"), **by_hand())
    assert correction.record_id == "reversal_8884"
    assert sides(correction) == [("105", None, "70.00"), ("400", "70.00", None)]
    assert correction.mode == "approve_two"
    assert [each["equals"] for each in correction.after["while"]] == [
        {"id": "8884"}, {"externalid": "reclass_8884_0"}, {"externalid": "reclass_8884_1"},
    ]  # fmt: skip


def test_a_line_on_the_wrong_account_is_moved_to_that_of_the_mapping():
    correction = planned(wrong_account())
    assert correction.record_id == "reclass_7000_1"
    assert sides(correction) == [("400", "100.00", None), ("210", None, "100.00")]
    assert correction.mode == "approve"


@pytest.mark.parametrize(
    ("stage", "external_id", "accounts"),
    [("opened", "du_1", ["120", "105"]), ("won", "du_1-won", ["105", "120"])],
)
def test_a_stage_of_a_dispute_is_posted_by_the_chart(stage, external_id, accounts):
    correction = planned(missing_stage(stage))
    assert correction.record_id == external_id
    assert [account for account, *_ in sides(correction)] == accounts
    assert correction.payload["custbody_stripe_dispute_stage"] == stage


def test_what_belongs_to_a_closed_period_is_reversed_on_the_first_open_day():
    months = [FACTS["erp_periods"][1] | {"is_closed": "T"}, JULY]
    correction = planned(copied_journal(), erp_periods=months)
    assert correction.payload["tranDate"] == "2026-07-01"
    assert correction.payload["postingPeriod"] == {"id": "2607"}


def lines(*rows):
    kept = [row for row in FACTS["erp_journal_lines"] if row["journal_id"] != "8885"]
    first = FACTS["erp_journal_lines"][0]
    return {"erp_journal_lines": [*kept, *(first | row for row in rows)]}


FOREIGN = {"currency": "EUR", "exchange_rate": "0.85"}


@pytest.mark.parametrize(
    ("row", "facts", "check", "field", "words"),
    [
        (copied_journal(), {"erp_journals": []}, "document", "externalId", "not in the snapshot"),
        (copied_journal(), changed("erp_journals", 1, copy_of="1"), "document", "externalId", "that stands"),
        (copied_journal(), {"erp_subsidiaries": []}, "legal entity", "subsidiary", "'UK'"),
        (copied_journal(), changed("erp_journals", 1, currency="CHF"), "currency", "currency", "no CHF"),
        (copied_journal(), changed("erp_journals", 1, exchange_rate=None), "currency", "exchangeRate", "no rate"),
        (copied_journal(), changed("erp_periods", 1, is_closed="T"), "period", "postingPeriod", "holds"),
        (copied_journal(), changed("erp_periods", 1, is_ar_locked="T"), "period", "postingPeriod", "holds"),
        (copied_journal(), {"erp_accounts": []}, "ledger account", "line.items[1].account", "not in the ERP"),
        (copied_journal(), changed("erp_accounts", 3, is_inactive="T"), "ledger account", "line.items[2].account", "4000 is inactive"),
        (
            copied_journal(), lines({"account_id": "110"}, {"account_id": "400", "amount_minor": -12000, "base_minor": -12000}),
            "ledger account", "line.items[1].account", "kept by documents",
        ),
        (copied_journal(), lines({}), "lines", "line.items", "two lines"),
        (copied_journal(), lines({}, {"amount_minor": 0}), "lines", "line.items", "two lines"),
        (copied_journal(), lines({}, {"amount_minor": -11999}), "balance", "line.items.debit", "by -1 minor units of GBP"),
        (
            copied_journal(),
            changed("erp_journals", 1, **FOREIGN) | lines(
                *({"amount_minor": minor, "base_minor": base} for minor, base in ((3, 3), (3, 3), (-6, -5)))
            ),
            "balance", "exchangeRate", "in the currency of the books debits exceed credits by -1",
        ),
        (
            copied_journal(), changed("erp_journals", 1, **FOREIGN), "balance", "exchangeRate", "not get the amounts",
        ),
        (
            copied_journal(), changed("erp_journals", 2, external_id="reversal_8885"),
            "document", "externalId", "already, as transaction 7000",
        ),
        (
            entry_by_hand("8885"), {},
            "duplicate", "externalId", "copy of 8884",
        ),
        (wrong_account("7000-9"), {}, "document", "externalId", "line 7000-9 is not in the snapshot"),
        (wrong_account(expected="2100 or 4010"), {}, "ledger account", "line.items[2].account", "allows 2100 or 4010"),
        (wrong_account(expected="1100"), {}, "ledger account", "line.items[2].account", "kept by documents"),
        (missing_stage(), {"billing_disputes": []}, "document", "externalId", "dispute du_1"),
        (missing_stage(), {"ledger_accounts": []}, "ledger account", "line.items[1].account", "of payment_disputed"),
        (missing_stage(), changed("erp_periods", 1, is_closed="T"), "period", "postingPeriod", "Jun 2026 is closed"),
        (missing_stage("won"), changed("billing_disputes", 1, opening_id=None), "stage", "custbody_stripe_dispute_stage", "opening of the dispute"),
        (missing_stage("won"), changed("billing_disputes", 1, stage="withdrawn"), "stage", "custbody_stripe_dispute_stage", "withdrawn has no journal"),
        (missing_stage("won"), changed("billing_disputes", 1, stage="lost"), "stage", "custbody_stripe_dispute_stage", "a part of the money"),
    ],
)  # fmt: skip
def test_each_gap_of_a_journal_is_refused_with_its_field(row, facts, check, field, words):
    correction = planned(row, **facts)
    found = [r for r in correction.refusals if (r.check, r.field) == (check, field)]
    assert any(words in refusal.problem for refusal in found), correction.refusals
    assert all(refusal.fix for refusal in correction.refusals)
    assert (correction.state, correction.payload) == ("refused", {})


def approved(state, *rows, **facts):
    plan_into(state, drift(*rows), context(**facts), at(0, 3))
    ids = [view.correction_id for view in list_corrections(state, states=("proposed",))]
    for actor in ("ann", "eve"):
        waiting = [v.correction_id for v in list_corrections(state, states=("proposed",))]
        approve(state, waiting, actor, "yes", at(0, 4))
    return ids


def send(state, erp, billing=None, **limits):
    targets = {"netsuite": erp, "stripe": billing or stripe()}
    return asyncio.run(dispatch(state, targets, lambda: at(0, 9), DispatchLimits(**limits)))


EVERY = (copied_journal(), wrong_account(), missing_stage())


def test_every_journal_is_posted_once(state):
    approved(state, *EVERY)
    erp = netsuite()
    assert send(state, erp).outcomes == {"accepted": 3}
    assert sorted(erp.effects) == [
        ("journalEntry", name) for name in ("du_1", "reclass_7000_1", "reversal_8885")
    ]


@pytest.mark.parametrize(
    ("row", "key", "change", "outcome"),
    [
        (copied_journal(), ("accountingperiod", "2606"), {"closed": "T"}, "refused"),
        (copied_journal(), ("account", "400"), {"isinactive": "T"}, "refused"),
        (copied_journal(), ("account", "400"), {"id": "0"}, "refused"),
        (copied_journal(), ("transaction", "8885"), {"voided": "T"}, "superseded"),
        (copied_journal(), ("transaction", "8884"), {"voided": "T"}, "superseded"),
        (copied_journal(), ("transaction", "8884"), {"id": "0"}, "superseded"),
        (wrong_account(), ("transaction", "7000"), {"foreigntotal": "121"}, "superseded"),
        (wrong_account(), ("transactionaccountingline", "7000-1"), {"account": "210"}, "superseded"),
        (
            missing_stage(), ("transaction", "1"),
            {"id": "1", "custbody_stripe_dispute_id": "du_1", "custbody_stripe_dispute_stage": "opened"},
            "superseded",
        ),
        (
            missing_stage(), ("transaction", "1"),
            {
                "id": "1", "custbody_stripe_dispute_id": "du_1",
                "custbody_stripe_dispute_stage": "opened", "externalid": "du_1",
            },
            "approved",  # our own, slower than the look after it: looked at again
        ),
    ],
)  # fmt: skip
def test_what_changed_since_the_plan_stops_a_journal(state, row, key, change, outcome):
    approved(state, row)
    erp = netsuite()
    erp.records[key] = {**erp.records.get(key, {}), **change}
    assert send(state, erp, tries_per_run=1).outcomes == {outcome: 1}
    assert erp.effects == []


@pytest.mark.parametrize(
    ("stage", "change", "outcome"),
    [("won", {"status": "lost"}, "superseded"), ("opened", {"status": "lost"}, "accepted")],
)
def test_a_stage_is_posted_while_the_provider_still_tells_it(state, stage, change, outcome):
    approved(state, missing_stage(stage))
    billing = stripe()
    billing.records["dispute", "du_1"] |= change
    assert send(state, netsuite(), billing).outcomes == {outcome: 1}


def test_a_stage_is_not_posted_while_the_provider_cannot_be_asked(state):
    approved(state, missing_stage())
    erp = netsuite()
    summary = asyncio.run(dispatch(state, {"netsuite": erp}, lambda: at(0, 9)))
    assert (summary.outcomes, erp.effects) == ({"refused": 1}, [])


def test_a_lost_answer_is_asked_for_by_external_id_and_not_sent_again(state):
    approved(state, copied_journal())
    erp = netsuite()
    erp.script = [("after", UnknownOutcome("netsuite", "timed out"))]
    assert send(state, erp).outcomes == {"accepted": 1, "unknown": 1}
    assert erp.effects == [("journalEntry", "reversal_8885")]


def undo(state, hour=10, on=None):
    taken = list_corrections(state, states=("accepted",))
    ids = [view.correction_id for view in taken]
    made = compensate(state, ids, "ben", "wrong", at(0, hour), on)
    for actor in ("ann", "eve"):
        approve(state, [one.correction_id for one in made], actor, "", at(0, hour))
    return made


def as_booked(erp, external_id, **values):
    """The journal as the table of transactions shows it."""
    made = erp.records["journalEntry", external_id]
    row = {"id": made["id"], "memo": made["memo"], "voided": "F", "posting": "T", **values}
    erp.records["transaction", made["id"]] = row
    months = {"isquarter": "F", "isyear": "F", "startdate": "2026-07-01", "enddate": "2026-07-31"}
    erp.records["accountingperiod", "2607"] = {"id": "2607", **months}


@pytest.mark.parametrize("row", EVERY, ids=lambda row: row["code"])
def test_a_journal_and_its_undo_come_to_nothing(state, row):
    approved(state, row)
    erp = netsuite()
    send(state, erp)
    ((_, external_id),) = erp.effects
    as_booked(erp, external_id)
    (made,) = undo(state)
    assert made.record_id == f"reversal_new-{external_id}"
    assert send(state, erp).outcomes == {"accepted": 1}
    left = dict.fromkeys(("105", "120", "210", "400"), Decimal(0))
    for name in (external_id, made.record_id):
        for line in erp.records["journalEntry", name]["line"]["items"]:
            left[line["account"]["id"]] += Decimal(line.get("debit", 0)) - Decimal(
                line.get("credit", 0)
            )
    assert set(left.values()) == {0}
    assert sorted(v.state for v in list_corrections(state)) == ["accepted", "compensated"]


@pytest.mark.parametrize(
    ("booked", "month", "outcome"),
    [
        ({"memo": "changed by hand"}, {}, "superseded"),
        ({"voided": "T"}, {}, "superseded"),
        ({}, {"closed": "T"}, "refused"),
        ({}, {"enddate": "2026-06-00"}, "refused"),
    ],
)
def test_an_undo_has_the_guarantees_of_what_it_undoes(state, booked, month, outcome):
    approved(state, copied_journal())
    erp = netsuite()
    send(state, erp)
    as_booked(erp, "reversal_8885", **booked)
    erp.records["accountingperiod", "2606"] |= month
    undo(state)
    assert send(state, erp).outcomes == {outcome: 1}
    assert len(erp.effects) == 1


def test_a_journal_is_taken_back_in_its_month_or_once_that_is_closed_on_a_day_that_is_named(state):
    approved(state, copied_journal())
    erp = netsuite()
    send(state, erp)
    as_booked(erp, "reversal_8885")
    erp.records["accountingperiod", "2606"]["closed"] = "T"
    (made,) = undo(state)
    assert made.payload["tranDate"] == "2026-06-12"
    assert send(state, erp).outcomes == {"refused": 1}
    (again,) = undo(state, on=date(2026, 7, 2))
    assert again.payload["tranDate"] == "2026-07-02"
    with pytest.raises(CompensationRefusedError, match="has an undo already"):
        undo(state)
    assert send(state, erp).outcomes == {"accepted": 1}
    assert erp.records["journalEntry", again.record_id]["tranDate"] == "2026-07-02"


def test_a_journal_of_which_a_line_was_moved_since_is_not_taken_back(state):
    approved(state, copied_journal())
    erp = netsuite()
    send(state, erp)
    as_booked(erp, "reversal_8885")
    undo(state)
    moved = {"id": "9", "externalid": "reclass_new-reversal_8885_1"}
    erp.records["transaction", "9"] = moved
    assert send(state, erp).outcomes == {"superseded": 1}
    assert len(erp.effects) == 1


def test_an_undo_of_a_journal_is_not_undone_from_here(state):
    approved(state, copied_journal())
    erp = netsuite()
    send(state, erp)
    as_booked(erp, "reversal_8885")
    undo(state)
    send(state, erp)
    (done,) = list_corrections(state, states=("accepted",))
    with pytest.raises(CompensationRefusedError, match=r"void journalEntry .* by hand"):
        compensate(state, [done.correction_id], "ben", "")
