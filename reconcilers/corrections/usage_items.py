"""Use that an invoice billed wrongly, settled by an item of the next one. Pure.

The item says in its metadata which period it puts right, and by how many units (less than none
where they are taken back, none where their price is put right): a night counts it with that period,
while it waits as well as on an invoice.
"""

from datetime import UTC, datetime
from typing import Any

from reconcilers.corrections.billing_made import made_correction
from reconcilers.corrections.correction import Correction, Refusal, Subject
from reconcilers.corrections.document import Condition, not_in_snapshot, nothing, stands
from reconcilers.corrections.facts import Facts, Row
from reconcilers.corrections.policy import Rule
from reconcilers.corrections.usage_gaps import (
    AMOUNT,
    BEYOND,
    CHEAPER,
    DEARER,
    LACKING,
    Side,
    against,
    gap,
    gap_units,
    metered,
)


def bill_usage(subject: Subject, rule: Rule, facts: Facts) -> Correction:
    """USG-QTY-01, not billed: the units that lack, at the price of the tiers they fall in."""
    return _settled(LACKING, subject, rule, facts)


def credit_usage(subject: Subject, rule: Rule, facts: Facts) -> Correction:
    """USG-QTY-01, billed too much: off the next invoice goes what the units were charged at."""
    return _settled(BEYOND, subject, rule, facts)


def bill_rating(subject: Subject, rule: Rule, facts: Facts) -> Correction:
    """USG-RATE-01, charged too little: what the units come to by the price of their line."""
    return _settled(CHEAPER, subject, rule, facts)


def credit_rating(subject: Subject, rule: Rule, facts: Facts) -> Correction:
    """USG-RATE-01, charged too much: off the next invoice goes what was charged beyond that."""
    return _settled(DEARER, subject, rule, facts)


def _settled(side: Side, subject: Subject, rule: Rule, facts: Facts) -> Correction:
    period = facts.used_periods.get(subject.row_key)
    refusals = tuple(against(side, period)) if period else (_unseen(subject),)
    sound = period if period and not refusals else None
    return made_correction(
        subject,
        rule,
        action=side.action,
        object_name="invoiceitem",
        name=subject.owner_id or "",
        body=_item(side, sound, subject) if sound else {},
        within={"customer": (period or {}).get("customer_id")},
        conditions=[*_of_period(side, sound), *_of_money(side, sound)] if sound else (),
        refusals=refusals,
        reason=f"invoice line {subject.owner_id} {side.line}",
    )


def _item(side: Side, period: Row, subject: Subject) -> dict[str, Any]:
    units = gap_units(period)
    days = " to ".join(_day(at) for at in (period["starts"], period["ends"] - 1))
    told = abs(units) if side.off == "units" else metered(period)
    product = {} if side.sign > 0 else {"tieout_usage_product": period["product_id"]}
    return {
        "customer": period["customer_id"],
        "subscription": period["subscription_id"],
        **_charge(period),
        "discountable": False,
        "description": f"Usage {days}: {told} units that were {side.units}",
        "period": {"start": period["starts"], "end": period["ends"]},
        "metadata": {
            **_marks(side, period),
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
    amount, currency = gap(period), period["currency"]
    taxed = {"tax_behavior": "exclusive"} if period["tax_behavior"] == "exclusive" else {}
    if amount > 0:
        price = {"currency": currency, "product": period["product_id"], "unit_amount": amount}
        return {"price_data": price | taxed, "quantity": 1}
    code = {"tax_code": period["tax_code"]} if period["tax_code"] else {}
    return {"amount": amount, "currency": currency, **taxed, **code}


def _marks(side: Side, period: Row) -> dict[str, str]:
    """The period and how much of it was billed: by both, nobody settles the same twice.

    What settles a price has a mark of its own: more units may be settled after it.
    """
    seen = (
        {"tieout_usage_billed": period["billed_quantity"]}
        if side.off == "units"
        else {"tieout_usage_charged": period["billed_minor"]}
    )
    return {"tieout_usage_line": period["line_id"]} | {k: str(v) for k, v in seen.items()}


def _of_period(side: Side, period: Row) -> list[Condition]:
    """The invoice stands as seen, its subscription goes on, and the meter counts as much still.

    Nobody settled it meanwhile.
    """
    invoice, marks = {"id": period["invoice_id"]}, _marks(side, period)
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
        stands("stripe", "usage", window, aggregated_value=metered(period)),
        nothing("stripe", "invoiceitem", customer=period["customer_id"], **told),
    ]


def _of_money(side: Side, period: Row) -> list[Condition]:
    """What paid the invoice was not given back meanwhile: it would go back twice."""
    if side.sign > 0 or period["payment_id"] is None:
        return []
    paid = {"id": period["payment_id"]}
    return [stands("stripe", "charge", paid, amount_refunded=0, disputed=False)]


_WINDOW = {
    "meter": "meter_id",
    "customer": "customer_id",
    "start_time": "metered_from",
    "end_time": "metered_until",
}


def _day(at: int) -> str:
    """The day in the calendar of UTC, by which usage is counted."""
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d}"


def _unseen(subject: Subject) -> Refusal:
    return not_in_snapshot(AMOUNT, f"the billed period of invoice line {subject.owner_id!r}")
