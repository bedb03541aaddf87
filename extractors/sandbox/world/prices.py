"""Stripe's catalogue: products, list prices, and prices made for one contract."""

from decimal import ROUND_HALF_UP, Decimal
from typing import NamedTuple

from extractors.sandbox.amounts import decimal_text
from extractors.sandbox.reference import (
    CURRENCIES,
    PRODUCTS,
    MeteredProduct,
    Product,
    TieredProduct,
)
from extractors.sandbox.tables import Record
from extractors.sandbox.world.moments import YEAR_MONTHS
from extractors.sandbox.world.state import World

_PLACES = Decimal("0.000000000001")  # Stripe keeps twelve decimals of a minor unit
_LIST_MONTHS_PER_YEAR = 10


def add_product(world: World, product: Product | TieredProduct | MeteredProduct, at: int) -> str:
    """A product in the CRM, whose id there is returned, and in billing."""
    records = world.records
    crm = records.new_id("salesforce", "Product2")
    billing = records.new_id("stripe", "product")
    world.facts.products[product.sku] = {"salesforce": crm, "stripe": billing}
    fields = {"Name": product.name, "ProductCode": product.sku, "Family": product.family}
    records.add("salesforce", "Product2", {"Id": crm, **fields, "IsActive": True}, at)
    made = {"id": billing, "name": product.name, "active": True, "updated": at}
    records.add("stripe", "product", made | {"metadata": {"sku": product.sku}}, at)
    return crm


def add_catalogue(world: World, at: int) -> None:
    """Products and list prices in the CRM and in billing."""
    records = world.records
    for product in PRODUCTS:
        crm = add_product(world, product, at)
        for currency, minor in product.monthly.items():
            entry = {
                "Id": records.new_id("salesforce", "PricebookEntry"),
                "Product2Id": crm,
                "UnitPrice": decimal_text(minor, CURRENCIES[currency].precision),
                "CurrencyIsoCode": currency,
                "IsActive": True,
            }
            records.add("salesforce", "PricebookEntry", entry, at)
            price_for(world, Charged(product.sku, currency, 1, Decimal(minor)), at)
            yearly = Decimal(minor * _LIST_MONTHS_PER_YEAR)
            price_for(world, Charged(product.sku, currency, YEAR_MONTHS, yearly), at)


def unit_for(unit_minor: Decimal, period: str, interval: int) -> Decimal:
    """Minor units that one unit costs per `interval` months, priced per 'Month' or per 'Year'."""
    months = 12 if period == "Year" else 1
    return (unit_minor * interval / months).quantize(_PLACES, ROUND_HALF_UP)


class Charged(NamedTuple):
    """What is charged for one unit of a product: `unit` minor units every `interval` months."""

    sku: str
    currency: str
    interval: int
    unit: Decimal


def price_for(world: World, charged: Charged, at: int) -> Record:
    """The Stripe price for it; made when it is new."""
    sku, currency, interval, unit = charged
    text = format(unit.normalize(), "f")
    key = f"{sku}|{currency}|{interval}|{text}"
    known = world.facts.prices.get(key)
    if known is not None:
        return world.records.need("stripe", "price", known)
    price = world.records.new_id("stripe", "price")
    world.facts.prices[key] = price
    is_whole = unit == unit.to_integral_value()
    fields = {
        "id": price,
        "product": world.facts.products[sku]["stripe"],
        "currency": currency.lower(),
        "unit_amount": int(unit) if is_whole else None,
        "unit_amount_decimal": text,
        "recurring": {
            "interval": "year" if interval == YEAR_MONTHS else "month",
            "interval_count": 1,
        },
        "active": True,
    }
    return world.records.add("stripe", "price", fields, at)
