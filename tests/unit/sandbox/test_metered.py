"""The world's metered product: what was used is what is billed, in Stripe and in the ERP."""

from collections import defaultdict
from datetime import date

import pytest

from extractors.sandbox.reference import CALLS
from extractors.sandbox.revenue import spread_as_used
from extractors.sandbox.world import advance_world
from tests.unit.sandbox.books import Books

EVENT = "billing.meter_event"


def metered_lines(books: Books) -> list:
    """(invoice, line) of every metered line."""
    products = {p["id"] for p in books.products.values() if p["metadata"]["sku"] == CALLS.sku}
    return [
        (invoice, line)
        for invoice in books.invoices.values()
        for line in invoice["lines"]["data"]
        if line["pricing"]["price_details"]["product"] in products
    ]


@pytest.mark.parametrize("days", [0, 40])
def test_each_period_bills_what_was_used_in_it(world, days):
    store = world(1)
    if days:
        advance_world(store, days)
    books = Books(store)
    billed: dict = defaultdict(int)
    for invoice, line in metered_lines(books):
        assert line["period"]["end"] == invoice["created"]
        period = line["period"]
        billed[invoice["customer"], period["start"], period["end"]] += line["quantity"]
    used: dict = defaultdict(int)
    ends: dict = {}
    for event in store.rows("stripe", EVENT):
        customer, at = event["customer"], event["timestamp"]
        value = int(event["payload"]["value"])
        periods = [p for p in billed if p[0] == customer and p[1] <= at < p[2]]
        if periods:
            (period,) = periods
            used[period] += value
        else:
            ends[customer] = min(at, ends.get(customer, at))
    assert used == billed
    assert len(billed) > 20
    latest = {c: max(end for customer, _, end in billed if customer == c) for c, _, _ in billed}
    # What is not billed yet was used in the period that is open, or in the first one.
    assert all(at >= latest[customer] for customer, at in ends.items() if customer in latest)


def test_a_metered_item_has_no_quantity_and_a_few_customers_have_one(world):
    books = Books(world(1))
    items = [
        item
        for subscription in books.subscriptions.values()
        for item in subscription["items"]["data"]
        if item["price"]["recurring"]["usage_type"] == "metered"
    ]
    assert 5 <= len(items) <= len(books.subscriptions) // 10
    assert all("quantity" not in item for item in items)
    assert all(item["price"]["recurring"]["meter"] for item in items)


def test_events_are_told_once_and_some_of_them_late(world):
    events = world(1).rows("stripe", EVENT)
    assert len({event["identifier"] for event in events}) == len(events)
    delays = [event["created"] - event["timestamp"] for event in events]
    assert min(delays) >= 0
    assert 0 < sum(delay > 3_600 for delay in delays) < len(delays) / 4
    assert max(delays) < 72 * 3_600


def test_the_erp_has_the_same_lines_earned_as_used(world):
    store = world(1)
    books = Books(store)
    by_id = {plan["id"]: plan for plan in store.rows("netsuite", "revenueplan")}
    plans = {(plan["sourcetransaction"], plan["sourceline"]): plan for plan in by_id.values()}
    months: dict = defaultdict(int)
    for line in store.rows("netsuite", "revenueplanline"):
        plan = by_id[line["revenueplan"]]
        months[plan["id"]] += books.minor(line["amount"], plan["currency"])
    posted = {
        line["custcol_stripe_line_id"]: line
        for document, lines in books.lines.items()
        for line in lines
        if line.get("custcol_stripe_line_id") and books.transactions[document]["type"] == "CustInvc"
    }
    found = [line for _, line in metered_lines(books) if line["id"] in posted]
    assert len(found) > 20
    for line in found:
        copy = posted[line["id"]]
        plan = plans[copy["transaction"], copy["id"]]
        assert plan["rule"] == "As used"
        assert months[plan["id"]] == books.minor(plan["amount"], plan["currency"]) == line["amount"]


def test_usage_is_earned_in_the_months_of_its_days_and_adds_up():
    used = [(date(2026, 1, 31), 1), (date(2026, 2, 1), 1), (date(2026, 3, 1), 1)]
    parts = list(spread_as_used(100, date(2026, 1, 15), date(2026, 2, 14), used))
    # A day behind the term, by another calendar, counts on the last day of the term.
    assert parts == [(date(2026, 1, 15), 33), (date(2026, 2, 1), 67)]
