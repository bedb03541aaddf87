"""Which sold line a line of a NetSuite credit memo takes back, and in which months."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from extractors.sandbox.ledger import PRIMARY_BOOK, InvoiceLine
from extractors.sandbox.netsuite_invoice import precision_of
from extractors.sandbox.reference import DEFERRED
from extractors.sandbox.revenue import CreditedLine, credited_months
from extractors.sandbox.store import Store
from extractors.sandbox.tables import Record


def credited_line(
    store: Store, line: InvoiceLine, on: date, invoices: Sequence[str]
) -> CreditedLine:
    """A line of a memo that is applied to `invoices`, off the months of the line it takes back."""
    sold = _sold(store, line, invoices)
    planned = _planned(store, sold) if sold else []
    months = credited_months(line.amount_minor, planned, on) if planned else ()
    is_deferred = sold is not None and _is_deferred(store, sold)
    return CreditedLine(line.item_id, line.amount_minor, line.stripe_line_id, months, is_deferred)


def _is_deferred(store: Store, sold: Record) -> bool:
    """Whether a line stands on deferred revenue."""
    key = (sold["transaction"], sold["id"], PRIMARY_BOOK)
    posting = store.get("netsuite", "transactionaccountingline", key)
    return posting is not None and posting["account"] == DEFERRED.id


def _sold(store: Store, line: InvoiceLine, invoices: Sequence[str]) -> Record | None:
    """The line of an invoice that a memo's takes back: of those it is applied to before others."""
    named = line.stripe_line_id
    rows = [
        row
        for key in invoices
        for row in store.rows("netsuite", "transactionline", transaction=key, item=line.item_id)
    ]
    if named is not None:
        others = store.rows("netsuite", "transactionline", custcol_stripe_line_id=named)
        rows = [row for row in rows if row["custcol_stripe_line_id"] == named] + sorted(
            others, key=lambda row: int(row["transaction"])
        )
    documents = {row["transaction"]: _invoice(store, row["transaction"]) for row in rows}
    live = [row for row in rows if documents[row["transaction"]]]
    whole = [row for row in live if _minor_of(store, row) == line.amount_minor]
    return next(iter(live if named is not None else [*whole, *live]), None)


def _invoice(store: Store, key: str) -> Record | None:
    document = store.get("netsuite", "transaction", key)
    is_live = document and document["type"] == "CustInvc" and document["voided"] == "F"
    return document if is_live else None


def _minor_of(store: Store, line: Record) -> int:
    document = store.get("netsuite", "transaction", line["transaction"])
    assert document is not None
    precision = precision_of(store, document["currency"])
    return -int(Decimal(line["foreignamount"]).scaleb(precision))


def _planned(store: Store, sold: Record) -> list[tuple[date, int]]:
    """The months of a line, and their shares."""
    document = store.get("netsuite", "transaction", sold["transaction"])
    assert document is not None
    precision = precision_of(store, document["currency"])
    plan = str(int(sold["transaction"]) * 1000 + int(sold["id"]))
    return [
        (
            date.fromisoformat(f"{month['periodname']}-01"),
            int(Decimal(month["amount"]).scaleb(precision)),
        )
        for month in sorted(
            store.rows("netsuite", "revenueplanline", revenueplan=plan),
            key=lambda each: str(each["periodname"]),
        )
    ]
