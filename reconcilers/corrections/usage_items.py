"""Use that an invoice billed too little or too much of, settled by an item of the next one. Pure.

The item says in its metadata which period it puts right, and by how many units (less than none
where they are taken back): a night counts it with that period, while it waits as well as on an
invoice.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from reconcilers.corrections.billing_made import made_correction
from reconcilers.corrections.correction import Action, Correction, Refusal, Subject
from reconcilers.corrections.document import Condition, not_in_snapshot, nothing, stands
from reconcilers.corrections.facts import Facts, Row
from reconcilers.corrections.policy import Rule

_AMOUNT = "invoiceitem.amount"
_INVOICED = frozenset({"open", "paid"})
_GOES_ON = frozenset({"active", "past_due"})


@dataclass(frozen=True)
class _Side:
    """Which way billing is off, as the sign of the units that the item bills."""

    action: Action
    sign: int
    line: str
    units: str


_LACKING = _Side("bill_usage", 1, "bills fewer", "not billed")
_BEYOND = _Side("credit_usage", -1, "bills more", "billed too much")


def bill_usage(subject: Subject, rule: Rule, facts: Facts) -> Correction:
    """USG-QTY-01, not billed: the units that lack, at the price of the tiers they fall in."""
    return _settled(_LACKING, subject, rule, facts)


def credit_usage(subject: Subject, rule: Rule, facts: Facts) -> Correction:
    """USG-QTY-01, billed too much: off the next invoice goes what the units were charged at."""
    return _settled(_BEYOND, subject, rule, facts)


def _settled(side: _Side, subject: Subject, rule: Rule, facts: Facts) -> Correction:
    period = facts.used_periods.get(subject.row_key)
    refusals = tuple(_against(side, period)) if period else (_unseen(subject),)
    sound = period if period and not refusals else None
    line = f"invoice line {subject.owner_id} {side.line}"
    return made_correction(
        subject,
        rule,
        action=side.action,
        object_name="invoiceitem",
        name=subject.owner_id or "",
        body=_item(side, sound, subject) if sound else {},
        within={"customer": (period or {}).get("customer_id")},
        conditions=[*_of_period(sound), *_of_money(side, sound)] if sound else (),
        refusals=refusals,
        reason=f"of {subject.expected} metered units {line}",
    )


def _item(side: _Side, period: Row, subject: Subject) -> dict[str, Any]:
    units = _units(period)
    days = " to ".join(_day(at) for at in (period["starts"], period["ends"] - 1))
    product = {} if side is _LACKING else {"tieout_usage_product": period["product_id"]}
    return {
        "customer": period["customer_id"],
        "subscription": period["subscription_id"],
        **_charge(period),
        "discountable": False,
        "description": f"Usage {days}: {abs(units)} units that were {side.units}",
        "period": {"start": period["starts"], "end": period["ends"]},
        "metadata": {
            **_marks(period),
            "tieout_usage_item": period["item_id"],
            "tieout_usage_units": str(units),
            **product,
            "q2c_correlation_id": subject.correlation_id,
        },
    }


def _charge(period: Row) -> dict[str, Any]:
    """A price of its own; less than nothing goes as an amount alone.

    Stripe takes no price below nothing, and an amount names no product: what tells its tax goes
    along, and our metadata name the product.
    """
    amount, currency = _gap(period), period["currency"]
    taxed = {"tax_behavior": "exclusive"} if period["tax_behavior"] == "exclusive" else {}
    if amount > 0:
        price = {"currency": currency, "product": period["product_id"], "unit_amount": amount}
        return {"price_data": price | taxed, "quantity": 1}
    code = {"tax_code": period["tax_code"]} if period["tax_code"] else {}
    return {"amount": amount, "currency": currency, **taxed, **code}


def _marks(period: Row) -> dict[str, str]:
    """The period and how much of it was billed: by both, nobody settles the same units twice."""
    return {
        "tieout_usage_line": period["line_id"],
        "tieout_usage_billed": str(period["billed_quantity"]),
    }


def _of_period(period: Row) -> list[Condition]:
    """The invoice stands as seen, its subscription goes on, and the meter counts as much still.

    Nobody settled these units meanwhile.
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


def _of_money(side: _Side, period: Row) -> list[Condition]:
    """What paid the invoice was not given back meanwhile: it would go back twice."""
    if side is _LACKING or period["payment_id"] is None:
        return []
    paid = {"id": period["payment_id"]}
    return [stands("stripe", "charge", paid, amount_refunded=0, disputed=False)]


_WINDOW = {
    "meter": "meter_id",
    "customer": "customer_id",
    "start_time": "metered_from",
    "end_time": "metered_until",
}


def _against(side: _Side, period: Row) -> Iterator[Refusal]:
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
    if side is _BEYOND:
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
    if _metered(period) == 0:
        problem = "the meter counts nothing at all of the period"
        fix = "find out whether its use was told to another meter, and settle it by hand"
        yield Refusal("meter", "usage.quantity", problem, fix)


def _against_units(side: _Side, period: Row) -> Iterator[Refusal]:
    if not period["is_whole"]:
        problem = "the meter counts parts of a unit, and billing whole ones"
        fix = "find out which units billing would have charged, and settle them by hand"
        yield Refusal("quantity", "usage.quantity", problem, fix)
    elif side.sign * _units(period) <= 0:
        problem = "as many units are billed as the meter counts"
        yield Refusal("quantity", "usage.quantity", problem, "let the next night read it again")


def _against_amount(side: _Side, period: Row) -> Iterator[Refusal]:
    off = period["billed_minor"] - period["billed_rated_minor"]
    if abs(off) > period["line_count"]:
        problem = f"what is billed is {off} minor units apart from what its price says"
        yield Refusal("price", _AMOUNT, problem, "find out which price was agreed first")
    if period["discount_minor"]:
        problem = "a discount was taken off the period"
        fix = "find out whether it holds for these units, and settle them by hand"
        yield Refusal("discount", _AMOUNT, problem, fix)
    if period["tax_behavior"] == "inclusive":
        problem = "the price holds its tax, and the units are rated without"
        yield Refusal("tax", _AMOUNT, problem, "settle it by hand, with its tax")
    if side.sign * _gap(period) <= 0:
        problem = "the units come to nothing by their price"
        yield Refusal("amount", _AMOUNT, problem, "waive it: there is nothing to settle")


def _gap(period: Row) -> int:
    """What billing should have charged beyond what it did, minor units."""
    return int(period["rated_minor"]) - int(period["billed_minor"])


def _units(period: Row) -> int:
    return _metered(period) - int(period["billed_quantity"])


def _metered(period: Row) -> int:
    return int(period["metered_quantity"])


def _day(at: int) -> str:
    """The day in the calendar of UTC, by which usage is counted."""
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d}"


def _unseen(subject: Subject) -> Refusal:
    return not_in_snapshot(_AMOUNT, f"the billed period of invoice line {subject.owner_id!r}")
