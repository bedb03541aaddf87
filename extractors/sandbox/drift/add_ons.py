"""CON-COT-01: an add-on that should end with its contract does not, or is billed apart."""

from collections import Counter
from datetime import date, timedelta

from extractors.sandbox.drift.ground import Ground
from extractors.sandbox.drift.sold_lines import Sold, sold_lines, subscription_of
from extractors.sandbox.tables import Record
from extractors.sandbox.world.moments import DAY

_ATTRIBUTES = {"ends_before": "end_date", "ends_after": "end_date", "billed_apart": "subscription"}
_DAYS_APART = (20, 60)
_PERIOD = 30 * DAY


def plant_not_co_termed(ground: Ground, count: int) -> None:
    """A line that is sold as ending with its contract does not, or has a subscription alone."""
    sold = sold_lines(ground)
    lines = Counter(each.contract_id for each in sold)
    fit = [each for each in sold if lines[each.contract_id] > 1 and _ends_together(ground, each)]
    alone = [each for each in fit if len(each.items) == 1 and len(_items(each)) > 1]
    pools = {"ends_before": fit, "ends_after": fit, "billed_apart": alone}
    for variant, each in ground.choose(count, pools, subscription_of):
        billed_by = each.subscription_id
        if variant == "billed_apart":
            ground.change(
                "salesforce", "Contract_Line__c", each.line["Id"], ground.tick(), Co_Termed__c=True
            )
            billed_by = _set_apart(ground, each)
        else:
            _move_end(ground, each, is_later=variant == "ends_after")
        ground.freeze(each.who, f"subscription:{each.subscription_id}")
        ground.planted(
            ("salesforce", each.line["Id"]),
            ("stripe", billed_by),
            attribute=f"{_ATTRIBUTES[variant]}:{each.sku}",
            variant=variant,
        )


def _ends_together(ground: Ground, sold: Sold) -> bool:
    """Whether a line ends with its contract, and billing has no plan of its own."""
    contract = ground.store.get("salesforce", "Contract", sold.contract_id)
    assert contract is not None
    is_same = sold.line["End_Date__c"] == contract["EndDate"]
    return is_same and not sold.subscription.get("schedule")


def _items(sold: Sold) -> list[Record]:
    items: list[Record] = sold.subscription["items"]["data"]
    return items


def _move_end(ground: Ground, sold: Sold, *, is_later: bool) -> None:
    days = timedelta(days=ground.rng.randrange(*_DAYS_APART))
    last = date.fromisoformat(sold.line["End_Date__c"])
    moved = last + days if is_later else last - days
    fields = {"Co_Termed__c": True, "End_Date__c": moved.isoformat()}
    ground.change("salesforce", "Contract_Line__c", sold.line["Id"], ground.tick(), **fields)


def _set_apart(ground: Ground, sold: Sold) -> str:
    """The item moves to a subscription of its own, whose periods begin on another day."""
    at, made_at = ground.tick(), ground.days_ago(4, 9)
    period = {"current_period_start": made_at, "current_period_end": made_at + _PERIOD}
    own = [
        item | period | {"created": made_at} for item in _items(sold) if item["id"] in sold.items
    ]
    others = [item for item in _items(sold) if item["id"] not in sold.items]
    listed = sold.subscription["items"]
    fields = {
        "id": ground.store.new_id("stripe", "subscription"),
        "status": "active",
        "created": made_at,
        "start_date": made_at,
        "latest_invoice": None,
        "items": listed | {"data": own},
    }
    rest = listed | {"data": others}
    ground.change("stripe", "subscription", sold.subscription_id, at, items=rest)
    return str(ground.add("stripe", "subscription", sold.subscription | fields, at)["id"])
