"""What is sold by tiers: a unit costs less the more units there are, each tier at its own price.

The price book and billing hold the same tiers. They are list prices: a deal takes more or fewer
units, never other tiers, and renewals do not raise them.
"""

import json
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal

from extractors.sandbox.amounts import decimal_text
from extractors.sandbox.reference import CURRENCIES, TIERED_BY_SKU, TIERED_PRODUCTS, TieredProduct
from extractors.sandbox.tables import Record
from extractors.sandbox.world.prices import add_product
from extractors.sandbox.world.state import Deal, SoldLine, World

_FIRST_NUMBER = 40
"""Companies below it are the cast and those near it: nothing new happens to them."""
_SOLD = 0.14
_UNITS = (20, 400)


def add_tiered_catalogue(world: World, at: int) -> None:
    """Products that are sold by tiers, in the CRM and in billing, after all others."""
    for product in TIERED_PRODUCTS:
        add_product(world, product, at)
        for currency in product.tiers:
            _add_entry(world, at, product, currency)
            _add_price(world, at, product, currency)


def _add_entry(world: World, at: int, product: TieredProduct, currency: str) -> None:
    precision = CURRENCIES[currency].precision
    tiers = [
        {"up_to": up_to, "unit_price": decimal_text(minor, precision)}
        for up_to, minor in product.tiers[currency]
    ]
    entry = {
        "Id": world.records.new_id("salesforce", "PricebookEntry"),
        "Product2Id": world.facts.products[product.sku]["salesforce"],
        "UnitPrice": tiers[0]["unit_price"],
        "Tiers__c": json.dumps(tiers, separators=(",", ":")),
        "CurrencyIsoCode": currency,
        "IsActive": True,
    }
    world.records.add("salesforce", "PricebookEntry", entry, at)


def _add_price(world: World, at: int, product: TieredProduct, currency: str) -> None:
    price = world.records.new_id("stripe", "price")
    world.facts.prices[_key(product.sku, currency)] = price
    fields = {
        "id": price,
        "product": world.facts.products[product.sku]["stripe"],
        "currency": currency.lower(),
        "billing_scheme": "tiered",
        "tiers_mode": "graduated",
        "tiers": [tier(up_to, Decimal(minor)) for up_to, minor in product.tiers[currency]],
        "unit_amount": None,
        "unit_amount_decimal": None,
        "recurring": {"interval": "month", "interval_count": 1},
        "active": True,
    }
    world.records.add("stripe", "price", fields, at)


def _key(sku: str, currency: str) -> str:
    return f"{sku}|{currency}|tiers"


def tier(up_to: int | None, unit: Decimal) -> Record:
    """Stripe's tier: `unit` minor units for each unit of it."""
    return {
        "flat_amount": None,
        "flat_amount_decimal": None,
        "unit_amount": int(unit) if unit == unit.to_integral_value() else None,
        "unit_amount_decimal": format(unit, "f"),
        "up_to": up_to,
    }


def with_tiers(world: World, deal: Deal) -> Deal:
    """Some deals that are billed by the month hold a product that is sold by tiers."""
    rng = world.rng("tiered", deal.company)
    if deal.company < _FIRST_NUMBER or deal.interval != 1 or rng.random() >= _SOLD:
        return deal
    product = rng.choice(TIERED_PRODUCTS)
    first = product.tiers[deal.currency][0][1]
    line = SoldLine(product.sku, rng.randrange(*_UNITS), first)
    return replace(deal, lines=[*deal.lines, line])


def model_of(line: SoldLine) -> str | None:
    """The CRM's word for how a line is priced; None where a unit has one price."""
    return "Graduated" if line.sku in TIERED_BY_SKU else None


def tiered_price(world: World, sku: str, currency: str) -> Record | None:
    """The Stripe price of a product that is sold by tiers; None for any other."""
    known = world.facts.prices.get(_key(sku, currency))
    return world.records.need("stripe", "price", known) if known else None


def is_tiered(price: Record) -> bool:
    return price.get("billing_scheme") == "tiered"


def is_tiered_line(line: Record) -> bool:
    """Whether a contract line is sold by tiers."""
    return line.get("Pricing_Model__c") is not None


def billed_parts(item: Record) -> Iterator[Record]:
    """An item as an invoice bills it: one part for each tier that its quantity reaches."""
    price = item["price"]
    if not is_tiered(price):
        yield item
        return
    below = 0
    for tier in price["tiers"]:
        top = item["quantity"] if tier["up_to"] is None else min(tier["up_to"], item["quantity"])
        if top > below:
            unit = {name: tier[name] for name in ("unit_amount", "unit_amount_decimal")}
            yield item | {"price": price | unit, "quantity": top - below}
            below = top
