"""Changes what a posted credit memo or payment of NetSuite is applied to: its sublist `apply`."""

from decimal import Decimal
from typing import Any

from extractors.sandbox.amounts import decimal_text
from extractors.sandbox.ledger import PRIMARY_BOOK, Document, base_precision
from extractors.sandbox.netsuite_errors import NetSuiteError
from extractors.sandbox.netsuite_invoice import (
    Body,
    items,
    precision_of,
    require_known,
    require_open_period,
)
from extractors.sandbox.netsuite_settling import Applied, applied_parts, release, settle
from extractors.sandbox.reference import FX_GAIN, RECEIVABLE
from extractors.sandbox.store import Store
from extractors.sandbox.tables import Record


def apply_lines(store: Store, record: Record) -> list[dict[str, Any]]:
    """The sublist as it is read."""
    return [
        {
            "line": number,
            "doc": {"id": link["previousdoc"]},
            "apply": True,
            "amount": float(link["foreignamount"]),
        }
        for number, link in enumerate(_links(store, record))
    ]


def reapply(store: Store, kind: str, record: Record, body: Body, *, whole: bool) -> None:
    """Apply a document anew: to the lines of the body alone, or to them and what it had.

    A line is known by its document; one that is not to be applied is taken off.
    """
    require_known(body, {"apply"}, "")
    require_open_period(store, record["postingperiod"])
    if record["voided"] == "T":
        raise NetSuiteError("A voided transaction cannot be changed.", "USER_ERROR")
    given = items(body["apply"], "apply")
    if not whole:
        keys = {str((line.get("doc") or {}).get("id")) for line in given}
        held = ({"doc": x["doc"], "amount": x["amount"]} for x in apply_lines(store, record))
        given = [*given, *(line for line in held if line["doc"]["id"] not in keys)]
    wanted = [line for line in given if line.get("apply") is not False]
    document = _document(store, record)
    total = _available(store, record)
    before = _receivable(document, total, release(store, record))
    parts = applied_parts(
        store, {"apply": {"items": wanted}}, record["entity"], record["currency"], total
    )
    for part in parts:
        settle(store, part.invoice, part.amount_minor)
        store.put("netsuite", "previoustransactionlinelink", _link(document, kind, part))
    _book(store, document, _receivable(document, total, parts) - before)
    _stamp(store, kind, record, total - sum(part.amount_minor for part in parts))


def _links(store: Store, record: Record) -> list[Record]:
    return store.rows(
        "netsuite", "previoustransactionlinelink", nextdoc=record["id"], linktype="Payment"
    )


def _document(store: Store, record: Record) -> Document:
    line = store.rows("netsuite", "transactionline", transaction=record["id"])[0]
    rate = Decimal(record["exchangerate"])
    return Document(record["id"], line["subsidiary"], record["currency"], rate)


def _available(store: Store, record: Record) -> int:
    """What can be applied of a document: its total, less what was paid out of it."""
    taken = store.rows(
        "netsuite", "previoustransactionlinelink", previousdoc=record["id"], linktype="Payment"
    )
    left = abs(Decimal(record["foreigntotal"])) - sum(Decimal(t["foreignamount"]) for t in taken)
    return int(left.scaleb(precision_of(store, record["currency"])))


def _receivable(document: Document, total: int, parts: list[Applied]) -> int:
    """What a document takes off receivables, minor units of the base currency."""
    settled = sum(
        Document(document.internal_id, document.subsidiary, document.currency, rate).base(amount)
        for amount, rate in ((p.amount_minor, Decimal(p.invoice["exchangerate"])) for p in parts)
    )
    return settled + document.base(total - sum(part.amount_minor for part in parts))


def _link(document: Document, kind: str, part: Applied) -> Record:
    return {
        "previousdoc": part.invoice["id"],
        "previousline": "0",
        "nextdoc": document.internal_id,
        "nextline": "1" if kind == "customerpayment" else "0",
        "foreignamount": document.text(part.amount_minor),
        "linktype": "Payment",
    }


def _book(store: Store, document: Document, more: int) -> None:
    """Take more off receivables, or less; what rates leave over is a gain or a loss."""
    if not more:
        return
    for account, change in ((RECEIVABLE.id, -more), (FX_GAIN.id, more)):
        rows = store.rows(
            "netsuite",
            "transactionaccountingline",
            transaction=document.internal_id,
            accountingbook=PRIMARY_BOOK,
        )
        own = next((row for row in rows if row["account"] == account), None)
        number = int(own["transactionline"]) if own else len(rows)
        scale = base_precision(document.subsidiary)
        held = int(Decimal(own["amount"]).scaleb(scale)) if own else 0
        if own is None:
            store.put("netsuite", "transactionline", document.line(number, 0, 0))
        posted = document.posting(number, account, held + change)
        store.put("netsuite", "transactionaccountingline", posted)
        amount = {"netamount": document.base_text(held + change)}
        key = {"transaction": document.internal_id, "id": str(number)}
        store.put("netsuite", "transactionline", key | amount)


def _stamp(store: Store, kind: str, record: Record, left: int) -> None:
    change: Record = {"id": record["id"], "voided": "F"}
    if kind == "creditmemo":
        unpaid = decimal_text(-left, precision_of(store, record["currency"]))
        change |= {"status": "A" if left else "B", "foreignamountunpaid": unpaid}
    store.put("netsuite", "transaction", change)
