"""Stripe's discounts of what recurs: what a coupon takes off from now on, and for how long."""

from collections.abc import Mapping, Sequence
from typing import Any

from extractors.sandbox.store import Store
from extractors.sandbox.stripe_errors import StripeError, missing, only_one_of
from extractors.sandbox.stripe_operations import named, now
from extractors.sandbox.stripe_shapes import Document
from extractors.sandbox.world.moments import boundary, moment


def discount_of(
    store: Store, given: Mapping[str, Any], kept: Sequence[Document], param: str
) -> Document:
    """One that was given before, by its id, or a new one by a coupon that is in use."""
    only_one_of(given, "coupon", "discount")
    if given.get("discount"):
        for one in kept:
            if one["id"] == given["discount"]:
                return one
        raise missing("discount", given["discount"], f"{param}[discount]", 400)
    if not given.get("coupon"):
        raise StripeError(f"Missing required param: {param}[coupon].", "parameter_missing", param)
    coupon = named(store, "coupon", given["coupon"], f"{param}[coupon]")
    if not coupon.get("valid", True):
        message = f"Coupon {coupon['id']} is used up and cannot be applied."
        raise StripeError(message, "coupon_expired", f"{param}[coupon]")
    start = now(store)
    return {
        "id": store.new_id("stripe", "discount"),
        "object": "discount",
        "source": {"type": "coupon", "coupon": coupon},
        "start": start,
        "end": _end(coupon, start),
    }


def _end(coupon: Document, start: int) -> int | None:
    months = coupon.get("duration_in_months")
    if coupon.get("duration") != "repeating" or not months:
        return None
    return boundary(start, moment(start).day, months)
