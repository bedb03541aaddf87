"""SUB-DUP-01: a contract line is billed by an item too many."""

from extractors.sandbox.drift.ground import Ground
from extractors.sandbox.drift.sold_lines import Sold, sold_lines, subscription_of
from extractors.sandbox.reference import TIERED_BY_SKU
from extractors.sandbox.tables import Record
from extractors.sandbox.world.moments import HOUR


def plant_billed_twice(ground: Ground, count: int) -> None:
    """An item was added again, or a subscription (or a line of one) set up beside the first."""
    sold = sold_lines(ground)
    whole = [each for each in sold if len(each.items) == 1]
    pools = {
        "item_added_again": [each for each in sold if each.sku not in TIERED_BY_SKU],
        "subscription_set_up_again": [each for each in whole if len(_items(each)) == 1],
        "line_moved": [each for each in whole if len(_items(each)) > 1],
    }
    for variant, each in ground.choose(count, pools, subscription_of):
        own = (item for item in _items(each) if item["id"] in each.items)
        first = min(own, key=lambda item: (item["created"], item["id"]))
        again = _again(ground, each, first)
        if variant == "item_added_again":
            _add_item(ground, each, again, first["id"])
        else:
            _add_subscription(ground, each, again)
        ground.freeze(each.who, f"subscription:{each.subscription_id}")
        ground.planted(("stripe", first["id"]), ("stripe", again["id"]), variant=variant)


def _items(sold: Sold) -> list[Record]:
    items: list[Record] = sold.subscription["items"]["data"]
    return items


def _again(ground: Ground, sold: Sold, item: Record) -> Record:
    """The same item once more, made of late and not invoiced yet."""
    youngest = max(other["created"] for other in _items(sold))
    made_at = max(ground.days_ago(4, 9), youngest + HOUR)
    return item | {"id": ground.store.new_id("stripe", "subscription_item"), "created": made_at}


def _add_item(ground: Ground, sold: Sold, again: Record, first_id: str) -> None:
    """The subscription bills more units than were sold, which follows."""
    listed = sold.subscription["items"] | {"data": [*_items(sold), again]}
    ground.change("stripe", "subscription", sold.subscription_id, ground.tick(), items=listed)
    ground.follows(
        "SUB-QTY-01",
        ("salesforce", sold.contract_id),
        ("stripe", sold.subscription_id),
        attribute=f"quantity:{sold.sku}",
        variant="item_added_again",
        caused_by=first_id,
    )


def _add_subscription(ground: Ground, sold: Sold, again: Record) -> None:
    """Another subscription of the same contract, with this item alone."""
    fields = {
        "id": ground.store.new_id("stripe", "subscription"),
        "status": "active",
        "created": again["created"],
        "start_date": again["created"],
        "latest_invoice": None,
        "schedule": None,
        "items": sold.subscription["items"] | {"data": [again]},
    }
    ground.add("stripe", "subscription", sold.subscription | fields, ground.tick())
