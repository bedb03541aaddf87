"""Changes within a period that was billed ahead: other units, from a day on to its end.

Billing credits what is left of the old units and charges the new ones. Only what is planted brings
them about: no world changes a period by itself.
"""

from decimal import Decimal

from extractors.sandbox.amounts import rounded
from extractors.sandbox.tables import Record
from extractors.sandbox.world.erp import post_invoice
from extractors.sandbox.world.invoices import add_draft, finalize, line_of
from extractors.sandbox.world.moments import HOUR, MINUTE
from extractors.sandbox.world.state import Subscribed, World


def modify(
    world: World, course: Subscribed, item_id: str, quantity: int, *, since: int, at: int
) -> str:
    """Other units of an item since an instant, billed and posted at another; the invoice's id."""
    records = world.records
    subscription = records.need("stripe", "subscription", course.id)
    items: list[Record] = subscription["items"]["data"]
    old = next(item for item in items if item["id"] == item_id)
    new = old | {"quantity": quantity}
    listed = subscription["items"] | {"data": [new if item is old else item for item in items]}
    latest = records.new_id("stripe", "invoice")
    records.change("stripe", "subscription", course.id, at, items=listed, latest_invoice=latest)
    invoice = _draft(world, course, at, since, [(old, -1), (new, 1)])
    finalize(world, at + 5 * MINUTE, invoice)
    post_invoice(world, at + HOUR, invoice)
    return invoice


def _draft(
    world: World, course: Subscribed, at: int, since: int, parts: list[tuple[Record, int]]
) -> str:
    """A draft for what changed within a period: items from `since` to its end, 1 or -1 of each."""
    lines = [
        _rest(line_of(world, course.id, item, is_free=False), since, sign) for item, sign in parts
    ]
    return add_draft(world, course, at, lines, "subscription_update")


def _rest(line: Record, since: int, sign: int) -> Record:
    """What of a line is left from an instant on, charged (1) or credited (-1)."""
    period = line["period"]
    left, whole = period["end"] - since, period["end"] - period["start"]

    def share(amount: int) -> int:
        return sign * rounded(Decimal(amount) * left / whole)

    details = line["parent"]["subscription_item_details"] | {"proration": True}
    discounts = [entry | {"amount": share(entry["amount"])} for entry in line["discount_amounts"]]
    return line | {
        "amount": share(line["amount"]),
        "description": f"{'Unused' if sign < 0 else 'Remaining'} time x {line['quantity']}",
        "period": period | {"start": since},
        "discount_amounts": discounts,
        "parent": line["parent"] | {"subscription_item_details": details},
    }
