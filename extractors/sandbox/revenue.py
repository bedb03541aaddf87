"""NetSuite's revenue plans: how a sold line is earned, month by month, and what credits undo."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from extractors.sandbox.amounts import decimal_text, netsuite_time, rounded
from extractors.sandbox.reference import CURRENCY_BY_ID, PRODUCTS, month_end, period_id

Record = dict[str, Any]
Rows = dict[str, list[Record]]

_BY_PERIOD = frozenset(product.item_id for product in PRODUCTS if product.family == "Support")
"""Items that are earned by the month, whatever its days; all others by the day."""


@dataclass(frozen=True)
class InvoiceLine:
    """One sold line; amounts net of discount, before tax, minor units of the invoice's currency.

    A line with both service days (inclusive) is deferred and gets a revenue plan. `used` is what it
    bills by day, where it bills usage.
    """

    item_id: str
    quantity: int
    amount_minor: int
    tax_minor: int
    tax_code_id: str
    rev_start: date | None
    rev_end: date | None
    stripe_line_id: str | None
    used: tuple[tuple[date, int], ...] = ()


def revenue_plan_rows(
    internal_id: str, currency: str, sold: Iterable[tuple[int, InvoiceLine]], at: datetime
) -> Rows:
    """A plan for each deferred line, rounded cumulatively so that its months add up to it."""
    precision = CURRENCY_BY_ID[currency].precision
    plans: list[Record] = []
    months: list[Record] = []
    for number, line in sold:
        assert line.rev_start is not None
        assert line.rev_end is not None
        plan = str(int(internal_id) * 1000 + number)
        rule, parts = _earned(line, line.rev_start, line.rev_end)
        plans.append(
            {
                "id": plan,
                "sourcetransaction": internal_id,
                "sourceline": str(number),
                "item": line.item_id,
                "amount": decimal_text(line.amount_minor, precision),
                "currency": currency,
                "startdate": line.rev_start.isoformat(),
                "enddate": line.rev_end.isoformat(),
                "rule": rule,
                "lastmodifieddate": netsuite_time(at),
            }
        )
        months.extend(_plan_line(plan, n, day, m, precision) for n, (day, m) in enumerate(parts, 1))
    return {"revenueplan": plans, "revenueplanline": months}


@dataclass(frozen=True)
class CreditedLine:
    """What a credit memo takes off one sold line; net, before tax, minor units of its currency.

    `months` says when (a day of the month, its share); none for what was income at once.
    """

    item_id: str
    amount_minor: int
    stripe_line_id: str | None
    months: tuple[tuple[date, int], ...]
    is_deferred: bool = False  # the line stands on deferred revenue, although it has no plan


def credited_months(
    amount_minor: int, planned: Iterable[tuple[date, int]], credited: date
) -> tuple[tuple[date, int], ...]:
    """A credit by month: off what is not earned yet, pro rata; beyond that at once."""
    month = credited.replace(day=1)
    left = [(share, day) for day, share in planned if day.replace(day=1) >= month and share > 0]
    lowered = min(amount_minor, sum(share for share, _ in left))
    shares = {day.replace(day=1): share for day, share in _shares(lowered, left)}
    shares[month] = shares.get(month, 0) + amount_minor - lowered
    return tuple(sorted((day, share) for day, share in shares.items() if share))


def credit_plan_rows(
    internal_id: str, currency: str, credited: Iterable[tuple[int, CreditedLine]], at: datetime
) -> Rows:
    """A plan for each credited line of a memo that had one: what it takes back, and when."""
    precision = CURRENCY_BY_ID[currency].precision
    plans: list[Record] = []
    months: list[Record] = []
    for number, line in credited:
        plan = str(int(internal_id) * 1000 + number)
        plans.append(
            {
                "id": plan,
                "sourcetransaction": internal_id,
                "sourceline": str(number),
                "item": line.item_id,
                "amount": decimal_text(-line.amount_minor, precision),
                "currency": currency,
                "startdate": line.months[0][0].isoformat(),
                "enddate": month_end(line.months[-1][0]).isoformat(),
                "rule": "Credit, off what is not earned yet",
                "lastmodifieddate": netsuite_time(at),
            }
        )
        for place, (day, minor) in enumerate(line.months, 1):
            months.append(_plan_line(plan, place, day, -minor, precision))
    return {"revenueplan": plans, "revenueplanline": months}


def _earned(line: InvoiceLine, start: date, end: date) -> tuple[str, Iterator[tuple[date, int]]]:
    """The name of the rule by which a line is earned, and its months."""
    if line.used:
        return "As used", spread_as_used(line.amount_minor, start, end, line.used)
    if line.item_id in _BY_PERIOD:
        return "Straight-line, by even periods", spread_evenly(line.amount_minor, start, end)
    return "Straight-line, exact days", spread(line.amount_minor, start, end)


def _plan_line(plan: str, number: int, month: date, minor: int, precision: int) -> Record:
    return {
        "id": f"{plan}-{number}",
        "revenueplan": plan,
        "postingperiod": period_id(month),
        "periodname": f"{month:%Y-%m}",
        "amount": decimal_text(minor, precision),
        "isrecognized": "F",
    }


def spread(amount_minor: int, start: date, end: date) -> Iterator[tuple[date, int]]:
    """(a day of the month, its share) for each month of the inclusive span, by its days."""
    days = [((last - first).days + 1, first) for first, last in _months(start, end)]
    return _shares(amount_minor, days)


def spread_evenly(amount_minor: int, start: date, end: date) -> Iterator[tuple[date, int]]:
    """(a day of the month, its share) for each month that the span touches, all alike."""
    return _shares(amount_minor, [(1, first) for first, _ in _months(start, end)])


def spread_as_used(
    amount_minor: int, start: date, end: date, used: Iterable[tuple[date, int]]
) -> Iterator[tuple[date, int]]:
    """(a day of the month, its share) for each month of the inclusive span, by what was used in it.

    Days are those of UTC: one outside of the span, which is of the entity's calendar, counts on
    the nearest day in it.
    """
    by_month = {first: 0 for first, _ in _months(start, end)}
    for day, quantity in used:
        counted = min(max(day, start), end)
        by_month[max(first for first in by_month if first <= counted)] += quantity
    return _shares(amount_minor, [(quantity, first) for first, quantity in by_month.items()])


def _months(start: date, end: date) -> Iterator[tuple[date, date]]:
    first = start
    while first <= end:
        last = min(month_end(first), end)
        yield first, last
        first = last + timedelta(days=1)


def _shares(amount_minor: int, parts: list[tuple[int, date]]) -> Iterator[tuple[date, int]]:
    whole = sum(weight for weight, _ in parts)
    seen = given = 0
    for weight, day in parts:
        seen += weight
        until_now = rounded(Decimal(amount_minor) * seen / whole)
        yield day, until_now - given
        given = until_now
