"""Add-ons to running contracts: sold later, and ended with the contract that they join (co-termed).

An add-on is billed from the next billing period on, so that no part of a period is left over.
"""

from datetime import date, timedelta
from decimal import Decimal

from extractors.sandbox.amounts import decimal_text
from extractors.sandbox.reference import CURRENCIES, PRODUCT_BY_SKU
from extractors.sandbox.tables import Record
from extractors.sandbox.world.contracts import stamp
from extractors.sandbox.world.moments import DAY, MINUTE, boundary, local_date
from extractors.sandbox.world.prices import Charged, price_for
from extractors.sandbox.world.state import Company, Deal, Subscribed, World

_FIRST_NUMBER = 40
"""Companies below it are the cast and those near it: nothing new happens to them."""
_BUY_MORE = 0.18
_AFTER_DAYS = (70, 240)
_SOLD_LATER = ("FCST", "AUDT", "SNDB", "WARE", "TRNG")
_LEAST_DAYS = 75
_EARLIER = 3 * MINUTE


def plan_add_on(world: World, deal: Deal) -> None:
    """Some customers will buy more within their first year."""
    rng = world.rng("add_on", deal.company)
    is_fit = deal.interval == 1 and all(line.months is None for line in deal.lines)
    if deal.company < _FIRST_NUMBER or not is_fit or rng.random() >= _BUY_MORE:
        return
    at = deal.signed_at + rng.randrange(*_AFTER_DAYS) * DAY
    world.schedule(at, "sell_add_on", company=deal.company)


def sell_add_on(world: World, at: int, company: int) -> None:
    """A line is signed that begins with the next billing period and ends with its contract."""
    who = world.company(company)
    course = _running_course(world, who)
    if course is None or world.is_frozen("company", company):
        return
    contract = world.records.need("salesforce", "Contract", str(course.contract_id))
    starts_at = boundary(course.anchor, course.anchor_day, (course.cycle + 1) * course.interval)
    starts = local_date(starts_at, who.legal_entity.timezone)
    ends = date.fromisoformat(contract["EndDate"])
    if contract["Status"] != "Activated" or ends - starts < timedelta(days=_LEAST_DAYS):
        return
    line = _add_line(world, at, contract, starts)
    if line is not None:
        world.schedule(
            starts_at - _EARLIER, "start_add_on", subscription=course.id, line=line["Id"]
        )


def _running_course(world: World, who: Company) -> Subscribed | None:
    """The company's first subscription, where it simply runs on."""
    courses = (c for c in world.facts.subscriptions.values() if c.company == who.number)
    course = next(courses, None)
    if course is None or course.contract_id is None or not course.is_live:
        return None
    record = world.records.need("stripe", "subscription", course.id)
    is_plain = record["status"] == "active" and not record["cancel_at_period_end"]
    return course if is_plain and not world.is_frozen("subscription", course.id) else None


def _add_line(world: World, at: int, contract: Record, starts: date) -> Record | None:
    """The new line, of a product that the contract has not got."""
    rows = world.records.rows("salesforce", "Contract_Line__c", Contract__c=contract["Id"])
    held = {line["Product__c"] for line in rows}
    products = world.facts.products
    free = [sku for sku in _SOLD_LATER if products[sku]["salesforce"] not in held]
    if not free:
        return None
    rng = world.rng("add_on_line", contract["Id"])
    sku, currency = rng.choice(free), contract["CurrencyIsoCode"]
    product = PRODUCT_BY_SKU[sku]
    fields = {
        "Id": world.records.new_id("salesforce", "Contract_Line__c"),
        "Contract__c": contract["Id"],
        "Product__c": products[sku]["salesforce"],
        "Quantity__c": str(rng.randrange(5, 40) if product.is_seat else 1),
        "Unit_Price__c": decimal_text(product.monthly[currency], CURRENCIES[currency].precision),
        "Price_Period__c": "Month",
        "Discount_Percent__c": "0",
        "Start_Date__c": starts.isoformat(),
        "End_Date__c": contract["EndDate"],
        "Effective_At__c": stamp(at),
        "Co_Termed__c": True,
        "CurrencyIsoCode": currency,
    }
    return world.records.add("salesforce", "Contract_Line__c", fields, at)


def start_add_on(world: World, at: int, subscription: str, line: str) -> None:
    """The add-on is an item of the same subscription, with the same anchor."""
    course = world.facts.subscriptions[subscription]
    record = world.records.need("stripe", "subscription", subscription)
    sold = world.records.get("salesforce", "Contract_Line__c", line)
    is_over = not course.is_live or world.is_frozen("subscription", subscription)
    if is_over or world.is_frozen("company", course.company) or sold is None:
        return
    listed = record["items"]
    item = _item(world, at, course, sold, listed["data"][0])
    items = listed | {"data": [*listed["data"], item]}
    world.records.change("stripe", "subscription", subscription, at, items=items)


def _item(world: World, at: int, course: Subscribed, line: Record, beside: Record) -> Record:
    currency = line["CurrencyIsoCode"]
    minor = Decimal(line["Unit_Price__c"]).scaleb(CURRENCIES[currency].precision)
    products = world.facts.products
    sku = next(s for s, ids in products.items() if ids["salesforce"] == line["Product__c"])
    return {
        "id": world.records.new_id("stripe", "subscription_item"),
        "object": "subscription_item",
        "price": price_for(world, Charged(sku, currency, course.interval, minor), at),
        "quantity": int(Decimal(line["Quantity__c"])),
        "created": at,
        "metadata": {"crm_contract_line_id": line["Id"]},
        "current_period_start": beside["current_period_start"],
        "current_period_end": beside["current_period_end"],
        "discounts": [],
    }
