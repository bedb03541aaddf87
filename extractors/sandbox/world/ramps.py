"""Ramp deals: quantity or price rises step by step, and billing plans it as phases of a schedule.

A step is a line of the contract with an interval of its own; the phase that bills it begins with a
billing period, on the first day of the line.
"""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from random import Random

from extractors.sandbox.tables import Record
from extractors.sandbox.world.moments import boundary, local_date, moment
from extractors.sandbox.world.prices import Charged, price_for, unit_for
from extractors.sandbox.world.rated import tiered_price
from extractors.sandbox.world.state import Company, Deal, SoldLine, Subscribed, World

_FIRST_NUMBER = 40
"""Companies below it are the cast and those near it: nothing new happens to them."""
_RAMPED = 0.12
_STEP_MONTHS = (6, 6, 8, 12)
_STEPS = 3
_TERM = 24
_MORE = (100, 140, 190)
_DEARER = (80, 90, 100)
_FEWEST = 6


def ramped(world: World, deal: Deal) -> Deal:
    """Some of the deals of chance become ramps; all others are left as they are."""
    rng = world.rng("ramp", deal.company)
    is_fit = deal.interval == 1 and deal.lines[0].quantity >= _FEWEST
    if deal.company < _FIRST_NUMBER or not is_fit or rng.random() >= _RAMPED:
        return deal
    first, *others = (replace(line, is_split=False) for line in deal.lines)
    return replace(deal, term=_TERM, lines=[*_steps(first, rng), *others])


def _steps(line: SoldLine, rng: Random) -> list[SoldLine]:
    months = rng.choice(_STEP_MONTHS)
    by_price = rng.random() < 1 / 2
    steps = []
    for place in range(_STEPS):
        is_last = place == _STEPS - 1
        step = replace(line, first_month=place * months, months=None if is_last else months)
        if by_price:
            step.unit_minor = line.unit_minor * _DEARER[place] // 100
        else:
            step.quantity = line.quantity * _MORE[place] // 100
        steps.append(step)
    return steps


def first_lines(deal: Deal) -> list[SoldLine]:
    """What is billed from the start."""
    return [line for line in deal.lines if not line.first_month]


def interval_of(who: Company, deal: Deal, line: SoldLine) -> Record:
    """First and last day of a step; nothing for lines that last as long as their contract."""
    days = {}
    if line.first_month:
        days["Start_Date__c"] = _first_day(who, deal, line.first_month).isoformat()
    if line.months is not None:
        after = _first_day(who, deal, line.first_month + line.months)
        days["End_Date__c"] = (after - timedelta(days=1)).isoformat()
    return days


def _first_day(who: Company, deal: Deal, month: int) -> date:
    return local_date(_instant(deal, month), who.legal_entity.timezone)


def _instant(deal: Deal, month: int) -> int:
    return boundary(deal.starts_at, _anchor_day(deal), month)


def _anchor_day(deal: Deal) -> int:
    return deal.anchor_day or moment(deal.starts_at).day


def plan_phases(world: World, at: int, course: Subscribed, deal: Deal) -> None:
    """Lay a schedule over the subscription of a ramp deal."""
    cuts = sorted({line.first_month for line in deal.lines})
    if len(cuts) == 1:
        return
    records = world.records
    subscription = records.need("stripe", "subscription", course.id)
    schedule = records.new_id("stripe", "subscription_schedule")
    starts = [_instant(deal, month) for month in (*cuts, deal.term)]
    phases = [
        {**_span(starts, place), **_phase(world, at, deal, month)}
        for place, month in enumerate(cuts)
    ]
    fields = {
        "id": schedule,
        "customer": subscription["customer"],
        "subscription": course.id,
        "status": "active",
        "end_behavior": "release",
        "phases": phases,
        "current_phase": _current(phases[0]),
        "metadata": dict(subscription["metadata"]),
    }
    records.add("stripe", "subscription_schedule", fields, at)
    records.change("stripe", "subscription", course.id, at, schedule=schedule)
    for place, phase in enumerate(phases[1:], 1):
        world.schedule(phase["start_date"], "begin_phase", schedule=schedule, place=place)
    world.schedule(starts[-1], "end_schedule", schedule=schedule)


def _current(phase: Record) -> Record:
    return {name: phase[name] for name in ("start_date", "end_date")}


def _span(starts: list[int], place: int) -> Record:
    return {"start_date": starts[place], "end_date": starts[place + 1]}


def _phase(world: World, at: int, deal: Deal, month: int) -> Record:
    lines = [line for line in deal.lines if _is_in_force(line, month)]
    return {
        "currency": deal.currency.lower(),
        "proration_behavior": "none",
        "items": [_phase_item(world, at, deal, line) for line in lines],
    }


def _is_in_force(line: SoldLine, month: int) -> bool:
    is_over = line.months is not None and line.first_month + line.months <= month
    return line.first_month <= month and not is_over


def _phase_item(world: World, at: int, deal: Deal, line: SoldLine) -> Record:
    unit = unit_for(Decimal(line.unit_minor), line.period, deal.interval)
    price = tiered_price(world, line.sku, deal.currency) or price_for(
        world, Charged(line.sku, deal.currency, deal.interval, unit), at
    )
    coupon = {"coupon": f"NEGOTIATED-{line.discount}", "discount": None, "promotion_code": None}
    return {
        "price": price["id"],
        "quantity": line.quantity,
        "metadata": {"crm_contract_line_id": line.contract_line_id},
        "discounts": [coupon] if Decimal(line.discount) else [],
    }


def begin_phase(world: World, at: int, schedule: str, place: int) -> None:
    """The next step is in force: the items that it names take its price and quantity."""
    plan = world.records.need("stripe", "subscription_schedule", schedule)
    subscription = plan["subscription"]
    if plan["status"] != "active" or world.is_frozen("subscription", subscription):
        return
    phase = plan["phases"][place]
    record = world.records.need("stripe", "subscription", subscription)
    named = [_named(world, item) for item in phase["items"]]
    items = [_stepped(item, named) for item in record["items"]["data"]]
    listed = record["items"] | {"data": items}
    world.records.change("stripe", "subscription", subscription, at, items=listed)
    now = _current(phase)
    world.records.change("stripe", "subscription_schedule", schedule, at, current_phase=now)


def _named(world: World, item: Record) -> Record:
    price = world.records.need("stripe", "price", item["price"])
    return {"price": price} | {name: item[name] for name in ("quantity", "metadata")}


def _stepped(item: Record, named: list[Record]) -> Record:
    """An item as the phase has it; one that the phase does not know stays."""
    product = item["price"]["product"]
    return item | next((new for new in named if new["price"]["product"] == product), {})


def follow_items(world: World, at: int, subscription: str) -> None:
    """What was amended on the subscription holds for the phase that runs and for those to come."""
    record = world.records.need("stripe", "subscription", subscription)
    plan = _running(world, record)
    if plan is None:
        return
    phases = [
        _followed(phase, record) if phase["end_date"] > at else phase for phase in plan["phases"]
    ]
    world.records.change("stripe", "subscription_schedule", plan["id"], at, phases=phases)


def _followed(phase: Record, subscription: Record) -> Record:
    serving = {i["metadata"]["crm_contract_line_id"]: i for i in subscription["items"]["data"]}
    items = []
    for item in phase["items"]:
        now = serving.get(item["metadata"]["crm_contract_line_id"])
        known = {"price": now["price"]["id"], "quantity": now["quantity"]} if now else {}
        items.append(item | known)
    return phase | {"items": items}


def _running(world: World, subscription: Record) -> Record | None:
    schedule = subscription.get("schedule")
    plan = world.records.get("stripe", "subscription_schedule", schedule) if schedule else None
    return plan if plan and plan["status"] == "active" else None


def extend_schedule(world: World, at: int, course: Subscribed, months: int) -> None:
    """The contract was renewed: its last phase lasts as much longer."""
    record = world.records.need("stripe", "subscription", course.id)
    plan = _running(world, record)
    if plan is None:
        return
    *others, last = plan["phases"]
    longer = last | {"end_date": boundary(last["end_date"], course.anchor_day, months)}
    fields: Record = {"phases": [*others, longer]}
    if plan["current_phase"] == _current(last):
        fields["current_phase"] = _current(longer)
    world.records.change("stripe", "subscription_schedule", plan["id"], at, **fields)


def end_schedule(world: World, at: int, schedule: str) -> None:
    """The last phase is over: the schedule lets its subscription go, which goes on as it is."""
    plan = world.records.need("stripe", "subscription_schedule", schedule)
    if plan["status"] != "active" or world.is_frozen("subscription", plan["subscription"]):
        return
    ends = plan["phases"][-1]["end_date"]
    if ends > at:
        world.schedule(ends, "end_schedule", schedule=schedule)
        return
    fields = {
        "status": "released",
        "released_at": at,
        "released_subscription": plan["subscription"],
        "subscription": None,
        "current_phase": None,
    }
    world.records.change("stripe", "subscription_schedule", schedule, at, **fields)
    world.records.change("stripe", "subscription", plan["subscription"], at, schedule=None)


def cancel_schedule(world: World, at: int, course: Subscribed) -> None:
    """The subscription has ended, and what was planned for it with it."""
    plan = _running(world, world.records.need("stripe", "subscription", course.id))
    if plan is not None:
        fields = {"status": "canceled", "canceled_at": at, "current_phase": None}
        world.records.change("stripe", "subscription_schedule", plan["id"], at, **fields)
