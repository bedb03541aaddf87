"""The ERP's rows of credits, refunds, deposits and disputes: they balance, and say what they settle."""

from datetime import UTC, date, datetime
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from extractors.sandbox.ledger import Application
from extractors.sandbox.reference import CREDITS_GIVEN, DEFERRED
from extractors.sandbox.revenue import CreditedLine, credited_months
from extractors.sandbox.settlement_ledger import (
    Banked,
    Header,
    credit_rows,
    deposit_rows,
    refund_rows,
    transfer_rows,
)
from tests.unit.sandbox.test_ledger import balances

amounts = st.integers(1, 10_000_000)
rates = st.decimals("0.0050", "190", places=4)


def header(rate=Decimal(1), currency="3", subsidiary="2", **custbody) -> Header:
    return Header(
        internal_id="9",
        tranid="T-9",
        entity_id="11",
        subsidiary=subsidiary,
        currency=currency,
        exchange_rate=rate,
        trandate=date(2026, 4, 2),
        period_id="2604",
        externalid="x_1",
        custbody=custbody,
        at=datetime(2026, 4, 2, 12, tzinfo=UTC),
    )


def foreign_sum(rows) -> Decimal:
    return sum((Decimal(line["foreignamount"]) for line in rows["transactionline"]), Decimal(0))


@given(amounts, st.integers(0, 1_000_000), st.integers(0, 10_000_000), rates, rates)
def test_a_credit_memo_balances_and_is_open_by_what_it_does_not_settle(net, tax, part, then, now):
    part = min(part, net + tax)
    applied = [Application("7", part, then)] if part else []
    rows = credit_rows(header(now), net_minor=net, tax_minor=tax, tax_code_id="2", applied=applied)
    assert balances(rows) == {"1": Decimal(0)}
    assert foreign_sum(rows) == 0
    memo = rows["transaction"][0]
    assert Decimal(memo["foreigntotal"]) == Decimal(-net - tax) / 100
    assert Decimal(memo["foreignamountunpaid"]) == Decimal(part - net - tax) / 100
    assert (memo["status"] == "B") == (part == net + tax)
    assert [link["previousdoc"] for link in rows["previoustransactionlinelink"]] == ["7"][:part]


@given(
    st.lists(st.integers(1, 10_000), min_size=1, max_size=9),
    st.integers(1, 99_000),
    st.integers(0, 10),
)
def test_a_credit_comes_off_the_months_to_come_and_beyond_that_off_its_own(planned, amount, at):
    months = [(date(2026, 1 + place, 5), minor) for place, minor in enumerate(planned)]
    credited = date(2026, 1 + at, 20)
    parts = credited_months(amount, months, credited)
    left = {
        day.replace(day=1): minor
        for day, minor in months
        if day.replace(day=1) >= credited.replace(day=1)
    }
    assert sum(minor for _, minor in parts) == amount
    assert all(day >= credited.replace(day=1) for day, _ in parts)
    for day, minor in parts:
        assert day == credited.replace(day=1) or 0 < minor <= left[day]
    if amount == sum(left.values()):
        assert dict(parts) == left


@given(amounts, st.integers(0, 100), rates)
def test_a_memo_takes_planned_revenue_from_what_is_deferred_and_the_rest_from_income(net, tax, now):
    months = ((date(2026, 4, 1), net), (date(2026, 5, 1), 2 * net))
    lines = [CreditedLine("71", 3 * net, "il_1", months), CreditedLine("74", net, "il_2", ())]
    rows = credit_rows(
        header(now), net_minor=5 * net, tax_minor=tax, tax_code_id="2", applied=[], credited=lines
    )
    assert balances(rows) == {"1": Decimal(0)}
    assert foreign_sum(rows) == 0
    posted = {
        line["transactionline"]: line["account"] for line in rows["transactionaccountingline"]
    }
    assert [posted[number] for number in ("1", "2", "3")] == [
        DEFERRED.id,
        CREDITS_GIVEN.id,
        CREDITS_GIVEN.id,
    ]
    (plan,) = rows["revenueplan"]
    assert (plan["sourcetransaction"], plan["sourceline"]) == ("9", "1")
    assert Decimal(plan["amount"]) == sum(Decimal(m["amount"]) for m in rows["revenueplanline"])
    assert [month["periodname"] for month in rows["revenueplanline"]] == ["2026-04", "2026-05"]


@given(amounts, rates, rates)
def test_a_refund_pays_out_its_memo_at_the_rate_of_the_memo(amount, then, now):
    rows = refund_rows(header(now), Application("8", amount, then))
    assert balances(rows) == {"1": Decimal(0)}
    assert foreign_sum(rows) == 0
    (link,) = rows["previoustransactionlinelink"]
    assert (link["previousdoc"], link["nextdoc"]) == ("8", "9")
    assert Decimal(link["foreignamount"]) == Decimal(amount) / 100


@given(st.lists(st.integers(-500_000, 900_000), min_size=1, max_size=8), st.integers(0, 9_000))
def test_a_deposit_brings_its_members_less_the_fees_to_the_bank(gross, fee):
    banked = [
        Banked(f"txn_{n}", f"ch_{n}", minor, str(n) if n % 2 else None)
        for n, minor in enumerate(gross)
    ]
    rows = deposit_rows(header(), banked, {"Stripe processing fees": fee})
    assert balances(rows) == {"1": Decimal(0)}
    assert Decimal(rows["transaction"][0]["foreigntotal"]) == Decimal(sum(gross) - fee) / 100
    lines = [line.get("custcol_stripe_balance_id") for line in rows["transactionline"]]
    assert [key for key in lines if key] == [part.balance_id for part in banked]
    assert len(rows["previoustransactionlinelink"]) == len(gross) // 2


def test_a_dispute_in_yen_moves_whole_yen_between_two_accounts():
    rows = transfer_rows(header(currency="4", subsidiary="4"), 13_200, "120", "105")
    assert [(p["account"], p["amount"]) for p in rows["transactionaccountingline"]] == [
        ("120", "13200"),
        ("105", "-13200"),
    ]
