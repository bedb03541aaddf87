"""The books catch up with the policy of a plan for what was run, and only if they hold the fault."""

from datetime import date
from decimal import Decimal

import duckdb
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from reconcilers.corrections.plan import plan
from reconcilers.corrections.policy import load_policy
from reconcilers.corrections.revenue_queries import REVENUE_QUERIES
from reconcilers.life import NightFact, Sighting, fold
from tests.drift_samples import DAY, drift
from tests.effort import examples
from tests.plan_facts import FACTS, context
from tests.revenue_samples import (
    MONTHS,
    RUN,
    months,
    other_amount,
    planned_twice,
    run_on,
)

LIFE = fold([NightFact(DAY)], [Sighting(DAY, "exception", "cmp")])


def planned(row, **facts):
    frame = drift(row)
    lives = dict.fromkeys(frame["exception_key"], LIFE)
    given = {"revenue_months": MONTHS, "revenue_lines": RUN} | facts
    (correction,) = plan(frame, (), lives, context(**given), load_policy())
    return correction


def sides(correction):
    return [
        (line["account"]["id"], line.get("debit"), line.get("credit"), line["memo"])
        for line in correction.payload["line"]["items"]
    ]


def test_a_plan_over_too_little_is_caught_up_month_by_month():
    correction = planned(other_amount(), revenue_months=months({}, {"erp_minor": 4500}))
    assert (correction.object, correction.record_id) == (
        "journalEntry",
        "catchup_7001001_total_2026-06",
    )
    assert sides(correction) == [
        ("210", "10.00", None, "7001001|2026-05"),
        ("400", None, "10.00", "7001001|2026-05"),
        ("210", "5.00", None, "7001001|2026-06"),
        ("400", None, "5.00", "7001001|2026-06"),
    ]
    assert (correction.mode, correction.payload["tranDate"]) == ("approve_two", "2026-06-01")


def test_a_month_is_not_earned_before_it_began():
    july = {
        "period_id": "2607",
        "name": "Jul 2026",
        "start_date": date(2026, 7, 1),
        "end_date": date(2026, 7, 31),
    }
    correction = planned(
        other_amount(),
        revenue_months=months({"period": "2026-06"}, {"period": "2026-07", "erp_minor": 4500}),
        erp_periods=[*FACTS["erp_periods"], FACTS["erp_periods"][1] | july],
    )
    assert correction.payload["tranDate"] == "2026-07-01"
    assert correction.payload["postingPeriod"] == {"id": "2607"}


def test_what_was_earned_after_the_void_is_taken_back():
    correction = planned(run_on(), revenue_months=months({"policy_minor": 0, "voided": "T"}))
    assert correction.record_id == "catchup_7001001_end_2026-05"
    assert [side[:3] for side in sides(correction)] == [
        ("210", None, "40.00"),
        ("400", "40.00", None),
    ]


def two_plans(standing=(), second=()):
    again = {"plan_id": "7001501", "erp_minor": 5000}
    right = [{"erp_minor": 5000} | dict(change) for change in (*standing, {}, {})][:2]
    wrong = [again | dict(change) for change in (*second, {}, {})][:2]
    return {"revenue_months": [*months(*right), *months(*wrong)]}


def test_a_second_plan_is_taken_back_whole_once_it_has_run():
    correction = planned(planned_twice(), **two_plans())
    assert correction.record_id == "catchup_7001501_all_2026-06"
    assert sides(correction) == [
        (account, debit, credit, f"7001501|{month}")
        for month in ("2026-05", "2026-06")
        for account, debit, credit in (("210", None, "50.00"), ("400", "50.00", None))
    ]


def test_a_second_plan_is_taken_back_only_while_the_first_one_stands():
    taken = RUN[0] | {"plan_id": "7001501", "line_id": "7001501-1", "run_id": "8802"}
    to_come = RUN[1] | {"is_recognised": "F", "run_id": None}
    correction = planned(planned_twice(), **two_plans(), revenue_lines=[RUN[0], to_come, taken])
    watched = [(each["equals"], each["shows"]) for each in correction.after["while"][-3:]]
    assert watched == [
        ({"id": "7001001-1"}, {"amount": "40", "isrecognized": "T", "journal": "8800"}),
        ({"id": "7001001-2"}, {"amount": "50", "isrecognized": "F", "journal": None}),
        ({"externalid": "reversal_8800"}, None),
    ]


@pytest.mark.parametrize(
    ("facts", "field", "words"),
    [
        (two_plans(second=({}, {"is_recognised": False})), "plannedRevenue", "2026-06 is still to be"),
        (two_plans(standing=({"erp_minor": 1},)), "plannedRevenue", "off itself in 2026-05"),
        (two_plans(second=({"run_gap_minor": 5000},)), "journal", "by 5000 minor units otherwise"),
        (two_plans(second=({"voided": "T"},)), "voided", "7001 is void in the ERP"),
        ({"revenue_months": MONTHS}, "externalId", "not in the snapshot"),
        ({"revenue_months": [*two_plans()["revenue_months"], MONTHS[0] | {"plan_id": "7"}]}, "externalId", "not in the snapshot"),
    ],
)  # fmt: skip
def test_which_plan_is_the_second_has_to_be_certain(facts, field, words):
    refusals = planned(planned_twice(), **facts).refusals
    assert any(r.field == field and words in r.problem for r in refusals), refusals


def test_deferred_revenue_leaves_the_books_at_the_rate_of_its_document():
    foreign = {"currency": "EUR", "exchange_rate": "0.85"}
    correction = planned(other_amount(), revenue_months=months(foreign, foreign))
    assert correction.payload["exchangeRate"] == "0.85"
    assert correction.payload["currency"] == {"id": "3"}


@pytest.mark.parametrize(
    ("row", "facts", "field", "words"),
    [
        (other_amount(), {"revenue_months": []}, "externalId", "not in the snapshot"),
        (other_amount(), {"revenue_months": months({"erp_minor": 5000})}, "externalId", "not in the snapshot"),
        (other_amount(), {"revenue_months": months({"exchange_rate": None})}, "externalId", "not in the snapshot"),
        (other_amount(), {"revenue_months": months({"is_recognised": False})}, "plannedRevenue", "2026-05 is still to be"),
        (other_amount(), {"revenue_months": months({"voided": "T"})}, "voided", "7001 is void in the ERP"),
        (other_amount(), {"revenue_months": months({"run_gap_minor": 2})}, "journal", "by 2 minor units otherwise"),
        (other_amount(), {"revenue_months": months({"run_entity": "DE"})}, "journal", "in the books of DE"),
        (other_amount(), {"revenue_months": months({"deferred_account_id": None})}, "line.items[1].account", "not in the ERP"),
        (other_amount(), {"erp_periods": []}, "postingPeriod", "no accounting period"),
        (other_amount(), {"erp_subsidiaries": []}, "subsidiary", "'UK'"),
    ],
)  # fmt: skip
def test_what_is_not_certain_is_refused_with_its_field(row, facts, field, words):
    correction = planned(row, **facts)
    found = [refusal for refusal in correction.refusals if refusal.field == field]
    assert any(words in refusal.problem for refusal in found), correction.refusals
    assert all(refusal.fix for refusal in correction.refusals)
    assert (correction.state, correction.payload) == ("refused", {})


def test_the_months_are_as_they_were_until_the_journal_is_sent():
    conditions = planned(other_amount()).after["while"]
    assert [(each["object"], each["equals"], each["shows"]) for each in conditions] == [
        ("transaction", {"id": "7001"}, {"voided": "F"}),
        ("revenueplanline", {"id": "7001001-1"}, {"amount": "40", "isrecognized": "T", "journal": "8800"}),
        ("transaction", {"externalid": "reversal_8800"}, None),
    ]  # fmt: skip


def test_a_month_that_the_plan_leaves_out_still_has_no_line():
    left_out = months({"erp_minor": 5000}, {"erp_minor": 0})
    correction = planned(
        run_on(cause="stops_early"), revenue_months=left_out, revenue_lines=RUN[:1]
    )
    assert correction.after["while"][-1] == {
        "system": "netsuite",
        "object": "revenueplanline",
        "equals": {"revenueplan": "7001001", "postingperiod": "2606"},
        "shows": None,
    }


@pytest.mark.parametrize(("gap", "words"), [(1000, "books may hold what is right"), (999, "book")])
def test_a_run_that_is_off_by_as_much_as_the_plan_is_told_apart(gap, words):
    (refusal,) = planned(other_amount(), revenue_months=months({"run_gap_minor": gap})).refusals
    assert words in refusal.fix


@settings(max_examples=examples(30), deadline=None)
@given(st.lists(st.tuples(st.integers(0, 9_999), st.integers(0, 9_999)), min_size=2, max_size=2))
def test_each_month_gets_what_it_lacks_and_the_journal_balances(given_months):
    off = [{"policy_minor": due, "erp_minor": erp} for due, erp in given_months]
    assume(any(due != erp for due, erp in given_months))
    items = planned(other_amount(), revenue_months=months(*off)).payload["line"]["items"]
    signed = [Decimal(line.get("debit", 0)) - Decimal(line.get("credit", 0)) for line in items]
    assert sum(signed) == 0
    for month, (due, erp) in zip(MONTHS, given_months, strict=True):
        earned = [
            amount
            for line, amount in zip(items, signed, strict=True)
            if line["memo"] == f"7001001|{month['period']}" and line["account"]["id"] == "210"
        ]
        assert sum(earned) * 100 == due - erp


_READ = """
    create schema canonical; create schema comparison; create schema conformed; create schema raw;
    create schema reconciliation;
    create table reconciliation.drift as
        select 'REV-STOP-01' as code, plan as owner_id, null::varchar as replica_id,
               'netsuite:' || plan as row_key, null::varchar as cause, date '2026-06-30' as snapshot_date
        from (values ('p_memo'), ('p_live')) as plans(plan);
    create table canonical.revenue_events as
        select plan as revenue_plan_id, 'schedule_' || plan as schedule_key, plan || month as revenue_event_id,
               document as erp_internal_id, 'UK' as legal_entity, month as period,
               5000::bigint as amount_minor, true as is_recognized, 'run' || month as journal_id
        from (values ('p_memo', 'memo', '2026-02'), ('p_memo', 'memo', '2026-03'),
              ('p_memo', 'memo', '2026-04'), ('p_live', 'live', '2026-04')) as lines(plan, document, month);
    create table canonical.revenue_schedule_lines as
        select 'schedule_p_live' as schedule_key, month as period, 5000::bigint as amount_minor
        from (values ('2026-04'), ('2026-05'), ('2026-06')) as lines(month);
    create table comparison.cmp_deferred_entry__plans_vs_ledger as
        select 'run2026-04' as erp_id, 'UK' as legal_entity, 0::bigint as plans_amount_minor,
               0::bigint as ledger_amount_minor;
    create table conformed.invoice__erp as
        select 'live' as erp_internal_id, false as is_voided, timestamp '2026-04-01' as status_changed_at;
    create table conformed.credit_note__erp as
        select 'memo' as erp_internal_id, true as is_voided, timestamp '2026-03-09' as modified_at;
    create table raw.netsuite__revenue_plan as
        select plan as id, document as sourcetransaction, '1' as sourceline, '2' as currency, '9' as item
        from (values ('p_memo', 'memo'), ('p_live', 'live')) as plans(plan, document);
    create table raw.netsuite__transaction as
        select id, flag as voided, '2026-02-01' as trandate, '1' as exchangerate
        from (values ('memo', 'T'), ('live', 'F')) as documents(id, flag);
    create table raw.netsuite__transaction_line as
        select 'memo' as transaction, '1' as id, null::varchar as department, null::varchar as class;
    create table raw.netsuite__currency as select '2' as id, 'gbp' as symbol;
    create table raw.netsuite__item as
        select '9' as id, '400' as incomeaccount, '210' as deferredrevenueaccount;
"""  # fmt: skip


def test_lines_that_were_not_run_yet_are_read_too():
    with duckdb.connect() as con:
        con.execute(_READ)
        con.execute("""
            create table raw.netsuite__revenue_plan_line as
            select revenue_event_id as id, revenue_plan_id as revenueplan, '50' as amount,
                   if(period > '2026-03', 'F', 'T') as isrecognized, null::varchar as journal
            from canonical.revenue_events
        """)
        found = con.sql(REVENUE_QUERIES["revenue_lines"]).pl()
    assert found.select("line_id", "is_recognised").rows() == [
        ("p_live2026-04", "F"),
        ("p_memo2026-02", "T"),
        ("p_memo2026-03", "T"),
        ("p_memo2026-04", "F"),
    ]


def test_a_void_memo_earns_until_its_month_and_a_month_to_come_is_not_run():
    with duckdb.connect() as con:
        con.execute(_READ)
        found = con.sql(REVENUE_QUERIES["revenue_months"]).pl()
    asked = ("plan_id", "period", "policy_minor", "erp_minor", "is_recognised")
    assert found.select(asked).rows() == [
        ("p_live", "2026-04", 5000, 5000, True),
        ("p_live", "2026-05", 5000, 0, True),
        ("p_live", "2026-06", 5000, 0, False),
        ("p_memo", "2026-02", 5000, 5000, True),
        ("p_memo", "2026-03", 5000, 5000, True),
        ("p_memo", "2026-04", 0, 5000, True),
    ]
