"""CON-RAMP-01: a step of a ramp was signed, and billing plans no phase for it, or another one."""

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

from extractors.sandbox.amounts import rounded
from extractors.sandbox.drift.ground import Ground
from extractors.sandbox.drift.sold_lines import Sold, is_worth, sold_lines, subscription_of
from extractors.sandbox.reference import TIERED_BY_SKU
from extractors.sandbox.tables import Record
from extractors.sandbox.world.contracts import stamp
from extractors.sandbox.world.moments import DAY, add_months, epoch, local_date

_MORE_UNITS = 4
_LOWERED = Decimal("0.91")
_LATE_MONTHS = 1
_SOON = 3 * DAY


def plant_other_phase(ground: Ground, count: int) -> None:
    """A step that lies ahead is not planned, dropped, or another one; or one has not begun."""
    plain = [each for each in sold_lines(ground) if _is_plain(ground, each)]
    variants = (
        "not_planned",
        "phase_dropped",
        "other_quantity",
        "other_price",
        "phase_late",
        "not_begun",
    )
    for variant, each in ground.choose(count, dict.fromkeys(variants, plain), subscription_of):
        starts = _first_day(ground, each, variant)
        step = _sign_step(ground, each, starts)
        if variant != "not_planned":
            _plan(ground, each, step, variant)
        ground.freeze(each.who, f"subscription:{each.subscription_id}")
        _close(ground, each, step, variant)


def _is_plain(ground: Ground, sold: Sold) -> bool:
    """Whether a line is billed by one item a month, to the end of a contract without phases."""
    items = sold.subscription["items"]["data"]
    is_monthly = all(item["price"]["recurring"]["interval"] == "month" for item in items)
    is_counted = all("quantity" in item and item["quantity"] for item in items)
    contract = ground.store.get("salesforce", "Contract", sold.contract_id)
    assert contract is not None
    return (
        is_monthly
        and is_counted
        and len(sold.items) == 1
        and sold.sku not in TIERED_BY_SKU
        and is_worth(sold)
        and not sold.subscription.get("schedule")
        and not sold.line["Co_Termed__c"]
        and sold.line["End_Date__c"] == contract["EndDate"]
        and sold.line["Start_Date__c"] == contract["StartDate"]
    )


def _item(sold: Sold) -> Record:
    items: list[Record] = sold.subscription["items"]["data"]
    return next(item for item in items if item["id"] in sold.items)


def _first_day(ground: Ground, sold: Sold, variant: str) -> date:
    """With the next period or the one after; or a few days ago."""
    zone = sold.who.legal_entity.timezone
    if variant == "not_begun":
        return local_date(ground.days_ago(5, 15), zone)
    ends = local_date(_item(sold)["current_period_end"], zone)
    is_near = ends <= local_date(ground.now + _SOON, zone)
    return add_months(ends, 1 if is_near else ground.rng.randrange(2))


def _sign_step(ground: Ground, sold: Sold, starts: date) -> Record:
    """The line ends where one with more units begins, which was signed days ago."""
    at, line = ground.tick(), sold.line
    last = (starts - timedelta(days=1)).isoformat()
    ground.change("salesforce", "Contract_Line__c", line["Id"], at, End_Date__c=last)
    signed = stamp(ground.now - 20 * DAY)
    fields = {
        "Id": ground.store.new_id("salesforce", "Contract_Line__c"),
        "Quantity__c": str(int(Decimal(line["Quantity__c"])) + _MORE_UNITS),
        "Start_Date__c": starts.isoformat(),
        "Effective_At__c": signed,
        "CreatedDate": signed,
        "LastModifiedDate": signed,
    }
    return ground.add("salesforce", "Contract_Line__c", line | fields, at)


def _noon(day: date) -> int:
    """An instant of a day that is the same day wherever we sell."""
    return epoch(datetime.combine(day, time(12), UTC))


def _plan(ground: Ground, sold: Sold, step: Record, variant: str) -> None:
    """A schedule over the subscription: as it bills now, then the step."""
    at = ground.tick()
    starts = date.fromisoformat(step["Start_Date__c"])
    late = variant in {"phase_late", "not_begun"}
    begins = _noon(add_months(starts, _LATE_MONTHS) if late else starts)
    ends = _noon(date.fromisoformat(step["End_Date__c"]) + timedelta(days=1))
    now = [_phase_item(item) for item in sold.subscription["items"]["data"]]
    spans = [(_item(sold)["current_period_start"], begins, now)]
    if variant == "phase_dropped":
        spans = [(spans[0][0], ends, now)]
    else:
        then = _step_item(ground, sold, step, variant, at)
        later = [
            then if item["metadata"] == _phase_item(_item(sold))["metadata"] else item
            for item in now
        ]
        spans.append((begins, ends, later))
    phases = [
        {
            "start_date": first,
            "end_date": last,
            "currency": sold.subscription["currency"],
            "proration_behavior": "none",
            "items": items,
        }
        for first, last, items in spans
    ]
    plan = {
        "id": ground.store.new_id("stripe", "subscription_schedule"),
        "customer": sold.subscription["customer"],
        "subscription": sold.subscription_id,
        "status": "active",
        "end_behavior": "release",
        "phases": phases,
        "current_phase": {name: phases[0][name] for name in ("start_date", "end_date")},
        "metadata": dict(sold.subscription["metadata"]),
    }
    ground.add("stripe", "subscription_schedule", plan, at)
    ground.change("stripe", "subscription", sold.subscription_id, at, schedule=plan["id"])


def _phase_item(item: Record) -> Record:
    """An item as a phase names it."""
    coupons = [discount["source"]["coupon"]["id"] for discount in item["discounts"]]
    return {
        "price": item["price"]["id"],
        "quantity": item["quantity"],
        "metadata": dict(item["metadata"]),
        "discounts": [
            {"coupon": coupon, "discount": None, "promotion_code": None} for coupon in coupons
        ],
    }


def _step_item(ground: Ground, sold: Sold, step: Record, variant: str, at: int) -> Record:
    agreed = int(Decimal(step["Quantity__c"]))
    item = _phase_item(_item(sold)) | {
        "quantity": agreed - 1 if variant == "other_quantity" else agreed,
        "metadata": {"crm_contract_line_id": step["Id"]},
    }
    if variant == "other_price":
        price = _item(sold)["price"]
        unit = rounded(Decimal(price["unit_amount_decimal"]) * _LOWERED)
        made: Record = {
            "id": ground.store.new_id("stripe", "price"),
            "unit_amount": unit,
            "unit_amount_decimal": str(unit),
        }
        item["price"] = ground.add("stripe", "price", price | made, at)["id"]
    return item


def _close(ground: Ground, sold: Sold, step: Record, variant: str) -> None:
    """Where the step should have begun its units are not billed yet."""
    ground.planted(
        ("salesforce", step["Id"]),
        ("stripe", sold.subscription_id),
        attribute=f"phase:{sold.sku}",
        variant=variant,
    )
    if variant == "not_begun":
        ground.follows(
            "SUB-QTY-01",
            ("salesforce", sold.contract_id),
            ("stripe", sold.subscription_id),
            attribute=f"quantity:{sold.sku}",
            variant=variant,
            caused_by=step["Id"],
        )
