"""Corrections of discounts that billing gives otherwise than signed: from the next invoice on.

Pure. No coupon is made here, and what was charged until now stays as it is.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any

from extractors.billing.stripe.writable import coupons
from reconcilers.corrections.correction import Correction, Refusal, Subject
from reconcilers.corrections.facts import Facts, Row
from reconcilers.corrections.field_copies import field_correction
from reconcilers.corrections.policy import Rule
from reconcilers.corrections.signed_terms import one_item
from reconcilers.corrections.wire_fields import PLACES

_PLACE = PLACES["stripe", "contract_line", "discount_percent"]


def correct_discount(subject: Subject, rule: Rule, facts: Facts) -> Correction | None:
    """CON-DISC-01: the item of the product gets the coupon of the agreed percentage, or none."""
    line = facts.signed_lines.get(subject.row_key)
    if subject.replica_id is None or line is None or line["discount_percent"] is None:
        return None
    *_, product = subject.row_key.split(":")
    items = facts.billed_items.get((subject.replica_id, product), ())
    percent = Decimal(line["discount_percent"])
    wanted = ways_to_give(percent, facts.coupons)
    refusals = one_item(_PLACE, items) or tuple(_refusals(items[0], percent, wanted))
    item = items[0] if len(items) == 1 else None
    return field_correction(
        subject,
        rule,
        _PLACE,
        ("stripe", item["item_id"] if item else subject.replica_id),
        held=item and {"value": json.dumps(_given(item)), "version": item["version"]},
        value=json.dumps(wanted[0]) if wanted else None,
        reason=f"{percent.normalize():f} % off {product} was agreed, and billing gives otherwise",
        refusals=refusals,
    )


def _given(item: Row) -> list[Any]:
    return coupons(json.loads(item["discounts"] or "[]"))


def ways_to_give(
    percent: Decimal | Fraction, known: Sequence[Row]
) -> list[list[Mapping[str, str]]]:
    """Every way to give just this percentage for good."""
    if not percent:
        return [[]]
    return [
        [{"coupon": one["coupon_id"]}] for one in known if Fraction(one["percent_off"]) == percent
    ]


def _refusals(item: Row, percent: Decimal, ways: Sequence[object]) -> Iterator[Refusal]:
    field = f"{_PLACE.object}.{_PLACE.name}"
    if any(not isinstance(one, Mapping) or one.keys() != {"coupon"} for one in _given(item)):
        problem = "what it gives ends, or is not by a coupon alone: it could not be given back"
        yield Refusal("discount", field, problem, "change the discount in billing")
    elif len(ways) != 1:
        problem = f"{len(ways)} coupons take {percent.normalize():f} % off for good"
        yield Refusal("one coupon", field, problem, "leave one such coupon valid in billing")
