"""Corrections of what an item costs, to what was signed: from the next invoice on. Pure.

No price is made here: one that billing has already must come to just what was signed.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any

from reconcilers.corrections.correction import Correction, Refusal, Subject
from reconcilers.corrections.facts import Facts, Row
from reconcilers.corrections.field_copies import field_correction
from reconcilers.corrections.policy import Rule
from reconcilers.corrections.signed_terms import one_item
from reconcilers.corrections.wire_fields import PLACES

PRICE = PLACES["stripe", "contract_line", "mrr_at_contract_quantity"]
_MONTHS = {"month": 1, "year": 12}
_ALL = Fraction(100)
# A twelfth of a yearly price is rounded: a minor unit of a month is no difference. What is charged
# by the month comes to what was signed, but for a part of a unit that a discount leaves.
_TOLERANCE, _TOLERANCE_OF_MONTH = Fraction(1), Fraction(1, 2)


def correct_price(subject: Subject, rule: Rule, facts: Facts) -> Correction | None:
    """CON-AMT-01, PRD-BAS-01: the price of the item; CON-AMD-01, signed: its quantity as well.

    None of a list price.
    """
    line = facts.signed_lines.get(subject.row_key)
    if subject.replica_id is None or line is None:
        return None
    *_, product = subject.row_key.split(":")
    items = facts.billed_items.get((subject.replica_id, product), ())
    refusals = one_item(PRICE, items)
    item = items[0] if len(items) == 1 else None
    price = None
    if item and not refusals:
        percent = _ALL - _ALL * Fraction(item["discount_factor"])
        price, refusals = fitting(line, percent, facts.prices.get(item["price_id"]), facts)
    correction = field_correction(
        subject,
        rule,
        PRICE,
        ("stripe", item["item_id"] if item else subject.replica_id),
        held=item and {"value": item["price_id"], "version": item["version"]},
        value=price,
        reason=f"{line['mrr_minor']} minor units a month were signed for {product}",
        refusals=refusals,
    )
    both = subject.code == "CON-AMD-01" and item is not None
    return _with_quantity(correction, item, line) if both and item else correction


def fitting(
    line: Row, percent: Fraction, held: Row | None, facts: Facts
) -> tuple[str | None, tuple[Refusal, ...]]:
    """The price at which a line's units cost what was signed, or why there is none.

    `percent` is what billing takes off; `held` the price that is charged now.
    """
    if noes := tuple(_against(line, percent, held)):
        return None, noes
    assert held is not None
    if _fits(held, line):
        return str(held["price_id"]), ()
    return one_price(line, held, facts)


def one_price(line: Row, wanted: Row, facts: Facts) -> tuple[str | None, tuple[Refusal, ...]]:
    """The only price in use of a product, currency and periods that comes to what was signed."""
    known = [one for one in facts.prices.values() if _is_like(one, wanted) and _fits(one, line)]
    if len(known) == 1:
        return str(known[0]["price_id"]), ()
    what = f"{line['mrr_minor']} minor units a month for {line['quantity']}"
    return None, (
        _refusal(
            "one price",
            f"{len(known)} prices in use come to {what}",
            "make the price that was signed in billing, or leave one of them in use",
        ),
    )


def _against(line: Row, percent: Fraction, held: Row | None) -> Iterator[Refusal]:
    if held is None or held["unit_amount"] is None or held["interval"] not in _MONTHS:
        problem = "what is charged now has no price of a unit for months or years"
        yield _refusal("plain price", problem, "change the item in billing")
    elif line["discount_percent"] is None or Fraction(line["discount_percent"]) != percent:
        problem = (
            f"billing takes {float(percent):g} % off, and {line['discount_percent']} was agreed"
        )
        yield _refusal("same discount", problem, "put the discount right first")
    elif not line["quantity"] or not line["mrr_minor"]:
        yield _refusal("units", "nothing is sold for it", "end the item in billing")


def _fits(price: Row, line: Row) -> bool:
    """Whether the units of a line cost at a price what was signed for them a month."""
    share = (_ALL - Fraction(line["discount_percent"])) / _ALL
    months = _MONTHS[price["interval"]] * price["interval_count"]
    charged = Fraction(price["unit_amount"]) * line["quantity"] * share / months
    allowed = _TOLERANCE_OF_MONTH if months == 1 else _TOLERANCE
    return abs(charged - line["mrr_minor"]) <= allowed


def _is_like(price: Row, held: Row) -> bool:
    """Whether an item could go over to a price and keep its periods, and what tax comes to."""
    if price["unit_amount"] is None:
        return False
    same = ("product_id", "currency", "interval", "interval_count", "tax_behavior")
    return bool(price["is_open"]) and all(price[n] == held[n] for n in same if n in held)


def _with_quantity(correction: Correction, item: Row, line: Row) -> Correction:
    after = {**correction.after, "quantity": line["quantity"]}
    return replace(
        correction,
        before={**(correction.before or {}), "quantity": item["quantity"]},
        after=after,
        payload={**after, **PRICE.how} if correction.payload else {},
    )


def _refusal(check: str, problem: str, fix: str) -> Refusal:
    return Refusal(check, f"{PRICE.object}.{PRICE.name}", problem, fix)


def taken_off(discounts: Sequence[Mapping[str, Any]], known: Sequence[Row]) -> Fraction | None:
    """What coupons take off together, in percent; None where one of them is not known."""
    percents = {one["coupon_id"]: Fraction(one["percent_off"]) for one in known}
    share = Fraction(1)
    for one in discounts:
        if one.get("coupon") not in percents:
            return None
        share *= (_ALL - percents[one["coupon"]]) / _ALL
    return _ALL - _ALL * share
