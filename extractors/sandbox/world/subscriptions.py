"""What happens to Stripe customers and subscriptions between their start and their end."""

from decimal import Decimal
from typing import Any

from extractors.sandbox.reference import CURRENCIES, PRODUCT_BY_SKU
from extractors.sandbox.tables import Record
from extractors.sandbox.world.contracts import schedule_copy
from extractors.sandbox.world.invoices import begin_invoice, finalize
from extractors.sandbox.world.metered import is_metered, metered_price, plan_usage
from extractors.sandbox.world.moments import DAY, HOUR, MINUTE, boundary, copy_lag, moment
from extractors.sandbox.world.names import TAX_ID_TYPES, spelled
from extractors.sandbox.world.prices import Charged, price_for, unit_for
from extractors.sandbox.world.ramps import (
    cancel_schedule,
    first_lines,
    follow_items,
    plan_phases,
)
from extractors.sandbox.world.rated import is_tiered, tiered_price
from extractors.sandbox.world.state import Company, Deal, SoldLine, Subscribed, World

_DRAFT_SECONDS = HOUR


def provision(world: World, at: int, deal: dict[str, Any]) -> None:
    """A signed deal or a web purchase enters billing: customer, subscription, first invoice."""
    sold = Deal.load(deal)
    who = world.company(sold.company)
    if world.is_frozen("company", who.number):
        return
    customer = who.customers.get(sold.currency) or _add_customer(world, who, sold.currency, at)
    course = _add_subscription(world, who, sold, customer, at)
    world.facts.subscriptions[course.id] = course
    plan_phases(world, at, course, sold)
    if sold.contract_id is not None:
        lag = copy_lag(at, world.rng("crm_subscription", course.id))
        world.schedule(at + lag, "copy_status", subscription=course.id)
    world.schedule(_period_end(course), "renew", subscription=course.id)
    plan_usage(world, at, course)
    invoice = begin_invoice(world, course, at, is_free=sold.trial_until is not None)
    finalize(world, at, invoice)


def _add_customer(world: World, who: Company, currency: str, at: int) -> str:
    records = world.records
    customer = records.new_id("stripe", "customer")
    tax_ids = [
        {
            "id": records.new_id("stripe", "tax_id"),
            "object": "tax_id",
            "type": TAX_ID_TYPES[who.entity],
            "value": who.tax_id,
        }
    ]
    metadata = {"channel": who.channel, "legal_entity": who.entity}
    if who.account_id:
        metadata["crm_account_id"] = who.account_id
    if who.erp_id:
        metadata["netsuite_customer_id"] = who.erp_id
    fields = {
        "id": customer,
        "name": spelled(who.name, who.number % 5),
        "email": who.email,
        "address": {
            "line1": who.street,
            "city": who.city,
            "postal_code": who.postal_code,
            "country": who.country,
        },
        "currency": currency.lower(),
        "tax_ids": _listed(tax_ids if who.tax_id else []),
        "metadata": metadata,
    }
    records.add("stripe", "customer", fields, at)
    who.customers[currency] = customer
    rng = world.rng("customer", customer)
    if len(who.customers) == 1:
        world.schedule(at + rng.randrange(90, 300), "erp_customer", company=who.number)
    if who.account_id and len(who.customers) == 1:
        world.schedule(at + rng.randrange(30, 600), "link_account", company=who.number)
    return customer


def _listed(data: list[Record]) -> Record:
    return {"object": "list", "data": data, "has_more": False}


def _add_subscription(world: World, who: Company, deal: Deal, customer: str, at: int) -> Subscribed:
    records = world.records
    subscription = records.new_id("stripe", "subscription")
    trial = deal.trial_until
    anchor = trial or at
    course = Subscribed(
        id=subscription,
        company=who.number,
        anchor=anchor,
        anchor_day=deal.anchor_day or moment(anchor).day,
        interval=deal.interval,
        cycle=-1 if trial else 0,
        contract_id=deal.contract_id,
    )
    period = (at, _period_end(course))
    by_card = who.pay_by == "card"
    fields: Record = {
        "id": subscription,
        "customer": customer,
        "status": "trialing" if trial else "active",
        "currency": deal.currency.lower(),
        "items": _listed(
            [item for line in first_lines(deal) for item in _items(world, deal, line, period)]
        ),
        "start_date": at,
        "cancel_at_period_end": False,
        "canceled_at": None,
        "ended_at": None,
        "trial_end": trial,
        "pause_collection": None,
        "discounts": [],
        "collection_method": "charge_automatically" if by_card else "send_invoice",
        "days_until_due": None if by_card else who.terms,
        "latest_invoice": records.new_id("stripe", "invoice"),
        "metadata": _metadata(who, deal),
    }
    records.add("stripe", "subscription", fields, at)
    return course


def _metadata(who: Company, deal: Deal) -> dict[str, str]:
    metadata = {"legal_entity": who.entity, "channel": who.channel}
    if deal.contract_id and deal.opportunity_id:
        metadata |= {
            "crm_contract_id": deal.contract_id,
            "crm_opportunity_id": deal.opportunity_id,
            "q2c_correlation_id": f"q2c_{deal.opportunity_id}",
        }
    return metadata


def _items(world: World, deal: Deal, line: SoldLine, period: tuple[int, int]) -> list[Record]:
    """One item for a line, two where the customer wants its seats billed in two groups."""
    parts = [line.quantity]
    if line.is_split:
        parts = [line.quantity - line.quantity // 3, line.quantity // 3]
    unit = unit_for(Decimal(line.unit_minor), line.period, deal.interval)
    price = (
        metered_price(world, line.sku, deal.currency)
        or tiered_price(world, line.sku, deal.currency)
        or price_for(world, Charged(line.sku, deal.currency, deal.interval, unit), period[0])
    )
    return [_item(world, price, quantity, line, period) for quantity in parts]


def _item(
    world: World, price: Record, quantity: int, line: SoldLine, period: tuple[int, int]
) -> Record:
    new_id = world.records.new_id
    item = new_id("stripe", "subscription_item")
    line_id = line.contract_line_id
    sold: Record = {"price": price}
    if not is_metered(sold):
        sold["quantity"] = quantity
    return {
        "id": item,
        "object": "subscription_item",
        **sold,
        "created": period[0],
        "metadata": {"crm_contract_line_id": line_id} if line_id else {},
        "current_period_start": period[0],
        "current_period_end": period[1],
        "discounts": discounts(world, line.discount, period[0]),
    }


def discounts(world: World, percent: str, at: int) -> list[Record]:
    """Stripe's discount objects for a percentage; none for nought."""
    if not Decimal(percent):
        return []
    coupon = _coupon(world, percent, at)
    return [
        {
            "id": world.records.new_id("stripe", "discount"),
            "object": "discount",
            "source": {"type": "coupon", "coupon": coupon},
            "start": at,
            "end": None,
        }
    ]


def _coupon(world: World, percent: str, at: int) -> Record:
    """The coupon of a percentage; made when it is new."""
    key = f"NEGOTIATED-{percent}"
    known = world.records.get("stripe", "coupon", key)
    if known is not None:
        return known
    exact = Decimal(percent)
    off = int(exact) if exact == exact.to_integral_value() else exact
    fields = {"id": key, "duration": "forever", "name": f"{percent} %", "percent_off": off}
    return world.records.add("stripe", "coupon", fields, at)


def _period_end(course: Subscribed) -> int:
    return boundary(course.anchor, course.anchor_day, (course.cycle + 1) * course.interval)


def _is_idle(world: World, course: Subscribed) -> bool:
    """Whether nothing more may happen to a subscription."""
    return (
        not course.is_live
        or world.is_frozen("subscription", course.id)
        or world.is_frozen("company", course.company)
    )


def renew(world: World, at: int, subscription: str) -> None:
    """A period ends: the subscription does too, or the next period is invoiced."""
    course = world.facts.subscriptions[subscription]
    if _is_idle(world, course):
        return
    record = world.records.need("stripe", "subscription", subscription)
    if record["cancel_at_period_end"]:
        _bill_last_usage(world, at, course)
        _end(world, at, course)
        return
    course.cycle += 1
    period = {"current_period_start": at, "current_period_end": _period_end(course)}
    items: list[Record] = [item | period for item in record["items"]["data"]]
    was_on_trial = record["status"] == "trialing"
    fields: Record = {"items": _listed(items)} | ({"status": "active"} if was_on_trial else {})
    fields["latest_invoice"] = world.records.new_id("stripe", "invoice")
    world.records.change("stripe", "subscription", subscription, at, **fields)
    if was_on_trial:
        schedule_copy(world, at, subscription)
    world.schedule(period["current_period_end"], "renew", subscription=subscription)
    invoice = begin_invoice(world, course, at)
    world.schedule(at + _DRAFT_SECONDS, "finalize", invoice=invoice)


def _bill_last_usage(world: World, at: int, course: Subscribed) -> None:
    """What was used in the last period is billed when it is over."""
    record = world.records.need("stripe", "subscription", course.id)
    if any(is_metered(item) for item in record["items"]["data"]):
        latest = world.records.new_id("stripe", "invoice")
        world.records.change("stripe", "subscription", course.id, at, latest_invoice=latest)
        invoice = begin_invoice(world, course, at, is_last=True)
        world.schedule(at + _DRAFT_SECONDS, "finalize", invoice=invoice)


def request_cancel(world: World, at: int, subscription: str) -> None:
    """The customer leaves at the end of the period that it has paid for."""
    course = world.facts.subscriptions[subscription]
    if not _is_idle(world, course):
        world.records.change(
            "stripe", "subscription", subscription, at, cancel_at_period_end=True, canceled_at=at
        )


def terminate(world: World, at: int, subscription: str) -> None:
    """The subscription ends at once."""
    course = world.facts.subscriptions[subscription]
    if not _is_idle(world, course):
        _end(world, at, course)


def _end(world: World, at: int, course: Subscribed) -> None:
    record = world.records.need("stripe", "subscription", course.id)
    asked_at = record["canceled_at"] or at
    world.records.change(
        "stripe",
        "subscription",
        course.id,
        at,
        status="canceled",
        ended_at=at,
        canceled_at=asked_at,
    )
    course.is_live = False
    cancel_schedule(world, at, course)
    schedule_copy(world, at, course.id)
    if course.contract_id is not None:
        lag = copy_lag(at, world.rng("close_contract", course.id)) + 20 * MINUTE
        world.schedule(at + lag, "close_contract", contract=course.contract_id)


def pause(world: World, at: int, subscription: str, days: int) -> None:
    """Collection stops for a while: invoices of the time are void as soon as they are made."""
    course = world.facts.subscriptions[subscription]
    record = world.records.need("stripe", "subscription", subscription)
    if _is_idle(world, course) or record["status"] != "active" or record["pause_collection"]:
        return
    resumes_at = at + days * DAY
    paused = {"behavior": "void", "resumes_at": resumes_at}
    world.records.change("stripe", "subscription", subscription, at, pause_collection=paused)
    schedule_copy(world, at, subscription)
    world.schedule(resumes_at, "resume", subscription=subscription)


def resume(world: World, at: int, subscription: str) -> None:
    course = world.facts.subscriptions[subscription]
    if not _is_idle(world, course):
        world.records.change("stripe", "subscription", subscription, at, pause_collection=None)
        schedule_copy(world, at, subscription)


def set_standing(world: World, at: int, subscription: str, status: str) -> None:
    """Billing finds a payment late, or the last late one paid ('past_due', 'active')."""
    course = world.facts.subscriptions[subscription]
    record = world.records.need("stripe", "subscription", subscription)
    known = record["status"] in {"active", "past_due"} and record["status"] != status
    if known and not _is_idle(world, course):
        world.records.change("stripe", "subscription", subscription, at, status=status)
        schedule_copy(world, at, subscription)


def sync_items(world: World, at: int, subscription: str) -> None:
    """Carry the contract's quantities and prices, as they stand now, into billing."""
    course = world.facts.subscriptions[subscription]
    if _is_idle(world, course) or course.contract_id is None:
        return
    record = world.records.need("stripe", "subscription", subscription)
    lines = {
        line["Id"]: line
        for line in world.records.rows(
            "salesforce", "Contract_Line__c", Contract__c=course.contract_id
        )
    }
    items = [_synced(world, course, item, lines, at) for item in record["items"]["data"]]
    _distribute(items, lines)
    world.records.change("stripe", "subscription", subscription, at, items=_listed(items))
    follow_items(world, at, subscription)


def _synced(
    world: World, course: Subscribed, item: Record, lines: dict[str, Record], at: int
) -> Record:
    if is_tiered(item["price"]):
        return item
    line = lines[item["metadata"]["crm_contract_line_id"]]
    currency = line["CurrencyIsoCode"]
    minor = Decimal(line["Unit_Price__c"]).scaleb(CURRENCIES[currency].precision)
    unit = unit_for(minor, line["Price_Period__c"], course.interval)
    sku = _sku(world, line["Product__c"])
    return item | {"price": price_for(world, Charged(sku, currency, course.interval, unit), at)}


def _sku(world: World, product: str) -> str:
    products = world.facts.products
    return next(sku for sku in PRODUCT_BY_SKU if products[sku]["salesforce"] == product)


def _distribute(items: list[Record], lines: dict[str, Record]) -> None:
    """Give the first item of each line that is billed what its other items leave over."""
    for line_id, line in lines.items():
        serving = [i for i in items if i["metadata"]["crm_contract_line_id"] == line_id]
        if not serving:
            continue
        first, *others = serving
        wanted = int(Decimal(line["Quantity__c"]))
        if others and wanted <= sum(item["quantity"] for item in others):
            for item in others:
                item["quantity"] = 1
        first["quantity"] = wanted - sum(item["quantity"] for item in others)
