"""Makes one NetSuite record of another: a payment or a credit memo of an open invoice."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from extractors.sandbox import netsuite_records as records
from extractors.sandbox.ledger import Application, payment_rows
from extractors.sandbox.netsuite_credited import credited_line
from extractors.sandbox.netsuite_errors import NetSuiteError
from extractors.sandbox.netsuite_invoice import (
    Body,
    day,
    decimal,
    period_of,
    precision_of,
    require_known,
    require_open_period,
    stored_lines,
)
from extractors.sandbox.netsuite_settling import settle
from extractors.sandbox.settlement_ledger import Header, credit_rows
from extractors.sandbox.store import Store
from extractors.sandbox.tables import Record

_FIELDS = {
    "tranId": "tranid",
    "externalId": "externalid",
    "memo": "memo",
    "custbody_stripe_charge_id": "custbody_stripe_charge_id",
    "custbody_q2c_correlation_id": "custbody_q2c_correlation_id",
}
_OTHERS = {"tranDate", "postingPeriod", "payment"}


def transform(store: Store, kind: str, key: str, target: str, body: Body) -> str:
    """The internal id of the new record; fields of the body override what it would be."""
    make = _MAKERS.get((kind, target))
    if make is None:
        detail = f"The record {kind} cannot be transformed to {target}."
        raise NetSuiteError(detail, "INVALID_CONTENT", None, 400)
    require_known(body, {*_FIELDS, *_OTHERS}, "")
    invoice = records.find(store, kind, key)
    if Decimal(invoice["foreignamountunpaid"]) == 0 or invoice["voided"] == "T":
        raise NetSuiteError("There is nothing left to apply to this invoice.", "USER_ERROR")
    return make(store, invoice, body)


def _pay(store: Store, invoice: Record, body: Body) -> str:
    header = _header(store, invoice, body, "PYMT")
    precision = precision_of(store, invoice["currency"])
    open_minor = _minor(invoice["foreignamountunpaid"], precision)
    amount = open_minor
    if "payment" in body:
        amount = int(decimal(body["payment"], "payment").scaleb(precision))
    applied = min(amount, open_minor)
    rate = Decimal(invoice["exchangerate"])
    part = Application(invoice["id"], applied, rate)
    rows = payment_rows(**header, exchange_rate=rate, amount_minor=amount, applied=[part])
    _write(store, rows)
    settle(store, invoice, applied)
    return str(header["internal_id"])


def _credit(store: Store, invoice: Record, body: Body) -> str:
    """A credit memo over the whole invoice, on which nothing may be paid, and over its revenue."""
    if invoice["foreignamountunpaid"] != invoice["foreigntotal"]:
        raise NetSuiteError("This transaction has payments applied to it.", "USER_ERROR")
    rate = Decimal(invoice["exchangerate"])
    header = Header(**_header(store, invoice, body, "CRED"), exchange_rate=rate)
    lines = list(stored_lines(store, invoice).values())
    total = _minor(invoice["foreigntotal"], precision_of(store, invoice["currency"]))
    rows = credit_rows(
        header,
        net_minor=sum(line.amount_minor for line in lines),
        tax_minor=sum(line.tax_minor for line in lines),
        tax_code_id=lines[0].tax_code_id,
        applied=[Application(invoice["id"], total, rate)],
        credited=[credited_line(store, line, header.trandate, [invoice["id"]]) for line in lines],
    )
    _write(store, rows)
    settle(store, invoice, total)
    return header.internal_id


_MAKERS: Mapping[tuple[str, str], Callable[[Store, Record, Body], str]] = {
    ("invoice", "customerpayment"): _pay,
    ("invoice", "creditmemo"): _credit,
}


def _header(store: Store, invoice: Record, body: Body, prefix: str) -> dict[str, Any]:
    trandate = day(body["tranDate"], "tranDate") if "tranDate" in body else store.now().date()
    given = body.get("postingPeriod")
    period = str(given["id"]) if given else period_of(store, trandate)
    require_open_period(store, period)
    first = store.rows("netsuite", "transactionline", transaction=invoice["id"])[0]
    key = store.new_id("netsuite", "transaction")
    known = {column: body[name] for name, column in _FIELDS.items() if name in body}
    return {
        "internal_id": key,
        "tranid": known.pop("tranid", f"{prefix}{key}"),
        "externalid": known.pop("externalid", None),
        "entity_id": invoice["entity"],
        "subsidiary": first["subsidiary"],
        "currency": invoice["currency"],
        "trandate": trandate,
        "period_id": period,
        "custbody": known,
        "at": store.tick(),
    }


def _minor(text: str, precision: int) -> int:
    return int(Decimal(text).scaleb(precision))


def _write(store: Store, rows: Mapping[str, list[Record]]) -> None:
    for table, written in rows.items():
        store.put_many("netsuite", table, written)
