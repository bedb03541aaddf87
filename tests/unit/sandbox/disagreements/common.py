"""What the second opinions share: a row, the windows, states and days."""

from collections import defaultdict
from datetime import timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import NamedTuple
from zoneinfo import ZoneInfo

from tests.unit.sandbox.books import Books, instant

HOURS_SYNC = timedelta(hours=6)

HOURS_BILLING = timedelta(hours=48)

STATUS = {
    "trialing": "trial",
    "active": "active",
    "past_due": "past_due",
    "unpaid": "past_due",
    "canceled": "cancelled",
}


class Row(NamedTuple):
    code: str
    attribute: str
    owner_id: str
    replica_id: str | None


def finalized(invoice) -> bool:
    return invoice["status"] in {"open", "paid", "uncollectible"} and invoice["total"] != 0


def bills(subscription) -> bool:
    return billing_state(subscription) in {"active", "past_due"} and any(
        Decimal(item["price"]["unit_amount_decimal"] or 1) for item in subscription["items"]["data"]
    )


def is_other_basis(one: Decimal, other: Decimal, quantity: int = 1) -> bool:
    """Whether two prices are apart as a year and a month are, or units and hundredths, ..."""
    bases = [Decimal(basis) for basis in (3, 12, 24, 36, 100)] + [Decimal(365) / 12]
    return any(
        abs(high - low * basis) * 1000 <= low * basis
        for high, low in ((one, other), (other, one))
        for basis in (*bases, *([Decimal(quantity)] if quantity > 1 else []))
    )


def whole(amount: Decimal) -> int:
    return int(amount.quantize(Decimal(1), ROUND_HALF_UP))


def unit_mrr(price: Decimal, months: int, percents) -> Decimal:
    for percent in percents:
        price = price * (100 - Decimal(percent)) / 100
    return price / months


def item_mrr(item) -> Decimal:
    months = 12 if item["price"]["recurring"]["interval"] == "year" else 1
    percents = [d["source"]["coupon"]["percent_off"] for d in item["discounts"]]
    return unit_mrr(Decimal(item["price"]["unit_amount_decimal"]), months, percents)


def is_in_force(books: Books, line) -> bool:
    """Whether a line is served today, and billing has had the time to follow it."""
    today = books.now.date().isoformat()
    is_served = line["Start_Date__c"] <= today <= line["End_Date__c"]
    return is_served and books.age(line["Effective_At__c"], line["Start_Date__c"]) > HOURS_BILLING


def billing_state(subscription) -> str:
    if subscription["pause_collection"] and subscription["status"] in {"active", "past_due"}:
        return "paused"
    return STATUS[subscription["status"]]


def erp_invoices(books: Books):
    """Copies by billing invoice, and living subscription invoices that name none."""
    copies = defaultdict(list)
    orphans = []
    for transaction in books.transactions.values():
        if transaction["type"] != "CustInvc":
            continue
        source = transaction["custbody_stripe_invoice_id"]
        if source in books.invoices:
            copies[source].append(transaction)
        elif transaction["customform"] != "manual services" and transaction["voided"] == "F":
            orphans.append(transaction)
    return copies, orphans


ZONES = {"US": "America/New_York", "UK": "Europe/London", "DE": "Europe/Berlin", "JP": "Asia/Tokyo"}


def local_day(stamp: int, invoice) -> str:
    return (
        instant(stamp)
        .astimezone(ZoneInfo(ZONES[invoice["metadata"]["legal_entity"]]))
        .date()
        .isoformat()
    )


def is_posted(posting) -> bool:
    return posting["accountingbook"] == "1" and posting["posting"] == "T"
