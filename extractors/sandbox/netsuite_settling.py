"""Posts what settles NetSuite invoices: credit memos, customer payments, and what they apply."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from extractors.sandbox.amounts import decimal_text
from extractors.sandbox.ledger import Application, payment_rows
from extractors.sandbox.netsuite_credited import credited_line
from extractors.sandbox.netsuite_errors import NetSuiteError
from extractors.sandbox.netsuite_invoice import (
    Body,
    Checked,
    day,
    decimal,
    items,
    keep_creation,
    own_columns,
    precision_of,
    reference,
    remove_children,
    require_known,
    require_open_period,
    take_links,
)
from extractors.sandbox.settlement_ledger import Header, credit_rows
from extractors.sandbox.store import Store
from extractors.sandbox.tables import Record

_HEAD = {
    "tranId",
    "externalId",
    "tranDate",
    "postingPeriod",
    "currency",
    "exchangeRate",
    "memo",
    "custbody_q2c_correlation_id",
    "apply",
}
_MEMO = {
    *_HEAD,
    "entity",
    "subsidiary",
    "taxDetailsOverride",
    "item",
    "taxDetails",
    "custbody_stripe_credit_note_id",
}
_PAYMENT = {*_HEAD, "customer", "payment", "undepFunds", "custbody_stripe_charge_id"}
_COLUMNS = (
    "memo",
    "custbody_q2c_correlation_id",
    "custbody_stripe_credit_note_id",
    "custbody_stripe_charge_id",
)


@dataclass(frozen=True)
class Applied:
    """What is taken off one invoice, minor units of its currency."""

    invoice: Record
    amount_minor: int

    @property
    def part(self) -> Application:
        rate = Decimal(self.invoice["exchangerate"])
        return Application(self.invoice["id"], self.amount_minor, rate)


def post_credit_memo(
    store: Store, body: Body, external_id: str | None, internal_id: str | None
) -> str:
    """Book a credit memo, apply it, and take its revenue back; returns the internal id."""
    require_known(body, _MEMO, "")
    key = internal_id or store.new_id("netsuite", "transaction")
    checked = Checked(store, {"tranId": f"CRED{key}", **body}, key, "CustCred")
    lines = checked.lines()
    header = Header(
        internal_id=key,
        tranid=checked.tranid,
        entity_id=checked.reference("entity", "customer"),
        subsidiary=checked.reference("subsidiary", "subsidiary"),
        currency=checked.reference("currency", "currency"),
        exchange_rate=checked.exchange_rate(),
        trandate=day(body.get("tranDate"), "tranDate"),
        period_id=checked.period(),
        externalid=external_id,
        custbody=own_columns(body, _COLUMNS),
        at=store.tick(),
    )
    total = sum(line.amount_minor + line.tax_minor for line in lines)
    applied = applied_parts(store, body, str(header.entity_id), header.currency, total)
    rows = credit_rows(
        header,
        net_minor=sum(line.amount_minor for line in lines),
        tax_minor=sum(line.tax_minor for line in lines),
        tax_code_id=lines[0].tax_code_id,
        applied=[each.part for each in applied],
        credited=[
            credited_line(store, line, header.trandate, [each.invoice["id"] for each in applied])
            for line in lines
        ],
    )
    _write(store, rows, applied)
    return header.internal_id


def post_payment(store: Store, body: Body, external_id: str | None, internal_id: str | None) -> str:
    """Book a customer payment into Undeposited Funds, and apply it; returns the internal id."""
    require_known(body, _PAYMENT, "")
    if body.get("undepFunds") is not True:
        raise NetSuiteError("Please choose an account to deposit to", "USER_ERROR", "undepFunds")
    customer = reference(store, body.get("customer"), "customer", "customer")
    subsidiary = (store.get("netsuite", "customer", customer) or {})["subsidiary"]
    checked = Checked(store, {**body, "subsidiary": {"id": subsidiary}, "tranId": "-"}, None)
    currency = checked.reference("currency", "currency")
    amount = int(decimal(body.get("payment"), "payment").scaleb(precision_of(store, currency)))
    key = internal_id or store.new_id("netsuite", "transaction")
    applied = applied_parts(store, body, customer, currency, amount)
    rows = payment_rows(
        internal_id=key,
        tranid=str(body.get("tranId") or f"PYMT{key}"),
        entity_id=customer,
        subsidiary=subsidiary,
        currency=currency,
        exchange_rate=checked.exchange_rate(),
        trandate=day(body.get("tranDate"), "tranDate"),
        period_id=checked.period(),
        externalid=external_id,
        amount_minor=amount,
        applied=[each.part for each in applied],
        custbody=own_columns(body, _COLUMNS),
        at=store.tick(),
    )
    _write(store, rows, applied)
    return key


def rebook(store: Store, kind: str, record: Record, body: Body) -> None:
    """Take a memo or a payment back and book it anew under its id; the body must be whole."""
    require_open_period(store, record["postingperiod"])
    release(store, record)
    remove_children(store, record["id"])
    SETTLING[kind](store, body, record["externalid"], record["id"])
    keep_creation(store, record)


def release(store: Store, record: Record) -> list[Applied]:
    """Take a document off all that it is applied to; returns what that was."""
    freed = []
    for link in store.rows("netsuite", "previoustransactionlinelink", nextdoc=record["id"]):
        invoice = store.get("netsuite", "transaction", link["previousdoc"])
        assert invoice is not None
        precision = precision_of(store, invoice["currency"])
        freed.append(Applied(invoice, int(Decimal(link["foreignamount"]).scaleb(precision))))
        settle(store, invoice, -freed[-1].amount_minor)
    take_links(store, record["id"])
    return freed


def settle(store: Store, invoice: Record, applied_minor: int) -> None:
    """Take an amount off what is open of an invoice; a negative one is open again."""
    precision = precision_of(store, invoice["currency"])
    left = _open_of(invoice, precision) - applied_minor
    change = {"foreignamountunpaid": decimal_text(left, precision), "status": "A" if left else "B"}
    store.put("netsuite", "transaction", {"id": invoice["id"], **change})


def _open_of(invoice: Record, precision: int) -> int:
    return int(Decimal(invoice["foreignamountunpaid"]).scaleb(precision))


def applied_parts(
    store: Store, body: Body, customer: str, currency: str, total_minor: int
) -> list[Applied]:
    """What the sublist `apply` takes off open invoices of the customer."""
    given = items(body["apply"], "apply") if "apply" in body else []
    precision = precision_of(store, currency)
    applied = []
    for number, line in enumerate(given):
        place = f"apply.items[{number}]"
        require_known(line, {"doc", "apply", "amount"}, place)
        key = reference(store, line.get("doc"), "transaction", f"{place}.doc")
        invoice: Mapping[str, Any] = store.get("netsuite", "transaction", key) or {}
        amount = int(decimal(line.get("amount"), f"{place}.amount").scaleb(precision))
        is_its = (invoice["entity"], invoice["currency"]) == (customer, currency)
        if invoice["type"] != "CustInvc" or invoice["voided"] == "T" or not is_its:
            raise NetSuiteError("That record cannot be applied.", "USER_ERROR", f"{place}.doc")
        if not 0 < amount <= _open_of(dict(invoice), precision):
            detail = "You cannot apply more than is left of the transaction."
            raise NetSuiteError(detail, "USER_ERROR", f"{place}.amount")
        applied.append(Applied(dict(invoice), amount))
    if sum(each.amount_minor for each in applied) > total_minor:
        raise NetSuiteError("You cannot apply more than the total.", "USER_ERROR", "apply")
    return applied


def _write(store: Store, rows: Mapping[str, list[Record]], applied: Sequence[Applied]) -> None:
    for table, written in rows.items():
        store.put_many("netsuite", table, written)
    for each in applied:
        settle(store, each.invoice, each.amount_minor)


SETTLING: Mapping[str, Callable[[Store, Body, str | None, str | None], str]] = {
    "creditmemo": post_credit_memo,
    "customerpayment": post_payment,
}
