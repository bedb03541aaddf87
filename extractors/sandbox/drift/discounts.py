"""CON-DISC-01: billing takes off another percentage than was agreed, or not for as long."""

from collections.abc import Sequence
from decimal import Decimal

from extractors.sandbox.drift.ground import Ground
from extractors.sandbox.drift.sold_lines import (
    Sold,
    change_items,
    is_worth,
    sold_lines,
    subscription_of,
)
from extractors.sandbox.reference import TIERED_BY_SKU
from extractors.sandbox.tables import Record
from extractors.sandbox.world.moments import DAY

_ENDS_AFTER = (25, 60)
"""Days until a discount ends that should have lasted as long as its line."""


def plant_other_discount(ground: Ground, count: int) -> None:
    """The discount is dropped, another one, one that nobody agreed, or one that will end."""
    worth = [s for s in sold_lines(ground) if s.sku not in TIERED_BY_SKU and is_worth(s)]
    discounted = [sold for sold in worth if _percent(sold)]
    pools = {
        "discount_dropped": discounted,
        "other_percent": discounted,
        "not_agreed": [sold for sold in worth if not _percent(sold)],
        "ends_early": discounted,
    }
    coupons = ground.store.rows("stripe", "coupon")
    for variant, sold in ground.choose(count, pools, subscription_of):
        change_items(ground, sold, ground.tick(), discounts=_given(ground, variant, sold, coupons))
        _close(ground, sold, variant)


def _percent(sold: Sold) -> Decimal:
    return Decimal(sold.line["Discount_Percent__c"])


def _given(ground: Ground, variant: str, sold: Sold, coupons: Sequence[Record]) -> list[Record]:
    """What billing takes off instead."""
    if variant == "discount_dropped":
        return []
    if variant == "ends_early":
        items = sold.subscription["items"]["data"]
        item = next(item for item in items if item["id"] in sold.items)
        ends = ground.now + ground.rng.randrange(*_ENDS_AFTER) * DAY
        return [discount | {"end": ends} for discount in item["discounts"]]
    others = [c for c in coupons if Decimal(str(c["percent_off"])) != _percent(sold)]
    coupon = ground.rng.choice(others)
    return [
        {
            "id": ground.store.new_id("stripe", "discount"),
            "object": "discount",
            "source": {"type": "coupon", "coupon": coupon},
            "start": ground.now - DAY,
            "end": None,
        }
    ]


def _close(ground: Ground, sold: Sold, variant: str) -> None:
    """Whatever is charged otherwise today shows in the value of the line."""
    ground.freeze(sold.who, f"subscription:{sold.subscription_id}")
    ends = variant == "ends_early"
    ground.planted(
        ("salesforce", sold.contract_id),
        ("stripe", sold.subscription_id),
        attribute=f"{'discount_end_date' if ends else 'discount_percent'}:{sold.sku}",
        variant=variant,
    )
    if not ends:
        ground.follows(
            "CON-AMT-01",
            ("salesforce", sold.contract_id),
            ("stripe", sold.subscription_id),
            attribute=f"mrr_at_contract_quantity:{sold.sku}",
            variant=variant,
            caused_by=sold.contract_id,
        )
