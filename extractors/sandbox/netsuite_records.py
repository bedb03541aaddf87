"""NetSuite's REST records: any simple record can be read, some can be written."""

from collections.abc import Callable, Mapping
from typing import Any

from extractors.sandbox import (
    netsuite_amend,
    netsuite_applying,
    netsuite_depositing,
    netsuite_invoice,
    netsuite_journal,
    netsuite_refunding,
    netsuite_settling,
)
from extractors.sandbox.netsuite_account import account
from extractors.sandbox.netsuite_errors import NetSuiteError, not_found
from extractors.sandbox.schema import TABLES, Kind
from extractors.sandbox.store import Store
from extractors.sandbox.tables import Record

TRANSACTIONS = {
    "invoice": "CustInvc",
    "customerpayment": "CustPymt",
    "creditmemo": "CustCred",
    "customerrefund": "CustRfnd",
    "deposit": "Deposit",
    "journalentry": "Journal",
}
SIMPLE = {
    "customer": "customer",
    "term": "term",
    "subsidiary": "subsidiary",
    "currency": "currency",
    "account": "account",
    "accountingperiod": "accountingperiod",
    "servicesaleitem": "item",
    "noninventorysaleitem": "item",
    "salestaxitem": "taxcode",
}
NAMES = {
    name.lower(): name
    for name in (
        "customer", "invoice", "customerPayment", "creditMemo", "customerRefund", "deposit",
        "journalEntry", "term", "subsidiary", "currency", "account", "accountingPeriod",
        "serviceSaleItem", "nonInventorySaleItem", "salesTaxItem",
    )
}  # fmt: skip
# Columns of the tables that the records show otherwise, or not at all.
INTERNAL = frozenset({"billcountry", "billzip", "type", "voided"})
SUBLISTS = {
    "customer": ("addressBook",),
    "invoice": ("item", "taxDetails"),
    "journalentry": ("line",),
    "customerpayment": ("apply",),
    "creditmemo": ("apply",),
}

_STATUSES = {"A": "Open", "B": "Paid In Full", "V": "Voided"}

# REST names where they are more than the column's name in lower case.
_CAMEL_CASE = """
    acctNumber acctType arLocked companyName createdDate currencyPrecision customForm
    dateCreated daysUntilNetDue deferredRevenueAccount displayName dueDate endDate entityId
    exchangeRate externalId fullName incomeAccount isInactive isQuarter isYear itemId
    lastModifiedDate periodName
    postingPeriod startDate tranDate tranId vatRegNumber
"""
_REST_NAMES = {name.lower(): name for name in _CAMEL_CASE.split()} | {
    "foreigntotal": "total",
    "foreignamountunpaid": "amountRemaining",
}

# What can be written on a customer: REST name -> (column, the table it refers to).
_CUSTOMER: dict[str, tuple[str, str | None]] = {
    "entityId": ("entityid", None),
    "companyName": ("companyname", None),
    "parent": ("parent", "customer"),
    "externalId": ("externalid", None),
    "email": ("email", None),
    "url": ("url", None),
    "subsidiary": ("subsidiary", "subsidiary"),
    "currency": ("currency", "currency"),
    "terms": ("terms", "term"),
    "isInactive": ("isinactive", None),
    "vatRegNumber": ("vatregnumber", None),
    "custentity_stripe_id": ("custentity_stripe_id", None),
    "custentity_sfdc_id": ("custentity_sfdc_id", None),
}

_ITEMS = ("servicesaleitem", "noninventorysaleitem")
_ITEM_ACCOUNTS = ("incomeAccount", "deferredRevenueAccount")

Body = Mapping[str, Any]
_POSTED: dict[str, Callable[[Store, Body, str | None, str | None], str]] = {
    "invoice": netsuite_invoice.post_invoice,
    "journalentry": netsuite_journal.post_journal,
    **netsuite_settling.SETTLING,
    "customerrefund": netsuite_refunding.post_refund,
    "deposit": netsuite_depositing.post_deposit,
}

# A document whose main sublist is given anew is booked anew.
_REBOOKED: dict[tuple[str, str], Callable[[Store, Record, Body], None]] = {
    ("deposit", "payment"): netsuite_depositing.rebook_deposit,
    ("customerrefund", "apply"): netsuite_refunding.rebook_refund,
    ("journalentry", "line"): netsuite_journal.rebook_journal,
}


def rest_name(column: str) -> str:
    return _REST_NAMES.get(column, column)


def read(store: Store, kind: str, key: str, base: str, *, expand: bool = False) -> dict[str, Any]:
    """A record in REST names; its sublists as links below `base`, or with their lines."""
    record = find(store, kind, key)
    table = TABLES["netsuite", table_of(kind)]
    absent = account(store).absent
    url = f"{base}/{NAMES[kind]}/{record['id']}"
    answer: dict[str, Any] = {"links": [{"rel": "self", "href": url}]}
    for column, value in record.items():
        is_shown = column not in INTERNAL and f"{table.name}.{column}" not in absent
        if value is not None and is_shown:
            answer[rest_name(column)] = _as_json(table.columns[column], column, value)
    if kind == "invoice":
        answer["status"] = {"id": _STATUSES.get(record["status"], record["status"])}
    if kind == "customerpayment":
        answer["payment"] = answer.get("total")
    for name in SUBLISTS.get(kind, ()):
        links = {"links": [{"rel": "self", "href": f"{url}/{name}"}]}
        items = {"items": _sublist(store, name, record)} if expand else {}
        answer[name] = links | items
    return answer


def sublist(store: Store, kind: str, key: str, name: str) -> list[dict[str, Any]]:
    """The lines of one sublist."""
    record = find(store, kind, key)
    known = {each.lower(): each for each in SUBLISTS.get(kind, ())}
    if name.lower() not in known:
        raise not_found(kind, f"{key}/{name}")
    return _sublist(store, known[name.lower()], record)


def _sublist(store: Store, name: str, record: Record) -> list[dict[str, Any]]:
    if name == "line":
        return netsuite_journal.journal_lines(store, record["id"])
    if name == "apply":
        return netsuite_applying.apply_lines(store, record)
    if name == "taxDetails":
        return _tax_details(store, record["id"])
    return _lines(store, record["id"]) if name == "item" else _address_book(record)


def find(store: Store, kind: str, key: str) -> Record:
    """The record with an internal id, or with an external one (`eid:X`)."""
    record = _lookup(store, kind, key)
    if record is None:
        raise not_found(kind, key)
    return record


def table_of(kind: str) -> str:
    """The table that holds a REST record type."""
    if kind in TRANSACTIONS:
        return "transaction"
    if kind in SIMPLE:
        return SIMPLE[kind]
    raise NetSuiteError(f"Record type '{kind}' does not exist.", "INVALID_CONTENT", None, 404)


def create(store: Store, kind: str, body: Body, external_id: str | None = None) -> str:
    """Insert a record; returns its internal id."""
    if external_id is not None and body.get("externalId") not in (None, external_id):
        raise NetSuiteError("The external id differs from that in the URL", where="externalId")
    external_id = external_id or body.get("externalId")
    if external_id is not None and _lookup(store, kind, f"eid:{external_id}") is not None:
        detail = f"This record already exists: external id {external_id}"
        raise NetSuiteError(detail, "USER_ERROR", "externalId")
    if kind in _POSTED:
        return _POSTED[kind](store, body, external_id, None)
    if kind == "customer":
        return _create_customer(store, body, external_id)
    raise _read_only(kind)


def update(store: Store, kind: str, key: str, body: Body, replace: str | None) -> str:
    """Change a record; `replace` names sublists that the body gives anew, else lines are merged."""
    record = find(store, kind, key)
    _require_free(store, kind, str(record["id"]))
    replaced = set((replace or "").split(","))
    if kind == "customer":
        change = _customer_values(store, body)
        store.put("netsuite", "customer", {"id": record["id"], **change})
    elif kind in _ITEMS:
        store.put("netsuite", "item", {"id": record["id"], **_item_values(store, body)})
    elif kind in TRANSACTIONS and body.keys() == {"postingPeriod"}:
        netsuite_amend.move_period(store, record, body)
    elif rebook := next((_REBOOKED[kind, n] for n in replaced if (kind, n) in _REBOOKED), None):
        rebook(store, record, body)
    elif kind == "invoice":
        _change_invoice(store, record, body, replaced)
    elif kind == "deposit":
        netsuite_depositing.change_deposit(store, record, body)
    elif (
        kind in netsuite_settling.SETTLING
        and "apply" in body
        and body.keys() <= {"apply", "payment"}
    ):
        netsuite_applying.reapply(store, kind, record, body, whole="apply" in replaced)
    elif kind in netsuite_settling.SETTLING and "apply" in replaced:
        netsuite_settling.rebook(store, kind, record, body)
    else:
        raise _read_only(kind)
    return str(record["id"])


def _change_invoice(store: Store, invoice: Record, body: Body, replaced: set[str]) -> None:
    if "item" in replaced:
        netsuite_amend.amend_invoice(store, invoice, body)
    elif "item" in body:
        netsuite_invoice.merge_lines(store, invoice, body)
    else:
        netsuite_invoice.change_invoice(store, invoice, body)


def upsert(store: Store, kind: str, external_id: str, body: Body, replace: str | None) -> str:
    """Update the record with this external id, or create it; returns its internal id."""
    if _lookup(store, kind, f"eid:{external_id}") is None:
        return create(store, kind, body, external_id)
    return update(store, kind, f"eid:{external_id}", body, replace)


def delete(store: Store, kind: str, key: str) -> None:
    record = find(store, kind, key)
    if kind != "invoice":
        raise _read_only(kind)
    netsuite_invoice.require_open_period(store, record["postingperiod"])
    if store.rows("netsuite", "previoustransactionlinelink", previousdoc=record["id"]):
        detail = "This transaction cannot be deleted because it is linked to others."
        raise NetSuiteError(detail, "USER_ERROR")
    netsuite_invoice.remove_children(store, record["id"])
    store.delete("netsuite", "transaction", record["id"])


def _lookup(store: Store, kind: str, key: str) -> Record | None:
    table = table_of(kind)
    equals = {"type": TRANSACTIONS[kind]} if kind in TRANSACTIONS else {}
    if key.startswith("eid:"):
        if "externalid" not in TABLES["netsuite", table].columns:
            return None
        found = store.rows("netsuite", table, externalid=key.removeprefix("eid:"), **equals)
    else:
        found = store.rows("netsuite", table, id=key, **equals) if key.isdecimal() else []
    return found[0] if found else None


def _require_free(store: Store, kind: str, key: str) -> None:
    """Refuse a change of a record that a workflow holds, or that somebody else is changing."""
    set_up = account(store)
    if f"{kind}/{key}" in set_up.locked:
        detail = "This record has been locked by a user defined workflow."
        raise NetSuiteError(detail, "USER_ERROR")
    if f"{kind}/{key}" in set_up.contended:
        raise NetSuiteError("Record has been changed", "RCRD_HAS_BEEN_CHANGED")


def _read_only(kind: str) -> NetSuiteError:
    detail = f"The operation is not allowed on {kind}."
    return NetSuiteError(detail, "INSUFFICIENT_PERMISSION", None, 403)


def _create_customer(store: Store, body: Body, external_id: str | None) -> str:
    for name in ("companyName", "subsidiary"):
        if not body.get(name):
            raise NetSuiteError(f"Please enter value(s) for: {name}", "USER_ERROR", name)
    values = _customer_values(store, body)
    key = store.new_id("netsuite", "customer")
    defaults = {"isinactive": "F", "entityid": f"CUST{key}", "externalid": external_id}
    store.put("netsuite", "customer", {**defaults, **values, "id": key})
    return key


def _customer_values(store: Store, body: Body) -> Record:
    values: Record = {}
    for name, value in body.items():
        if name == "addressBook":
            values |= _address(value)
        elif name not in _CUSTOMER:
            raise NetSuiteError(f"Unknown field {name}", where=name)
        else:
            column, table = _CUSTOMER[name]
            values[column] = _customer_value(store, name, table, value)
    return values


def _item_values(store: Store, body: Body) -> Record:
    """Whether an item is out of use, and the accounts that it posts to, or none (null).

    An inactive account is not taken.
    """
    values: Record = {}
    for name, value in body.items():
        if name == "isInactive" and isinstance(value, bool):
            values["isinactive"] = "T" if value else "F"
            continue
        if name not in _ITEM_ACCOUNTS:
            raise NetSuiteError(f"Unknown field {name}", where=name)
        if value is None:
            values[name.lower()] = None
            continue
        key = netsuite_invoice.reference(store, value, "account", name)
        if (store.get("netsuite", "account", key) or {})["isinactive"] == "T":
            raise NetSuiteError(f"Invalid account reference key {key} for {name}.", where=name)
        values[name.lower()] = key
    return values


def _customer_value(store: Store, name: str, table: str | None, value: Any) -> Any:
    if value is None:
        return None
    if table is not None:
        key = value.get("id") if isinstance(value, Mapping) else None
        if key is None or store.get("netsuite", table, str(key)) is None:
            raise NetSuiteError(f"Invalid reference key {key} for {name}.", where=name)
        return str(key)
    if not isinstance(value, bool if name == "isInactive" else str):
        raise NetSuiteError(f"Invalid value for {name}: {value!r}", where=name)
    return value


def _address(book: Any) -> Record:
    """Country and postal code of the default billing address."""
    try:
        address = book["items"][0]["addressBookAddress"]
        country = address.get("country")
        values = {"billcountry": country["id"] if country else None, "billzip": address.get("zip")}
    except (KeyError, IndexError, TypeError, AttributeError) as error:
        where = "addressBook.items[0].addressBookAddress"
        raise NetSuiteError("Not an address book", where=where) from error
    return {column: value for column, value in values.items() if value is not None}


def _address_book(record: Record) -> list[dict[str, Any]]:
    address: dict[str, Any] = {}
    if record["billcountry"]:
        address["country"] = {"id": record["billcountry"]}
    if record["billzip"]:
        address["zip"] = record["billzip"]
    return [{"defaultBilling": True, "addressBookAddress": address}]


def _as_json(kind: Kind, column: str, value: Any) -> Any:
    if kind == "boolean":
        return value == "T"
    if kind == "decimal":
        return float(value)
    if kind == "datetime":
        return f"{value.replace(' ', 'T')}Z"
    if kind == "id" and column != "id":
        return {"id": value}
    return value


def _lines(store: Store, internal_id: str) -> list[dict[str, Any]]:
    lines = store.rows("netsuite", "transactionline", transaction=internal_id, taxline="F")
    return [
        {
            "line": int(line["id"]),
            "item": {"id": line["item"]},
            "quantity": float(line["quantity"] or 0),
            "amount": -float(line["foreignamount"]),
            "custcol_stripe_line_id": line["custcol_stripe_line_id"],
            "custcol_rev_start": line["custcol_rev_start"],
            "custcol_rev_end": line["custcol_rev_end"],
        }
        for line in lines
        if line["item"] is not None
    ]


def _tax_details(store: Store, internal_id: str) -> list[dict[str, Any]]:
    """The taxes of a document, added up by code."""
    lines = store.rows("netsuite", "transactionline", transaction=internal_id, taxline="T")
    return [
        {"taxCode": {"id": line["taxcode"]}, "taxAmount": -float(line["foreignamount"])}
        for line in lines
    ]
