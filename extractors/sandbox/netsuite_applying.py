"""Changes what a posted credit memo or payment of NetSuite is applied to: its sublist `apply`."""

from decimal import Decimal
from typing import Any

from extractors.sandbox.amounts import decimal_text
from extractors.sandbox.ledger import PRIMARY_BOOK, Document, base_precision
from extractors.sandbox.netsuite_errors import NetSuiteError
from extractors.sandbox.netsuite_invoice import (
    Body,
    decimal,
    items,
    precision_of,
    require_known,
    require_open_period,
)
from extractors.sandbox.netsuite_settling import Applied, applied_parts, release, settle
from extractors.sandbox.reference import CURRENCY_BY_ID, FX_GAIN, RECEIVABLE
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

    A line is known by its document; one that is not to be applied is taken off. A payment can be
    given another amount with it.
    """
    require_known(body, {"apply", "payment"} if kind == "customerpayment" else {"apply"}, "")
    require_open_period(store, record["postingperiod"])
    if record["voided"] == "T":
        raise NetSuiteError("A voided transaction cannot be changed.", "USER_ERROR")
    document, more = _document(store, record), _more(store, record, body)
    wanted = _wanted(store, record, body, whole=whole)
    total = _available(store, record)
    before = _receivable(document, total, release(store, record))
    total += more
    parts = applied_parts(
        store, {"apply": {"items": wanted}}, record["entity"], record["currency"], total
    )
    for part in parts:
        settle(store, part.invoice, part.amount_minor)
        store.put("netsuite", "previoustransactionlinelink", _link(document, kind, part))
    _book(store, document, more, _receivable(document, total, parts) - before)
    _stamp(store, kind, record, more, total - sum(part.amount_minor for part in parts))


def _wanted(store: Store, record: Record, body: Body, *, whole: bool) -> list[Body]:
    given = items(body["apply"], "apply")
    if not whole:
        keys = {str((line.get("doc") or {}).get("id")) for line in given}
        held = ({"doc": x["doc"], "amount": x["amount"]} for x in apply_lines(store, record))
        given = [*given, *(line for line in held if line["doc"]["id"] not in keys)]
    return [line for line in given if line.get("apply") is not False]


def _more(store: Store, record: Record, body: Body) -> int:
    """By how much a payment is to be more than it was, minor units."""
    if "payment" not in body:
        return 0
    wanted = decimal(body["payment"], "payment") - Decimal(record["foreigntotal"])
    more = int(wanted.scaleb(precision_of(store, record["currency"])))
    deposited = store.rows(
        "netsuite", "previoustransactionlinelink", previousdoc=record["id"], linktype="Deposit"
    )
    if more and deposited:
        detail = "The amount of a payment that was deposited cannot be changed."
        raise NetSuiteError(detail, "USER_ERROR", "payment")
    return more


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


def _book(store: Store, document: Document, more: int, settled: int) -> None:
    """Put more into the bank, take more off receivables; what rates leave over is gain or loss."""
    main = {"transaction": document.internal_id, "accountingbook": PRIMARY_BOOK}
    bank = store.rows("netsuite", "transactionaccountingline", **main, transactionline="0")[0]
    line = store.get("netsuite", "transactionline", (document.internal_id, "0")) or {}
    had = int(Decimal(line["foreignamount"]).scaleb(CURRENCY_BY_ID[document.currency].precision))
    banked = document.base(had + more) - document.base(had)
    changes = [
        (bank["account"], more, banked),
        (RECEIVABLE.id, -more, -settled),
        (FX_GAIN.id, 0, settled - banked),
    ]
    for account, minor, base in changes:
        if minor or base:
            _add(store, document, account, minor, base)


def _add(store: Store, document: Document, account: str, minor: int, base: int) -> None:
    """Add to the line of an account, or a line where there is none."""
    rows = store.rows(
        "netsuite",
        "transactionaccountingline",
        transaction=document.internal_id,
        accountingbook=PRIMARY_BOOK,
    )
    own = next((row for row in rows if row["account"] == account), None)
    number = int(own["transactionline"]) if own else len(rows)
    line = store.get("netsuite", "transactionline", (document.internal_id, str(number)))
    precision = CURRENCY_BY_ID[document.currency].precision
    held = int(Decimal(line["foreignamount"]).scaleb(precision)) if line else 0
    scale = base_precision(document.subsidiary)
    booked = int(Decimal(own["amount"]).scaleb(scale)) if own else 0
    changed = document.line(number, held + minor, booked + base)
    put = {**changed, **(line or {})} | {
        name: changed[name] for name in ("foreignamount", "netamount")
    }
    store.put("netsuite", "transactionline", put)
    posted = document.posting(number, account, booked + base)
    store.put("netsuite", "transactionaccountingline", posted)


def _stamp(store: Store, kind: str, record: Record, more: int, left: int) -> None:
    precision = precision_of(store, record["currency"])
    total = Decimal(record["foreigntotal"]) + Decimal(more).scaleb(-precision)
    change: Record = {"id": record["id"], "foreigntotal": f"{total:f}"}
    if kind == "creditmemo":
        unpaid = decimal_text(-left, precision)
        change |= {"status": "A" if left else "B", "foreignamountunpaid": unpaid}
    store.put("netsuite", "transaction", change)
