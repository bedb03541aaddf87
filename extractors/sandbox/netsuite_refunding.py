"""Posts customer refunds of NetSuite: money that leaves for a memo, or a payment on account."""

from decimal import Decimal

from extractors.sandbox.amounts import decimal_text
from extractors.sandbox.ledger import Application
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
from extractors.sandbox.settlement_ledger import Header, refund_rows
from extractors.sandbox.store import Store
from extractors.sandbox.tables import Record

_COLUMNS = (
    "memo",
    "custbody_q2c_correlation_id",
    "custbody_stripe_refund_id",
    "custbody_stripe_charge_id",
)
_FIELDS = {
    "tranId",
    "externalId",
    "tranDate",
    "postingPeriod",
    "customer",
    "currency",
    "exchangeRate",
    "account",
    "apply",
    *_COLUMNS,
}


def post_refund(store: Store, body: Body, external_id: str | None, internal_id: str | None) -> str:
    """Pay out one credit memo or payment of the customer; returns the internal id."""
    require_known(body, _FIELDS, "")
    account = reference(store, body.get("account"), "account", "account")
    customer = reference(store, body.get("customer"), "customer", "customer")
    subsidiary = (store.get("netsuite", "customer", customer) or {})["subsidiary"]
    checked = Checked(store, {**body, "subsidiary": {"id": subsidiary}, "tranId": "-"}, None)
    memo, amount = _paid_out(store, body, customer, checked.reference("currency", "currency"))
    key = internal_id or store.new_id("netsuite", "transaction")
    header = Header(
        internal_id=key,
        tranid=str(body.get("tranId") or f"RFND{key}"),
        entity_id=customer,
        subsidiary=subsidiary,
        currency=memo["currency"],
        exchange_rate=checked.exchange_rate(),
        trandate=day(body.get("tranDate"), "tranDate"),
        period_id=checked.period(),
        externalid=external_id,
        custbody=own_columns(body, _COLUMNS),
        at=store.tick(),
    )
    part = Application(memo["id"], amount, Decimal(memo["exchangerate"]))
    for table, rows in refund_rows(header, part, account).items():
        store.put_many("netsuite", table, rows)
    _take(store, memo, amount)
    return key


def rebook_refund(store: Store, record: Record, body: Body) -> None:
    """Take a refund back and book it anew under its id; the body must be whole."""
    require_open_period(store, record["postingperiod"])
    for link in store.rows("netsuite", "previoustransactionlinelink", nextdoc=record["id"]):
        memo = store.get("netsuite", "transaction", link["previousdoc"])
        assert memo is not None
        precision = precision_of(store, memo["currency"])
        _take(store, memo, -int(Decimal(link["foreignamount"]).scaleb(precision)))
    take_links(store, record["id"])
    remove_children(store, record["id"])
    post_refund(store, body, record["externalid"], record["id"])
    keep_creation(store, record)


def _paid_out(store: Store, body: Body, customer: str, currency: str) -> tuple[Record, int]:
    """The memo or payment that the sublist `apply` names, and how much of it."""
    given = items(body.get("apply"), "apply")
    if len(given) != 1:
        raise NetSuiteError("Please choose the credit to refund.", "USER_ERROR", "apply")
    line, place = given[0], "apply.items[0]"
    require_known(line, {"doc", "apply", "amount"}, place)
    key = reference(store, line.get("doc"), "transaction", f"{place}.doc")
    memo = store.get("netsuite", "transaction", key)
    assert memo is not None
    is_its = (memo["entity"], memo["currency"]) == (customer, currency)
    if memo["type"] not in {"CustCred", "CustPymt"} or memo["voided"] == "T" or not is_its:
        raise NetSuiteError("That record cannot be applied.", "USER_ERROR", f"{place}.doc")
    precision = precision_of(store, currency)
    amount = int(decimal(line.get("amount"), f"{place}.amount").scaleb(precision))
    if not 0 < amount <= _left(store, memo, precision):
        detail = "You cannot apply more than is left of the transaction."
        raise NetSuiteError(detail, "USER_ERROR", f"{place}.amount")
    return memo, amount


def _left(store: Store, memo: Record, precision: int) -> int:
    """What is open of a memo, told as negative, or of a payment that nothing took up."""
    if memo["type"] == "CustCred":
        return -int(Decimal(memo["foreignamountunpaid"]).scaleb(precision))
    applied = store.rows("netsuite", "previoustransactionlinelink", nextdoc=memo["id"])
    gone = store.rows("netsuite", "previoustransactionlinelink", previousdoc=memo["id"])
    taken = [*applied, *(link for link in gone if link["linktype"] == "Payment")]
    sums = [memo["foreigntotal"], *(f"-{link['foreignamount']}" for link in taken)]
    return sum(int(Decimal(text).scaleb(precision)) for text in sums)


def _take(store: Store, memo: Record, amount_minor: int) -> None:
    """Take an amount off what is open of a memo, which is told as negative.

    Of a payment the links alone tell it.
    """
    if memo["type"] == "CustPymt":
        return
    precision = precision_of(store, memo["currency"])
    left = int(Decimal(memo["foreignamountunpaid"]).scaleb(precision)) + amount_minor
    change = {"foreignamountunpaid": decimal_text(left, precision), "status": "A" if left else "B"}
    store.put("netsuite", "transaction", {"id": memo["id"], **change})
