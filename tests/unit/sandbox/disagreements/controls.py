"""Controls of the extraction."""

from tests.unit.sandbox.books import Books, Clusters
from tests.unit.sandbox.disagreements.common import Row

_RAW_NAMES = {
    "Product2": "product2", "PricebookEntry": "pricebook_entry", "product": "product",
    "price": "price", "term": "term", "item": "item", "account": "account",
    "currency": "currency", "taxcode": "tax_code",
}  # fmt: skip


def controls(books: Books, clusters: Clusters):
    for where, hidden in books.faults.get("drop", {}).items():
        assert hidden
        yield Row("CTL-CNT-01", "", _RAW_NAMES[where.partition(".")[2]], None)
    for where, hours in books.faults.get("stale", {}).items():
        if hours > 6:
            yield Row("CTL-STALE-01", "", _RAW_NAMES[where.partition(".")[2]], None)
