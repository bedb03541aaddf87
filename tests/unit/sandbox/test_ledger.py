"""The ERP's rows of single documents: they balance, and say the same on every level."""

from collections import defaultdict
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extractors.sandbox.ledger import (
    Application,
    InvoiceLine,
    JournalLine,
    base_minor,
    invoice_rows,
    journal_rows,
    payment_rows,
)
from extractors.sandbox.reference import (
    ACCOUNTS,
    CURRENCIES,
    LEGAL_ENTITIES,
    PRODUCTS,
    ROUNDING,
    accounting_periods,
    exchange_rate,
    netsuite_rows,
    period_id,
    rates_of,
)
from extractors.sandbox.revenue import spread, spread_evenly

AT = datetime(2026, 3, 31, 23, 30, tzinfo=UTC)
amounts = st.integers(1, 10_000_000)
rates = st.decimals("0.0050", "190", places=4)


def sold(amount: int, tax: int = 0, start=date(2026, 3, 15), end=date(2026, 4, 14)) -> InvoiceLine:
    return InvoiceLine("201", 3, amount, tax, "2", start, end, "il_1")


def invoice(lines, rate=Decimal(1), currency="2", subsidiary="2"):
    return invoice_rows(
        internal_id="7",
        tranid="NWC-000007",
        entity_id="11",
        subsidiary=subsidiary,
        currency=currency,
        exchange_rate=rate,
        trandate=date(2026, 3, 31),
        duedate=date(2026, 4, 30),
        period_id="2603",
        externalid="in_1",
        customform="subscription",
        lines=lines,
        custbody={"custbody_stripe_invoice_id": "in_1"},
        at=AT,
    )


def balances(rows) -> dict[str, Decimal]:
    """Sum of posting amounts by accounting book."""
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for posting in rows["transactionaccountingline"]:
        if posting["posting"] == "T":
            sums[posting["accountingbook"]] += Decimal(posting["amount"])
            assert Decimal(posting["debit"] or 0) - Decimal(posting["credit"] or 0) == Decimal(
                posting["amount"]
            )
    return sums


@given(st.lists(st.tuples(amounts, amounts), min_size=1, max_size=12), rates)
def test_an_invoice_balances_in_base_currency_whatever_the_rate(pairs, rate):
    rows = invoice([sold(amount, tax) for amount, tax in pairs], rate, currency="3")
    assert set(balances(rows).values()) == {Decimal(0)}


@given(st.lists(st.tuples(amounts, amounts), min_size=1, max_size=12))
def test_an_invoice_total_is_what_its_lines_add_up_to(pairs):
    rows = invoice([sold(amount, tax) for amount, tax in pairs])
    total = sum(amount + tax for amount, tax in pairs)
    header = rows["transaction"][0]
    lines = [Decimal(line["foreignamount"]) for line in rows["transactionline"]]
    assert Decimal(header["foreigntotal"]) == Decimal(total) / 100
    assert header["foreignamountunpaid"] == header["foreigntotal"]
    assert sum(lines) == 0
    assert lines[0] == Decimal(header["foreigntotal"])
    assert all(line <= 0 for line in lines[1:])


def test_an_invoice_in_yen_has_no_decimals():
    rows = invoice([sold(12_000, 1_200)], currency="4", subsidiary="4")
    assert rows["transaction"][0]["foreigntotal"] == "13200"
    assert [line["foreignamount"] for line in rows["transactionline"]] == [
        "13200",
        "-12000",
        "-1200",
    ]


def test_what_conversion_leaves_over_goes_to_the_rounding_account():
    rows = invoice([sold(335), sold(335), sold(335)], Decimal("0.85"), currency="3")
    last = rows["transactionaccountingline"][-1]
    assert (last["account"], last["amount"]) == (ROUNDING.id, "0.01")
    assert balances(rows) == {"1": Decimal(0)}


def test_a_line_without_service_days_is_earned_at_once():
    rows = invoice([InvoiceLine("290", 1, 5_000, 0, "1", None, None, None)])
    assert rows["revenueplan"] == []
    assert rows["transactionaccountingline"][1]["account"] == "410"


@pytest.mark.parametrize("share", [spread, spread_evenly])
@given(amounts, st.dates(date(2025, 1, 1), date(2026, 12, 31)), st.integers(0, 800))
def test_the_months_of_a_plan_add_up_to_its_line(share, amount, start, days):
    end = date.fromordinal(start.toordinal() + days)
    parts = list(share(amount, start, end))
    assert sum(earned for _, earned in parts) == amount
    assert len({(day.year, day.month) for day, _ in parts}) == len(parts)
    assert all(earned >= 0 for _, earned in parts)


def test_support_is_earned_by_the_month_and_software_by_the_day():
    line = sold(1_000, start=date(2026, 1, 31), end=date(2026, 2, 28))
    support = replace(line, item_id="213")
    rows = invoice([line, support])
    assert [plan["rule"] for plan in rows["revenueplan"]] == [
        "Straight-line, exact days",
        "Straight-line, by even periods",
    ]
    assert [each["amount"] for each in rows["revenueplanline"]] == [
        *("0.34", "9.66"),
        *("5.00", "5.00"),
    ]


@given(amounts, st.integers(0, 10_000_000), rates, rates)
def test_a_payment_balances_with_its_exchange_gain(amount, part, then, now):
    applied = [Application("7", min(part, amount), then)] if part else []
    rows = payment_rows(
        internal_id="9",
        tranid="PYMT000001",
        entity_id="11",
        subsidiary="2",
        currency="3",
        exchange_rate=now,
        trandate=date(2026, 4, 2),
        period_id="2604",
        externalid="ch_1",
        amount_minor=amount,
        applied=applied,
        custbody={"custbody_stripe_charge_id": "ch_1"},
        at=AT,
    )
    assert balances(rows) == {"1": Decimal(0)}
    assert len(rows["previoustransactionlinelink"]) == len(applied)


def test_a_journal_keeps_its_books_and_non_posting_lines_apart():
    lines = [
        JournalLine("210", 500, books=("1", "2")),
        JournalLine("400", -500, books=("1", "2")),
        JournalLine("900", 42, posting=False),
    ]
    rows = journal_rows(
        internal_id="5",
        tranid="JE-1",
        subsidiary="1",
        trandate=date(2026, 3, 31),
        period_id="2603",
        lines=lines,
        memo="",
        at=AT,
    )
    assert balances(rows) == {"1": Decimal(0), "2": Decimal(0)}
    assert [p["posting"] for p in rows["transactionaccountingline"]].count("F") == 1
    assert rows["transaction"][0]["foreigntotal"] == "5.00"


def test_minor_units_are_carried_over_between_exponents():
    assert base_minor(1_500, "4", "1", Decimal("0.0067")) == 1_005
    assert base_minor(1_005, "1", "4", Decimal(150)) == 1_508


def test_an_exchange_rate_is_one_in_base_currency_and_moves_otherwise():
    assert exchange_rate("USD", "USD", date(2026, 1, 1)) == 1
    days = {exchange_rate("EUR", "GBP", date(2026, 1, day)) for day in range(1, 20)}
    assert len(days) > 10
    assert all(Decimal("0.84") < rate < Decimal("0.87") for rate in days)


def test_the_rate_table_has_a_rate_for_each_pair_of_currencies():
    rows = rates_of(date(2026, 1, 5))
    pairs = {(row["transactioncurrency"], row["basecurrency"]): row for row in rows}
    assert len(pairs) == len(rows) == len(CURRENCIES) * (len(CURRENCIES) - 1)
    euro = pairs[CURRENCIES["EUR"].id, CURRENCIES["USD"].id]
    assert euro["exchangerate"] == exchange_rate("EUR", "USD", date(2026, 1, 5))
    assert euro["effectivedate"] == "2026-01-05"


def test_every_month_is_one_accounting_period():
    rows = accounting_periods(2025, 2026)
    months = [row for row in rows if row["isquarter"] == "F" and row["isyear"] == "F"]
    assert len(months) == 24
    assert len({row["id"] for row in rows}) == len(rows) == 24 + 8 + 2
    june = next(row for row in months if row["id"] == period_id(date(2026, 6, 17)))
    assert (june["periodname"], june["startdate"], june["enddate"]) == (
        "Jun 2026",
        "2026-06-01",
        "2026-06-30",
    )


def test_set_up_tables_name_only_what_exists():
    tables = netsuite_rows("2025-01-01 00:00:00")
    accounts = {row["id"] for row in tables["account"]}
    assert len(accounts) == len(ACCOUNTS)
    assert {row["incomeaccount"] for row in tables["item"]} <= accounts
    currencies = {row["id"] for row in tables["currency"]}
    assert {row["currency"] for row in tables["subsidiary"]} <= currencies
    codes = {row["id"]: row for row in tables["taxcode"]}
    for entity in LEGAL_ENTITIES.values():
        assert Decimal(codes[entity.tax_code_id]["rate"]) == entity.tax_rate
    assert all(product.monthly.keys() == CURRENCIES.keys() for product in PRODUCTS)
