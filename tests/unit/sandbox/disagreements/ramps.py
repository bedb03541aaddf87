"""Steps of ramps, and the phases that billing plans for them."""

from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise
from zoneinfo import ZoneInfo

from tests.unit.sandbox.books import Books, Clusters, group, instant
from tests.unit.sandbox.disagreements.common import HOURS_BILLING, ZONES, Row


def steps(books: Books, clusters: Clusters):
    lines = group(books.contract_lines, "Contract__c")
    for subscription_id, subscription in books.subscriptions.items():
        contract = books.contracts.get(subscription["metadata"].get("crm_contract_id"))
        if contract is None or contract["Status"] != "Activated":
            continue
        if subscription["status"] == "canceled":
            continue
        zone = ZoneInfo(ZONES[contract["Legal_Entity__c"]])
        phases = _phases(books, subscription, zone)
        for product, sold in group(lines[contract["Id"]], "Product__c").items():
            sku = books.crm_products[product]["ProductCode"]
            for earlier, step in pairwise(sorted(sold, key=lambda line: line["Start_Date__c"])):
                gap = _day(step["Start_Date__c"]) - _day(earlier["End_Date__c"])
                if gap == timedelta(days=1) and _is_apart(books, step, phases, zone):
                    yield Row("CON-RAMP-01", f"phase:{sku}", step["Id"], subscription_id)


def _day(text) -> date:
    return date.fromisoformat(text)


def _phases(books: Books, subscription, zone):
    """Contract line -> (first day, units, price) as billing plans it."""
    plan = books.schedules.get(subscription.get("schedule") or "")
    found = {}
    for phase in plan["phases"] if plan and plan["status"] == "active" else ():
        starts = instant(phase["start_date"]).astimezone(zone).date()
        for item in phase["items"]:
            known = (starts, item["quantity"], item["price"])
            found.setdefault(item["metadata"]["crm_contract_line_id"], known)
    return found


def _is_apart(books: Books, step, phases, zone) -> bool:
    today = books.now.astimezone(zone).date()
    begins, units = _day(step["Start_Date__c"]), int(Decimal(step["Quantity__c"]))
    starts, billed, price_id = phases.get(step["Id"], (None, None, None))
    if _day(step["End_Date__c"]) < today or books.age(step["Effective_At__c"]) <= HOURS_BILLING:
        return False
    if begins <= today and (starts is None or starts <= today):
        return False
    if (starts, billed) != (begins, units):
        return True
    price = next(p for p in books.all_prices if p["id"] == price_id)
    agreed = Decimal(step["Unit_Price__c"]).scaleb(0 if step["CurrencyIsoCode"] == "JPY" else 2)
    months = 12 if step["Price_Period__c"] == "Year" else 1
    gap = abs(Decimal(price["unit_amount_decimal"]) - agreed / months) * units
    return not step["Pricing_Model__c"] and gap > 2
