"""PRD: list prices that billing has otherwise, and prices that stand on another basis."""

from decimal import Decimal
from typing import NamedTuple

from extractors.sandbox.amounts import decimal_text, rounded
from extractors.sandbox.drift.ground import Ground
from extractors.sandbox.drift.sold_lines import (
    Sold,
    amend,
    change_items,
    sold_lines,
    subscription_of,
)
from extractors.sandbox.reference import CURRENCIES, PRODUCTS, TIERED_BY_SKU
from extractors.sandbox.schema import System
from extractors.sandbox.tables import Record

_RAISED, _LOWERED = Decimal("1.06"), Decimal("0.91")
_LEAST_MINOR = 500
_LEAST_WORTH = 5_000
_MONTHS_OF_YEAR, _MINOR_OF_UNIT = 12, 100


class Listed(NamedTuple):
    """An entry of the price book, and the price of billing that is the same."""

    sku: str
    currency: str
    entry: Record
    price: Record


def _name(listed: Listed) -> str:
    return f"price:{listed.sku}|{listed.currency}"


def plant_other_list_price(ground: Ground, count: int) -> None:
    """PRD-PRC-01: the price book was raised, or billing sells at another price or other tiers."""
    plain = [listed for listed in _listed(ground) if listed.sku not in TIERED_BY_SKU]
    tiered = [listed for listed in _listed(ground) if listed.sku in TIERED_BY_SKU]
    pools = {"book_raised": plain, "replaced_in_billing": plain, "tiers_replaced": tiered}
    for variant, listed in ground.choose(count, pools, _name):
        if variant == "book_raised":
            made = _reprice(ground, listed, _RAISED)
        elif variant == "replaced_in_billing":
            made = _replace(ground, listed, _lowered(listed.price))
        else:
            tiers = [tier | _lowered(tier) for tier in listed.price["tiers"]]
            made = _replace(ground, listed, {"tiers": tiers})
        _close(ground, listed, made, variant)


def plant_other_basis(ground: Ground, count: int) -> None:
    """PRD-BAS-01: a yearly price stands for a monthly one, or units for hundredths."""
    plain = [listed for listed in _listed(ground) if listed.sku not in TIERED_BY_SKU]
    sold = [each for each in sold_lines(ground) if _is_worth(ground, each)]
    pools: dict[str, list[tuple[str, Listed | Sold]]] = {
        "book_by_the_year": [(_name(listed), listed) for listed in plain],
        "contract_by_the_year": [(subscription_of(each), each) for each in sold],
        "billed_in_units": [(subscription_of(each), each) for each in sold],
    }
    for variant, (_, subject) in ground.choose(count, pools, lambda named: named[0]):
        if isinstance(subject, Listed):
            made = _reprice(ground, subject, Decimal(_MONTHS_OF_YEAR))
            _close(ground, subject, made, variant)
        else:
            _misprice(ground, subject, variant)


def _listed(ground: Ground) -> list[Listed]:
    """Prices of the book that nothing was planted on; the first of billing's is the list's."""
    skus = {ids["salesforce"]: sku for sku, ids in ground.facts.products.items()}
    offers: dict[tuple[str, str], Record] = {}
    for price in ground.store.rows("stripe", "price"):
        is_monthly = price["recurring"]["interval"] == "month"
        if price["active"] and is_monthly and price["recurring"].get("usage_type") != "metered":
            known = offers.setdefault((price["product"], price["currency"]), price)
            if price["created"] < known["created"]:
                offers[price["product"], price["currency"]] = price
    found = []
    for entry in ground.store.rows("salesforce", "PricebookEntry", IsActive=True):
        sku, currency = skus[entry["Product2Id"]], entry["CurrencyIsoCode"]
        offer = offers.get((ground.facts.products[sku]["stripe"], currency.lower()))
        if offer is None or not ground.is_free(f"price:{sku}|{currency}"):
            continue
        minor = Decimal(entry["UnitPrice"]).scaleb(CURRENCIES[currency].precision)
        if sku in TIERED_BY_SKU or minor == Decimal(offer["unit_amount_decimal"]) >= _LEAST_MINOR:
            found.append(Listed(sku, currency, entry, offer))
    return found


def _reprice(ground: Ground, listed: Listed, factor: Decimal) -> str:
    """Another price in the book; billing's stays. The id of billing's."""
    precision = CURRENCIES[listed.currency].precision
    minor = rounded(Decimal(listed.entry["UnitPrice"]).scaleb(precision) * factor)
    text = decimal_text(minor, precision)
    ground.change("salesforce", "PricebookEntry", listed.entry["Id"], ground.tick(), UnitPrice=text)
    return str(listed.price["id"])


def _replace(ground: Ground, listed: Listed, fields: Record) -> str:
    """Billing's price is archived, and another one sold instead. The id of the new one."""
    at = ground.tick()
    ground.change("stripe", "price", listed.price["id"], at, active=False)
    made = {"id": ground.store.new_id("stripe", "price"), "active": True}
    return str(ground.add("stripe", "price", listed.price | fields | made, at)["id"])


def _lowered(price: Record) -> Record:
    return _amount(rounded(Decimal(price["unit_amount_decimal"]) * _LOWERED))


def _amount(minor: int) -> Record:
    return {"unit_amount": minor, "unit_amount_decimal": str(minor)}


def _close(ground: Ground, listed: Listed, price_id: str, variant: str) -> None:
    ground.freeze(None, _name(listed))
    ground.planted(
        ("salesforce", listed.entry["Id"]),
        ("stripe", price_id),
        attribute="list_price",
        variant=variant,
    )


def _is_worth(ground: Ground, sold: Sold) -> bool:
    """Whether a line has a plain monthly price that a hundredth of still is money."""
    currency = sold.line["CurrencyIsoCode"]
    minor = Decimal(sold.line["Unit_Price__c"]).scaleb(sold.precision)
    is_plain = sold.sku in {product.sku for product in PRODUCTS} and len(sold.items) == 1
    return (
        is_plain
        and sold.line["Price_Period__c"] == "Month"
        and minor * Decimal(sold.line["Quantity__c"]) >= _LEAST_WORTH * _MINOR_OF_UNIT
        and ground.is_free(f"price:{sold.sku}|{currency}")
    )


def _misprice(ground: Ground, sold: Sold, variant: str) -> None:
    """The value of the line follows its price."""
    at = ground.tick()
    if variant == "contract_by_the_year":
        minor = Decimal(sold.line["Unit_Price__c"]).scaleb(sold.precision) * _MONTHS_OF_YEAR
        amend(ground, sold, at, Unit_Price__c=decimal_text(rounded(minor), sold.precision))
    else:
        change_items(ground, sold, at, price=_in_units(ground, sold, at))
    contract: tuple[System, str] = ("salesforce", sold.contract_id)
    subscription: tuple[System, str] = ("stripe", sold.subscription_id)
    price = f"price:{sold.sku}|{sold.line['CurrencyIsoCode']}"
    ground.freeze(sold.who, f"subscription:{sold.subscription_id}", price)
    ground.planted(contract, subscription, attribute=f"unit_mrr:{sold.sku}", variant=variant)
    ground.follows(
        "CON-AMT-01",
        contract,
        subscription,
        attribute=f"mrr_at_contract_quantity:{sold.sku}",
        variant=variant,
        caused_by=sold.contract_id,
    )


def _in_units(ground: Ground, sold: Sold, at: int) -> Record:
    """The item's price, whose minor units somebody took for whole ones."""
    items = sold.subscription["items"]["data"]
    right = next(item["price"] for item in items if item["id"] in sold.items)
    unit = Decimal(right["unit_amount_decimal"]) / _MINOR_OF_UNIT
    made = {
        "id": ground.store.new_id("stripe", "price"),
        "unit_amount": None,
        "unit_amount_decimal": format(unit.normalize(), "f"),
    }
    return ground.add("stripe", "price", right | made, at)
