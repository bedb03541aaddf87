"""What the company has before its first customer: its books' set-up, products and prices."""

from datetime import date

from extractors.sandbox.amounts import decimal_text, netsuite_time
from extractors.sandbox.ids import salesforce_id, stripe_id
from extractors.sandbox.reference import (
    CURRENCIES,
    PRODUCTS,
    Product,
    accounting_periods,
    netsuite_rows,
)
from extractors.sandbox.schema import to_text
from extractors.sandbox.tables import Record
from extractors.sandbox.volume.writer import Writer
from extractors.sandbox.world.moments import moment


def set_up(into: Writer, since: int, end: date) -> None:
    stamp = netsuite_time(moment(since))
    into.add_rows(netsuite_rows(stamp))
    periods = accounting_periods(moment(since).year, end.year + 1)
    into.add_rows({"accountingperiod": periods})
    for number, product in enumerate(PRODUCTS, 1):
        names = {"Name": product.name, "ProductCode": product.sku, "Family": product.family}
        crm = salesforce_id("Product2", number)
        add_crm(into, "Product2", {"Id": crm, **names, "IsActive": True}, since, since)
        made = {"id": stripe_id("product", number), "name": product.name, "active": True}
        sku = {"metadata": {"sku": product.sku}}
        into.add("stripe", "product", made | sku | {"created": since, "updated": since})
        for currency, minor in product.monthly.items():
            entry = {
                "Id": salesforce_id("PricebookEntry", into.number("salesforce", "PricebookEntry")),
                "Product2Id": crm,
                "UnitPrice": decimal_text(minor, CURRENCIES[currency].precision),
                "CurrencyIsoCode": currency,
                "IsActive": True,
            }
            add_crm(into, "PricebookEntry", entry, since, since)
            for is_yearly in (False, True):
                into.add(
                    "stripe",
                    "price",
                    price_of(product, currency, is_yearly=is_yearly) | {"created": since},
                )


PRICE_NUMBERS = {
    (product.sku, currency, is_yearly): number
    for number, (product, currency, is_yearly) in enumerate(
        ((p, c, y) for p in PRODUCTS for c in p.monthly for y in (False, True)), 1
    )
}
PRODUCT_NUMBERS = {product.sku: number for number, product in enumerate(PRODUCTS, 1)}


def price_of(product: Product, currency: str, *, is_yearly: bool) -> Record:
    minor = product.monthly[currency] * (10 if is_yearly else 1)
    return {
        "id": stripe_id("price", PRICE_NUMBERS[product.sku, currency, is_yearly]),
        "object": "price",
        "product": stripe_id("product", PRODUCT_NUMBERS[product.sku]),
        "currency": currency.lower(),
        "unit_amount": minor,
        "unit_amount_decimal": str(minor),
        "recurring": {"interval": "year" if is_yearly else "month", "interval_count": 1},
        "active": True,
    }


def add_crm(into: Writer, kind: str, record: Record, at: int, changed: int) -> None:
    stamp = to_text(moment(changed), "salesforce")
    stamps = {"LastModifiedDate": stamp, "SystemModstamp": stamp, "IsDeleted": False}
    created = to_text(moment(at), "salesforce")
    into.add("salesforce", kind, record | {"CreatedDate": created} | stamps)
