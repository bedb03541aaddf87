"""Prices, products and the accounts of items."""

import json
from collections import defaultdict
from decimal import Decimal

from tests.unit.sandbox.books import Books, Clusters
from tests.unit.sandbox.disagreements.common import Row, bills, is_other_basis


def list_prices(books: Books, clusters: Clusters):
    """Each price of the book, and what billing sells the product at by the month."""
    for entry in books.entries:
        if not entry["IsActive"]:
            continue
        sku = books.crm_products[entry["Product2Id"]]["ProductCode"]
        currency = entry["CurrencyIsoCode"].lower()
        offers = [
            price
            for price in sorted(books.prices, key=lambda p: (p["created"], p["id"]))
            if books.products[price["product"]]["metadata"]["sku"] == sku
            and price["currency"] == currency
            and price["recurring"]["interval"] == "month"
            and price["recurring"].get("usage_type") != "metered"
        ]
        digits = 0 if currency == "jpy" else 2
        if entry.get("Tiers__c"):
            listed = [
                (tier["up_to"], Decimal(tier["unit_price"]).scaleb(digits))
                for tier in json.loads(entry["Tiers__c"])
            ]
            sold = [
                [(tier["up_to"], Decimal(tier["unit_amount_decimal"])) for tier in price["tiers"]]
                for price in offers
            ]
            if listed not in sold:
                yield Row("PRD-PRC-01", "list_price", entry["Id"], offers[0]["id"])
            continue
        unit = Decimal(entry["UnitPrice"]).scaleb(digits)
        units = [Decimal(price["unit_amount_decimal"]) for price in offers]
        if unit in units:
            continue
        slips = [p["id"] for p, u in zip(offers, units, strict=True) if is_other_basis(unit, u)]
        code = "PRD-BAS-01" if slips else "PRD-PRC-01"
        yield Row(code, "list_price", entry["Id"], slips[0] if slips else offers[0]["id"])


def products(books: Books, clusters: Clusters):
    """What is sold has one record in use in each system."""
    sold = {
        books.products[item["price"]["product"]]["metadata"]["sku"]: item["price"]["product"]
        for subscription in books.subscriptions.values()
        if bills(subscription)
        for item in subscription["items"]["data"]
    }
    in_use = defaultdict(list)
    for product_id, product in books.crm_products.items():
        in_use["crm", product["ProductCode"]].append((product_id, product["IsActive"]))
    for product_id, product in books.products.items():
        in_use["billing", product["metadata"].get("sku")].append((product_id, product["active"]))
    for item_id, item in books.items.items():
        in_use["erp", item["itemid"]].append((item_id, item["isinactive"] == "F"))
    for sku, product_id in sold.items():
        for role in ("crm", "billing", "erp"):
            known = in_use[role, sku]
            active = [each for each, is_active in known if is_active]
            if len(active) != 1:
                yield Row("PRD-MAP-01", "", product_id, max(active or [e for e, _ in known]))


REVENUE_OF = {"Platform": "4000", "Add-on": "4010", "Support": "4020", "Usage": "4010"}


def item_accounts(books: Books, clusters: Clusters):
    """Items in use post to the revenue account of their family, and defer."""
    families = {p["ProductCode"]: p["Family"] for p in books.crm_products.values()}
    for item_id, item in books.items.items():
        revenue = REVENUE_OF.get(families.get(item["itemid"]))
        if item["isinactive"] == "T" or revenue is None:
            continue
        wanted = {"revenue_account": revenue, "deferred_account": "2100"}
        named = {"revenue_account": "incomeaccount", "deferred_account": "deferredrevenueaccount"}
        for name, field in named.items():
            own = books.accounts_of_ledger.get(item[field] or "", {}).get("acctnumber")
            if own != wanted[name]:
                yield Row("PRD-GL-01", name, item_id, None)
