"""What is sold by use: a meter counts it, each period is billed when it is over.

Some customers of the web have it beside their seats. The programs of a customer tell Stripe what
was used, once or twice a day; a part of it is told hours late, but never after its period.
"""

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal

from extractors.sandbox.reference import CALLS, MeteredProduct
from extractors.sandbox.tables import Record
from extractors.sandbox.world.moments import DAY, HOUR, MINUTE, boundary, moment
from extractors.sandbox.world.prices import add_product
from extractors.sandbox.world.rated import billed_parts, tier
from extractors.sandbox.world.state import Deal, SoldLine, Subscribed, World

EVENT = "billing.meter_event"

_FIRST_NUMBER = 40
"""Companies below it are the cast and those near it: nothing new happens to them."""
_EVERY, _AT_ANY_TIME = 15, 60
"""Every fifteenth company, which is every third of the web; every sixtieth begins at any time of
the day, the others at midnight UTC, so that no day belongs to two periods."""
_CALLS = ((80, 400), (300, 1_500), (1_200, 5_000))
_QUIET_DAY, _WEEKEND, _TOLD_LATE = 0.06, 0.3, 0.15
_SATURDAY = 5


def add_metered_catalogue(world: World, at: int) -> None:
    """The product in the CRM and in billing, its meter, and a price for each currency."""
    records, product = world.records, CALLS
    add_product(world, product, at)
    meter = {
        "id": records.new_id("stripe", "billing.meter"),
        "display_name": product.name,
        "event_name": product.event_name,
        "default_aggregation": {"formula": "sum"},
    }
    records.add("stripe", "billing.meter", meter, at)
    for currency in product.tiers:
        _add_price(world, at, product, currency, meter["id"])


def _add_price(
    world: World, at: int, product: MeteredProduct, currency: str, meter: object
) -> None:
    price = world.records.new_id("stripe", "price")
    world.facts.prices[_key(product.sku, currency)] = price
    tiers = [tier(up_to, unit) for up_to, unit in product.tiers[currency]]
    terms = {"unit_amount": None, "unit_amount_decimal": tiers[0]["unit_amount_decimal"]}
    if len(tiers) > 1:
        terms = {"billing_scheme": "tiered", "tiers_mode": "graduated", "tiers": tiers}
    recurring = {"interval": "month", "interval_count": 1, "usage_type": "metered", "meter": meter}
    fields = {
        "id": price,
        "product": world.facts.products[product.sku]["stripe"],
        "currency": currency.lower(),
        "recurring": recurring,
        "active": True,
        **terms,
    }
    world.records.add("stripe", "price", fields, at)


def _key(sku: str, currency: str) -> str:
    return f"{sku}|{currency}|metered"


def with_usage(deal: Deal) -> Deal:
    """The purchase of some companies, which is by the month then and begins without a trial."""
    number = deal.company
    if number < _FIRST_NUMBER or number % _EVERY != _EVERY - 1:
        return deal
    starts = deal.starts_at - deal.starts_at % MINUTE
    if number % _AT_ANY_TIME != _AT_ANY_TIME - 1:
        starts += DAY - starts % DAY
    lines = [*deal.lines, SoldLine(CALLS.sku, 0, 0)]
    begun = replace(deal, signed_at=starts, starts_at=starts, provision_at=starts)
    return replace(begun, lines=lines, interval=1, trial_until=None)


def metered_price(world: World, sku: str, currency: str) -> Record | None:
    """The Stripe price of a product that is sold by use; None for any other."""
    known = world.facts.prices.get(_key(sku, currency))
    return world.records.need("stripe", "price", known) if known else None


def is_metered(item: Record) -> bool:
    return (item["price"].get("recurring") or {}).get("usage_type") == "metered"


def plan_usage(world: World, at: int, course: Subscribed) -> None:
    """The customer begins to use what it has."""
    record = world.records.need("stripe", "subscription", course.id)
    if any(is_metered(item) for item in record["items"]["data"]):
        world.schedule(at + HOUR, "use", subscription=course.id)


def use(world: World, at: int, subscription: str) -> None:
    """What was used since the last time is told, and when the next will be."""
    course = world.facts.subscriptions[subscription]
    who = world.company(course.company)
    is_frozen = world.is_frozen("subscription", subscription) or world.is_frozen(
        "company", who.number
    )
    if not course.is_live or is_frozen:
        return
    rng = world.rng("use", subscription, at // DAY)
    if rng.random() >= _QUIET_DAY:
        share = _WEEKEND if moment(at).weekday() >= _SATURDAY else 1
        calls = int(rng.randrange(*_CALLS[who.number // _EVERY % len(_CALLS)]) * share)
        _tell(world, at, course, calls, used_at=at - rng.randrange(MINUTE))
        if rng.random() < _TOLD_LATE:
            late = at - rng.randrange(2 * HOUR, 60 * HOUR)
            _tell(world, at, course, calls // 7, used_at=late)
    tomorrow = at - at % DAY + DAY
    world.schedule(tomorrow + rng.randrange(HOUR, DAY), "use", subscription=subscription)


def _tell(world: World, at: int, course: Subscribed, calls: int, *, used_at: int) -> None:
    """One meter event; what was used before the period is billed already and not told any more."""
    record = world.records.need("stripe", "subscription", course.id)
    starts = max(i["current_period_start"] for i in record["items"]["data"] if is_metered(i))
    key = world.records.new_id("stripe", EVENT)
    payload = {"stripe_customer_id": record["customer"], "value": str(calls)}
    fields = {
        "id": key,
        "customer": record["customer"],
        "event_name": CALLS.event_name,
        "identifier": f"use-{key}",
        "payload": payload,
        "timestamp": max(used_at, starts),
    }
    world.records.add("stripe", EVENT, fields, at)


def billable(world: World, course: Subscribed, item: Record, at: int) -> Iterator[Record]:
    """An item as an invoice of the instant `at` bills it: usage of the period that ended then."""
    if not is_metered(item):
        yield from billed_parts(item)
        return
    start = item["current_period_start"]
    if start == at:
        if course.cycle < 1:
            return
        start = boundary(course.anchor, course.anchor_day, (course.cycle - 1) * course.interval)
    calls = sum(used_between(world, course, start, at).values())
    period = {"current_period_start": start, "current_period_end": at}
    if calls:
        yield from billed_parts(item | period | {"quantity": calls})


def used_between(world: World, course: Subscribed, start: int, end: int) -> dict[int, int]:
    """Calls by the midnight (UTC) of their day."""
    customer = world.records.need("stripe", "subscription", course.id)["customer"]
    by_day: dict[int, int] = {}
    for event in world.records.rows("stripe", EVENT, customer=customer):
        at = event["timestamp"]
        if start <= at < end and event["event_name"] == CALLS.event_name:
            value = int(Decimal(event["payload"]["value"]))
            by_day[at - at % DAY] = by_day.get(at - at % DAY, 0) + value
    return dict(sorted(by_day.items()))
