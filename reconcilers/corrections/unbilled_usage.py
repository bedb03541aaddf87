"""Use that the invoice of its period left out, billed by an item of the next invoice. Pure.

The item says in its metadata which period it puts right, and by how many units: a night counts it
as billed for that period, while it waits as well as on an invoice.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from reconcilers.corrections.billing_made import made_correction
from reconcilers.corrections.correction import Correction, Refusal, Subject
from reconcilers.corrections.document import Condition, not_in_snapshot, nothing, stands
from reconcilers.corrections.facts import Facts, Row
from reconcilers.corrections.policy import Rule

_AMOUNT = "invoiceitem.amount"
_INVOICED = frozenset({"open", "paid"})
_GOES_ON = frozenset({"active", "past_due"})


def bill_usage(subject: Subject, rule: Rule, facts: Facts) -> Correction:
    """USG-QTY-01, not billed: the units that lack, at the price of the tiers they fall in."""
    period = facts.unbilled_usage.get(subject.row_key)
    refusals = tuple(_against(period)) if period else (_unseen(subject),)
    sound = period if period and not refusals else None
    return made_correction(
        subject,
        rule,
        action="bill_usage",
        object_name="invoiceitem",
        name=subject.owner_id or "",
        body=_item(sound, subject) if sound else {},
        within={"customer": (period or {}).get("customer_id")},
        conditions=_of_period(sound) if sound else (),
        refusals=refusals,
        reason=f"of {subject.expected} metered units invoice line {subject.owner_id} bills fewer",
    )


def _item(period: Row, subject: Subject) -> dict[str, Any]:
    units = _units(period)
    days = " to ".join(_day(at) for at in (period["starts"], period["ends"] - 1))
    price = {
        "currency": period["currency"],
        "product": period["product_id"],
        "unit_amount": period["rated_minor"] - period["billed_minor"],
    }
    if period["tax_behavior"] == "exclusive":
        price["tax_behavior"] = "exclusive"
    return {
        "customer": period["customer_id"],
        "subscription": period["subscription_id"],
        "price_data": price,
        "quantity": 1,
        "discountable": False,
        "description": f"Usage {days}: {units} units that were not billed",
        "period": {"start": period["starts"], "end": period["ends"]},
        "metadata": {
            **_marks(period),
            "tieout_usage_item": period["item_id"],
            "tieout_usage_units": str(units),
            "q2c_correlation_id": subject.correlation_id,
        },
    }


def _marks(period: Row) -> dict[str, str]:
    """The period and how much of it was billed: by both, nobody bills the same units twice."""
    return {
        "tieout_usage_line": period["line_id"],
        "tieout_usage_billed": str(period["billed_quantity"]),
    }


def _of_period(period: Row) -> list[Condition]:
    """The invoice stands as seen, its subscription goes on, and the meter counts as much still.

    Nobody billed these units meanwhile.
    """
    invoice, marks = {"id": period["invoice_id"]}, _marks(period)
    told = {f"metadata.{name}": value for name, value in marks.items()}
    window = {name: str(period[of]) for name, of in _WINDOW.items()}
    return [
        stands(
            "stripe",
            "invoice",
            invoice,
            total=period["total_minor"],
            status_transitions={"voided_at": None, "marked_uncollectible_at": None},
            post_payment_credit_notes_amount=period["paid_credits_minor"],
            pre_payment_credit_notes_amount=period["open_credits_minor"],
        ),
        stands(
            "stripe",
            "subscription",
            {"id": period["subscription_id"]},
            ended_at=None,
            cancel_at=None,
            cancel_at_period_end=False,
            pause_collection=None,
        ),
        stands("stripe", "usage", window, aggregated_value=_metered(period)),
        nothing("stripe", "invoiceitem", customer=period["customer_id"], **told),
    ]


_WINDOW = {
    "meter": "meter_id",
    "customer": "customer_id",
    "start_time": "metered_from",
    "end_time": "metered_until",
}


def _against(period: Row) -> Iterator[Refusal]:
    if period["invoice_status"] not in _INVOICED:
        problem = f"invoice {period['invoice_id']} is {period['invoice_status']}"
        fix = "find out what the customer still owes of the period, and bill that by hand"
        yield Refusal("invoice", "invoice.status", problem, fix)
    if period["paid_credits_minor"] or period["open_credits_minor"]:
        problem = f"something of invoice {period['invoice_id']} was credited"
        fix = "find out whether the credit was of this use, and bill by hand what lacks"
        yield Refusal("credit", "invoice.post_payment_credit_notes_amount", problem, fix)
    if period["subscription_status"] not in _GOES_ON or period["is_ending"]:
        problem = "the subscription has no invoice to come: it has ended, ends, or is paused"
        yield Refusal("subscription", "subscription.status", problem, "invoice it by hand")
    yield from _against_units(period)
    yield from _against_amount(period)


def _against_units(period: Row) -> Iterator[Refusal]:
    if not period["is_whole"]:
        problem = "the meter counts parts of a unit, and billing whole ones"
        fix = "find out which units billing would have charged, and bill them by hand"
        yield Refusal("quantity", "usage.quantity", problem, fix)
    elif _units(period) <= 0:
        problem = "as many units are billed as the meter counts"
        yield Refusal("quantity", "usage.quantity", problem, "let the next night read it again")


def _against_amount(period: Row) -> Iterator[Refusal]:
    off = period["billed_minor"] - period["billed_rated_minor"]
    if abs(off) > period["line_count"]:
        problem = f"what is billed is {off} minor units apart from what its price says"
        yield Refusal("price", _AMOUNT, problem, "find out which price was agreed, then bill")
    if period["discount_minor"]:
        problem = "a discount was taken off the period"
        fix = "find out whether it holds for these units, and bill them by hand"
        yield Refusal("discount", _AMOUNT, problem, fix)
    if period["tax_behavior"] == "inclusive":
        problem = "the price holds its tax, and what lacks is reckoned without"
        yield Refusal("tax", _AMOUNT, problem, "bill it by hand, with its tax")
    if period["rated_minor"] <= period["billed_minor"]:
        problem = "the units come to nothing by their price"
        yield Refusal("amount", _AMOUNT, problem, "waive it: there is nothing to bill")


def _units(period: Row) -> int:
    return _metered(period) - int(period["billed_quantity"])


def _metered(period: Row) -> int:
    return int(period["metered_quantity"])


def _day(at: int) -> str:
    """The day in the calendar of UTC, by which usage is counted."""
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d}"


def _unseen(subject: Subject) -> Refusal:
    return not_in_snapshot(_AMOUNT, f"the billed period of invoice line {subject.owner_id!r}")
