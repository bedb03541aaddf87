"""CON-AMD: one side of a contract line was changed after both agreed; the other did not follow."""

from collections.abc import Iterable
from decimal import Decimal

from extractors.sandbox.amounts import decimal_text, rounded
from extractors.sandbox.drift.ground import SETTLED_DAYS, Ground
from extractors.sandbox.drift.sold_lines import Sold, is_worth, sold_lines, subscription_of
from extractors.sandbox.reference import TIERED_BY_SKU
from extractors.sandbox.salesforce_schema import tracked_changes
from extractors.sandbox.schema import TABLES, System
from extractors.sandbox.stripe_events import notes_of
from extractors.sandbox.tables import Record
from extractors.sandbox.world.contracts import stamp
from extractors.sandbox.world.moments import DAY, HOUR
from extractors.sandbox.world.state import subscription_of as billed_by

_LEAST_SEATS = 5
_RAISED, _LOWERED = Decimal("1.07"), Decimal("0.91")
_MORE_OFF = 4
_QUIET = 6 * DAY
"""Paper that was saved this long before an invoice has nothing to do with what came after it."""
_CHANGED_HOURS = (50, 70)
"""When billing was changed, before now: past the grace, and within the days that were quiet."""


def plant_not_followed(ground: Ground, count: int) -> None:
    """CON-AMD-01: a line is edited in the CRM, signed or not, and billing goes on as before."""
    plain = _plain(sold_lines(ground))
    seats = [each for each in plain if _quantity(each) >= _LEAST_SEATS]
    pools = {
        "price_raised": plain,
        "seats_added": seats,
        "discount_raised": plain,
        "edited_unsigned": plain,
    }
    for variant, each in ground.choose(count, pools, subscription_of):
        at = ground.days_ago(5, 20)
        signed = {} if variant == "edited_unsigned" else {"Effective_At__c": stamp(at)}
        edit_line(ground, each, at, _amended(variant, each) | signed)
        is_of_units = variant == "seats_added"
        _close(ground, each, variant, is_of_units=is_of_units, is_signed=bool(signed))


def plant_changed_in_billing(ground: Ground, count: int) -> None:
    """CON-AMD-02: price or units of an item change in billing, and nothing was signed."""
    invoiced = _last_invoices(ground)
    amended = {row["ParentId"]: row["CreatedDate"] for row in _histories(ground)}
    plain = [
        each
        for each in _plain(sold_lines(ground))
        if _was_right(ground, each, invoiced, amended.get(each.line["Id"], ""))
    ]
    seats = [each for each in plain if _quantity(each) >= _LEAST_SEATS]
    pools = {
        "price_lowered": plain,
        "seats_removed": seats,
        "price_raised": plain,
        "seats_added": seats,
    }
    for variant, each in ground.choose(count, pools, subscription_of):
        first, *others = [item for item in _items(each) if item["id"] in each.items]
        if variant.startswith("price"):
            price = _priced(ground, first["price"], _LOWERED if "low" in variant else _RAISED)
            changed = [item | {"price": price} for item in (first, *others)]
        else:
            changed = [first | {"quantity": _other_units(first, variant)}]
        _tell(ground, each, changed)
        ground.claim(each.who, f"invoice:{invoiced[each.subscription_id]['id']}")
        _close(ground, each, variant, is_of_units=variant.startswith("seats"), is_signed=True)


def _plain(sold: Iterable[Sold]) -> list[Sold]:
    return [each for each in sold if each.sku not in TIERED_BY_SKU and is_worth(each)]


def _quantity(sold: Sold) -> int:
    return int(Decimal(sold.line["Quantity__c"]))


def _items(sold: Sold) -> list[Record]:
    items: list[Record] = sold.subscription["items"]["data"]
    return items


def _amended(variant: str, sold: Sold) -> Record:
    """What the line says from now on."""
    if variant == "seats_added":
        return {"Quantity__c": str(_quantity(sold) + 3)}
    if variant == "discount_raised":
        return {"Discount_Percent__c": str(Decimal(sold.line["Discount_Percent__c"]) + _MORE_OFF)}
    minor = Decimal(sold.line["Unit_Price__c"]).scaleb(sold.precision)
    return {"Unit_Price__c": decimal_text(rounded(minor * _RAISED), sold.precision)}


def edit_line(ground: Ground, sold: Sold, at: int, fields: Record) -> None:
    """Save the line as a user did days ago: with the history that the CRM keeps of it."""
    before = sold.line
    edited = {**fields, "LastModifiedDate": stamp(at)}
    after = ground.change("salesforce", "Contract_Line__c", before["Id"], ground.tick(), **edited)
    for history, change in tracked_changes(TABLES["salesforce", "Contract_Line__c"], before, after):
        made = {"Id": ground.store.new_id("salesforce", history), "CreatedDate": stamp(at)}
        ground.store.put("salesforce", history, made | change, stamp=False)


def _histories(ground: Ground) -> list[Record]:
    """All saves of contract lines, the oldest first."""
    rows = ground.store.rows("salesforce", "Contract_Line__History")
    return sorted(rows, key=lambda row: str(row["CreatedDate"]))


def _last_invoices(ground: Ground) -> dict[str, Record]:
    """Subscription -> its newest invoice that is paid; those still open are for other plants."""
    invoices = [
        invoice
        for invoice in ground.store.rows("stripe", "invoice")
        if invoice["status"] == "paid" and ground.is_free(f"invoice:{invoice['id']}")
    ]
    return {billed_by(invoice): invoice for invoice in sorted(invoices, key=_made)}


def _made(invoice: Record) -> int:
    return int(invoice["created"])


def _was_right(ground: Ground, sold: Sold, invoiced: dict[str, Record], saved: str) -> bool:
    """Whether the last invoice, of the period that runs, charges the items as they stand."""
    invoice = invoiced.get(sold.subscription_id)
    if invoice is None or invoice["id"] != sold.subscription["latest_invoice"]:
        return False
    lines = {_item_of(line): line for line in invoice["lines"]["data"]}
    made = stamp(invoice["created"] - DAY)
    begun = max(sold.line["Effective_At__c"], sold.line["Start_Date__c"])
    is_quiet = max(saved, begun) < made and saved < stamp(invoice["created"] - _QUIET)
    is_old = invoice["created"] < ground.now - SETTLED_DAYS * DAY
    own = [item for item in _items(sold) if item["id"] in sold.items]
    return is_quiet and is_old and all(_charges(lines.get(item["id"]), item) for item in own)


def _item_of(line: Record) -> str | None:
    details: Record = line["parent"].get("subscription_item_details") or {}
    return details.get("subscription_item")


def _charges(line: Record | None, item: Record) -> bool:
    if line is None or not line["amount"] or line["quantity"] != item["quantity"]:
        return False
    return bool(line["pricing"]["price_details"]["price"] == item["price"]["id"])


def _priced(ground: Ground, price: Record, factor: Decimal) -> Record:
    """A price of its own for one customer, as a clerk makes it."""
    unit = rounded(Decimal(price["unit_amount_decimal"]) * factor)
    made = {"id": ground.store.new_id("stripe", "price"), "created": ground.now - 3 * DAY}
    amount = {"unit_amount": unit, "unit_amount_decimal": str(unit)}
    return ground.add("stripe", "price", price | made | amount, ground.now)


def _other_units(item: Record, variant: str) -> int:
    units = int(item["quantity"])
    return units + 2 if variant == "seats_added" or units == 1 else units - max(units // 5, 1)


def _tell(ground: Ground, sold: Sold, changed: list[Record]) -> None:
    """Change items as was done two days ago and more: billing's own event says when."""
    new = {item["id"]: item for item in changed}
    listed = sold.subscription["items"] | {"data": [new.get(i["id"], i) for i in _items(sold)]}
    before = sold.subscription
    after = ground.store.put("stripe", "subscription", before | {"items": listed}, stamp=False)
    at = ground.now - ground.rng.randrange(*_CHANGED_HOURS) * HOUR
    ground.store.note_events(notes_of(at, before, after))


def _close(ground: Ground, sold: Sold, variant: str, *, is_of_units: bool, is_signed: bool) -> None:
    """The value or the units of the line follow."""
    contract: tuple[System, str] = ("salesforce", sold.contract_id)
    subscription: tuple[System, str] = ("stripe", sold.subscription_id)
    sides = (contract, subscription) if is_signed else (subscription, contract)
    ground.freeze(sold.who, f"subscription:{sold.subscription_id}")
    ground.planted(*sides, attribute=f"mrr:{sold.sku}", variant=variant)
    ground.follows(
        "SUB-QTY-01" if is_of_units else "CON-AMT-01",
        contract,
        subscription,
        attribute=f"{'quantity' if is_of_units else 'mrr_at_contract_quantity'}:{sold.sku}",
        variant=variant,
        caused_by=sides[0][1],
    )
