"""Posts a NetSuite journal: checks the body as NetSuite would, then books it."""

from collections.abc import Mapping
from typing import Any

from extractors.sandbox.ledger import Entry
from extractors.sandbox.netsuite_errors import NetSuiteError
from extractors.sandbox.netsuite_invoice import (
    Body,
    day,
    decimal,
    items,
    keep_creation,
    period_of,
    precision_of,
    reference,
    remove_children,
    require_known,
    require_open_period,
)
from extractors.sandbox.reference import ROUNDING
from extractors.sandbox.settlement_ledger import Header
from extractors.sandbox.store import Store
from extractors.sandbox.tables import Record

_COLUMNS = {
    "memo": "memo",
    "custbody_stripe_dispute_id": "custbody_stripe_dispute_id",
    "custbody_stripe_dispute_stage": "custbody_stripe_dispute_stage",
    "custbody_q2c_correlation_id": "custbody_q2c_correlation_id",
}
_FIELDS = {
    *_COLUMNS,
    "tranId",
    "externalId",
    "tranDate",
    "postingPeriod",
    "subsidiary",
    "currency",
    "exchangeRate",
    "approved",
    "line",
}
_SEGMENTS = ("department", "class")
_LINE_FIELDS = {"account", "debit", "credit", "memo", "entity", *_SEGMENTS}


def post_journal(store: Store, body: Body, external_id: str | None, internal_id: str | None) -> str:
    """Book a new journal, or book one anew under its internal id; returns the internal id.

    One that is not approved stands there and posts nothing.
    """
    require_known(body, _FIELDS, "")
    header = _header(store, body, external_id, internal_id)
    entry = Entry(header.document)
    debits = _add_lines(store, body, entry)
    entry.close(ROUNDING.id)  # what the conversion of single lines leaves over
    is_approved = body.get("approved", True) is True
    rows = header.rows(
        "Journal",
        entry,
        status="B" if is_approved else "A",
        posting="T" if is_approved else "F",
        foreigntotal=header.document.text(debits),
    )
    postings = [
        {**row, "posting": "T" if is_approved else "F"} for row in rows["transactionaccountingline"]
    ]
    for table, records in {**rows, "transactionaccountingline": postings}.items():
        store.put_many("netsuite", table, records)
    return header.internal_id


def rebook_journal(store: Store, journal: Record, body: Body) -> None:
    """Replace the lines of a journal; the body must be whole."""
    require_open_period(store, journal["postingperiod"])
    remove_children(store, journal["id"])
    post_journal(store, body, journal["externalid"], journal["id"])
    keep_creation(store, journal)


def journal_lines(store: Store, internal_id: str) -> list[dict[str, Any]]:
    """The sublist `line` of a journal."""
    postings = {
        row["transactionline"]: row
        for row in store.rows("netsuite", "transactionaccountingline", transaction=internal_id)
    }
    return [
        {
            "line": int(line["id"]),
            "account": {"id": postings[line["id"]]["account"]},
            "debit" if float(line["foreignamount"]) > 0 else "credit": abs(
                float(line["foreignamount"])
            ),
            "memo": line["memo"],
            **{name: {"id": line[name]} for name in _SEGMENTS if line[name]},
        }
        for line in store.rows("netsuite", "transactionline", transaction=internal_id)
    ]


def _header(store: Store, body: Body, external_id: str | None, internal_id: str | None) -> Header:
    key = internal_id or store.new_id("netsuite", "transaction")
    trandate = day(body["tranDate"], "tranDate") if "tranDate" in body else store.now().date()
    period = (
        reference(store, body["postingPeriod"], "accountingperiod", "postingPeriod")
        if "postingPeriod" in body
        else period_of(store, trandate)
    )
    require_open_period(store, period)
    return Header(
        internal_id=key,
        tranid=str(body.get("tranId") or f"JE{key}"),
        entity_id=None,
        subsidiary=reference(store, body.get("subsidiary"), "subsidiary", "subsidiary"),
        currency=reference(store, body.get("currency"), "currency", "currency"),
        exchange_rate=decimal(body.get("exchangeRate", 1), "exchangeRate"),
        trandate=trandate,
        period_id=period,
        externalid=external_id,
        custbody={
            column: str(body[name])
            for name, column in _COLUMNS.items()
            if body.get(name) is not None
        },
        at=store.tick(),
    )


def _add_lines(store: Store, body: Body, entry: Entry) -> int:
    """Book the lines; returns the sum of the debits, minor units of the journal's currency."""
    given = items(body.get("line"), "line")
    precision = precision_of(store, entry.document.currency)
    debits = balance = 0
    for number, line in enumerate(given):
        place = f"line.items[{number}]"
        require_known(line, _LINE_FIELDS, place)
        account = _account(store, line, place)
        minor = _amount(line, precision, place)
        debits += max(minor, 0)
        balance += minor
        columns = {name: _segment(line, name, place) for name in _SEGMENTS}
        entry.add(account, minor, entry.document.base(minor), memo=line.get("memo"), **columns)
    if not debits or balance:
        detail = "The amounts in a journal entry must balance."
        raise NetSuiteError(detail, "USER_ERROR", "line")
    return debits


def _account(store: Store, line: Body, place: str) -> str:
    key = reference(store, line.get("account"), "account", f"{place}.account")
    account: Mapping[str, Any] = store.get("netsuite", "account", key) or {}
    if account["isinactive"] == "T" or account["accttype"] == "Stat":
        detail = f"You cannot post to account {account['acctnumber']}."
        raise NetSuiteError(detail, "USER_ERROR", f"{place}.account")
    if account["accttype"] == "AcctRec":
        reference(store, line.get("entity"), "customer", f"{place}.entity")
    return key


def _segment(line: Body, name: str, place: str) -> str | None:
    """The department or class of a line."""
    value = line.get(name)
    if value is None:
        return None
    if not isinstance(value, Mapping) or not str(value.get("id", "")).isdecimal():
        raise NetSuiteError(f"Invalid reference key for {name}.", where=f"{place}.{name}")
    return str(value["id"])


def _amount(line: Body, precision: int, place: str) -> int:
    """Minor units, debit positive; a line has one side."""
    sides = [name for name in ("debit", "credit") if line.get(name) is not None]
    if len(sides) != 1:
        raise NetSuiteError("A line has a debit or a credit.", "USER_ERROR", place)
    where = f"{place}.{sides[0]}"
    minor = decimal(line[sides[0]], where).scaleb(precision)
    if minor <= 0 or minor != minor.to_integral_value():
        raise NetSuiteError(f"Not an amount of this currency: {line[sides[0]]}", where=where)
    return int(minor if sides[0] == "debit" else -minor)
