"""What a billed period of use is off by, and what speaks against an item that settles it. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from reconcilers.corrections.correction import Action, Refusal
from reconcilers.corrections.facts import Row

AMOUNT = "invoiceitem.amount"
_INVOICED = frozenset({"open", "paid"})
_GOES_ON = frozenset({"active", "past_due"})


@dataclass(frozen=True)
class Side:
    """What billing is off by, and which way, as the sign of what the item charges.

    `units` are what the item says of its units: those that are off, or all whose price is.
    """

    action: Action
    off: Literal["units", "price"]
    sign: int
    line: str
    units: str


LACKING = Side("bill_usage", "units", 1, "bills fewer units than its meter counts", "not billed")
BEYOND = Side(
    "credit_usage", "units", -1, "bills more units than its meter counts", "billed too much"
)
CHEAPER = Side("bill_usage", "price", 1, "charges less than its price says", "charged too little")
DEARER = Side("credit_usage", "price", -1, "charges more than its price says", "charged too much")


def gap(period: Row) -> int:
    """What billing should have charged beyond what it did, minor units."""
    return int(period["rated_minor"]) - int(period["billed_minor"])


def gap_units(period: Row) -> int:
    """Units that the meter counts beyond those that are billed."""
    return metered(period) - int(period["billed_quantity"])


def metered(period: Row) -> int:
    return int(period["metered_quantity"])


def against(side: Side, period: Row) -> Iterator[Refusal]:
    """Why people settle the period."""
    if period["invoice_status"] not in _INVOICED:
        problem = f"invoice {period['invoice_id']} is {period['invoice_status']}"
        fix = "find out what the customer still owes of the period, and settle that by hand"
        yield Refusal("invoice", "invoice.status", problem, fix)
    if period["paid_credits_minor"] or period["open_credits_minor"]:
        problem = f"something of invoice {period['invoice_id']} was credited"
        fix = "find out whether the credit was of this use, and settle by hand what is left"
        yield Refusal("credit", "invoice.post_payment_credit_notes_amount", problem, fix)
    if period["subscription_status"] not in _GOES_ON or period["is_ending"]:
        problem = "the subscription has no invoice to come: it has ended, ends, or is paused"
        yield Refusal("subscription", "subscription.status", problem, "settle it by hand")
    if side.sign < 0:
        yield from _against_giving_back(period)
    yield from _against_units(side, period)
    yield from _against_amount(side, period)


def _against_giving_back(period: Row) -> Iterator[Refusal]:
    """What of the period may be given back already, or was perhaps never told to the meter."""
    if period["refund_count"] or period["is_disputed"] or period["charge_count"] > 1:
        problem = (
            f"what paid invoice {period['invoice_id']} was refunded, disputed or charged twice"
        )
        fix = "find out what went back for this use, and settle by hand what is left"
        yield Refusal("refund", "charge.amount_refunded", problem, fix)
    if metered(period) == 0:
        problem = "the meter counts nothing at all of the period"
        fix = "find out whether its use was told to another meter, and settle it by hand"
        yield Refusal("meter", "usage.quantity", problem, fix)


def _against_units(side: Side, period: Row) -> Iterator[Refusal]:
    if not period["is_whole"]:
        problem = "the meter counts parts of a unit, and billing whole ones"
        fix = "find out which units billing would have charged, and settle them by hand"
        yield Refusal("quantity", "usage.quantity", problem, fix)
    elif side.off == "price" and gap_units(period):
        problem = "other units are billed than the meter counts"
        fix = "settle the units first (USG-QTY-01), then what is left of the amount"
        yield Refusal("quantity", "usage.quantity", problem, fix)
    elif side.off == "units" and side.sign * gap_units(period) <= 0:
        problem = "as many units are billed as the meter counts"
        yield Refusal("quantity", "usage.quantity", problem, "let the next night read it again")


def _against_amount(side: Side, period: Row) -> Iterator[Refusal]:
    off = period["billed_minor"] - period["billed_rated_minor"]
    if side.off == "units" and abs(off) > period["line_count"]:
        problem = f"what is billed is {off} minor units apart from what its price says"
        yield Refusal("price", AMOUNT, problem, "find out which price was agreed first")
    if period["discount_minor"]:
        problem = "a discount was taken off the period"
        fix = "find out whether it holds for these units, and settle them by hand"
        yield Refusal("discount", AMOUNT, problem, fix)
    if period["tax_behavior"] == "inclusive":
        problem = "the price holds its tax, and the units are rated without"
        yield Refusal("tax", AMOUNT, problem, "settle it by hand, with its tax")
    if side.sign * gap(period) <= 0:
        problem = "by their price, the units leave nothing to settle"
        yield Refusal("amount", AMOUNT, problem, "waive it")
