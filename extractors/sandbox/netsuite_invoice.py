"""Posts a NetSuite invoice: checks the body as NetSuite would, then books it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from extractors.sandbox.ledger import InvoiceLine, invoice_rows
from extractors.sandbox.netsuite_account import account
from extractors.sandbox.netsuite_errors import NetSuiteError
from extractors.sandbox.reference import (
    CURRENCY_BY_ID,
    ENTITY_BY_SUBSIDIARY,
    exchange_rate,
)
from extractors.sandbox.store import Store
from extractors.sandbox.tables import Record

_CHILDREN = ("transactionline", "transactionaccountingline")
_FIELDS = {
    "entity",
    "subsidiary",
    "currency",
    "exchangeRate",
    "tranId",
    "tranDate",
    "dueDate",
    "postingPeriod",
    "customForm",
    "externalId",
    "memo",
    "taxDetailsOverride",
    "item",
    "taxDetails",
    "custbody_stripe_invoice_id",
    "custbody_q2c_correlation_id",
}
_HEADER = {
    "memo": "memo",
    "dueDate": "duedate",
    "tranDate": "trandate",
    "custbody_stripe_invoice_id": "custbody_stripe_invoice_id",
    "custbody_q2c_correlation_id": "custbody_q2c_correlation_id",
}
_DAYS = ("duedate", "trandate")
_LINE_FIELDS = {
    "item",
    "quantity",
    "amount",
    "rate",
    "description",
    "custcol_stripe_line_id",
    "custcol_rev_start",
    "custcol_rev_end",
    "taxDetailsReference",
}

Body = Mapping[str, Any]


@dataclass(frozen=True)
class _Tax:
    """The tax of one line as the client worked it out."""

    code: str
    amount_minor: int


def post_invoice(store: Store, body: Body, external_id: str | None, internal_id: str | None) -> str:
    """Book a new invoice, or book one anew under its internal id; returns the internal id."""
    require_known(body, _FIELDS, "")
    checked = Checked(store, body, internal_id)
    key = internal_id or store.new_id("netsuite", "transaction")
    header = {
        "tranid": checked.tranid,
        "entity_id": checked.reference("entity", "customer"),
        "subsidiary": checked.reference("subsidiary", "subsidiary"),
        "currency": checked.reference("currency", "currency"),
        "exchange_rate": checked.exchange_rate(),
        "trandate": day(body.get("tranDate"), "tranDate"),
        "duedate": day(body.get("dueDate", body.get("tranDate")), "dueDate"),
        "period_id": checked.period(),
        "externalid": external_id,
        "customform": str(body.get("customForm", "subscription")),
        "custbody": {
            column: str(body[name])
            for name, column in _HEADER.items()
            if column not in _DAYS and body.get(name) is not None
        },
    }
    _book(store, key, header, checked.lines())
    return key


def _book(store: Store, key: str, header: Mapping[str, Any], lines: Sequence[InvoiceLine]) -> None:
    rows = invoice_rows(internal_id=key, **header, lines=lines, at=store.tick())
    for table, records in rows.items():
        store.put_many("netsuite", table, records)


def merge_lines(store: Store, invoice: Record, body: Body) -> None:
    """Change the lines that are named by number, and add those that are not: sent twice, twice."""
    _require_unpaid(store, invoice)
    stored = stored_lines(store, invoice)
    currency = {"id": invoice["currency"]}
    whole = {**body, "currency": currency, "tranId": invoice["tranid"]}
    checked = Checked(store, whole, invoice["id"])
    lines = checked.merged(stored)
    subsidiary = store.rows("netsuite", "transactionline", transaction=invoice["id"])[0]
    header = {
        "tranid": invoice["tranid"],
        "entity_id": invoice["entity"],
        "subsidiary": subsidiary["subsidiary"],
        "currency": invoice["currency"],
        "exchange_rate": Decimal(invoice["exchangerate"]),
        "trandate": date.fromisoformat(invoice["trandate"]),
        "duedate": date.fromisoformat(invoice["duedate"]),
        "period_id": invoice["postingperiod"],
        "externalid": invoice["externalid"],
        "customform": invoice["customform"],
        "custbody": {c: invoice[c] for c in _HEADER.values() if c not in _DAYS and invoice[c]},
    }
    remove_children(store, invoice["id"])
    _book(store, invoice["id"], header, lines)
    keep_creation(store, invoice)


def _require_unpaid(store: Store, invoice: Record) -> None:
    if invoice["foreignamountunpaid"] != invoice["foreigntotal"]:
        raise NetSuiteError("This transaction has payments applied to it.", "USER_ERROR")
    require_open_period(store, invoice["postingperiod"])


def keep_creation(store: Store, invoice: Record) -> None:
    created = {"id": invoice["id"], "createddate": invoice["createddate"]}
    store.put("netsuite", "transaction", created, False)


def stored_lines(store: Store, invoice: Record) -> dict[str, InvoiceLine]:
    """The sold lines by their number; the tax of a code stands on the first line with it."""
    rows = store.rows("netsuite", "transactionline", transaction=invoice["id"])
    currency = store.get("netsuite", "currency", invoice["currency"])
    assert currency is not None

    def minor(row: Record) -> int:
        return -int(Decimal(row["foreignamount"]).scaleb(currency["currencyprecision"]))

    taxes = {row["taxcode"]: minor(row) for row in rows if row["taxline"] == "T"}
    return {
        row["id"]: InvoiceLine(
            item_id=row["item"],
            quantity=int(Decimal(row["quantity"])),
            amount_minor=minor(row),
            tax_minor=taxes.pop(row["taxcode"], 0),
            tax_code_id=row["taxcode"],
            rev_start=_stored_day(row["custcol_rev_start"]),
            rev_end=_stored_day(row["custcol_rev_end"]),
            stripe_line_id=row["custcol_stripe_line_id"],
        )
        for row in rows
        if row["item"] is not None
    }


def _stored_day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None


def change_invoice(store: Store, invoice: Record, body: Body) -> None:
    """Change header fields of a posted invoice; amounts and lines stay."""
    require_known(body, set(_HEADER) | {"externalId"}, "")
    require_open_period(store, invoice["postingperiod"])
    change = {column: body[name] for name, column in _HEADER.items() if name in body}
    for name in ("dueDate", "tranDate"):
        if body.get(name):
            change[_HEADER[name]] = day(body[name], name)
    if "externalId" in body:
        change["externalid"] = body["externalId"]
    store.put("netsuite", "transaction", {"id": invoice["id"], **change})


def remove_children(store: Store, internal_id: str) -> None:
    """Take a transaction's lines, ledger lines and revenue plans away."""
    for plan in store.rows("netsuite", "revenueplan", sourcetransaction=internal_id):
        store.execute("DELETE FROM netsuite_revenueplanline WHERE revenueplan = ?", (plan["id"],))
        store.execute("DELETE FROM netsuite_revenueplan WHERE id = ?", (plan["id"],))
    for table in _CHILDREN:
        store.execute(f'DELETE FROM netsuite_{table} WHERE "transaction" = ?', (internal_id,))


def take_links(store: Store, internal_id: str) -> None:
    """Let go all that a document was made of, or was applied to."""
    links = "DELETE FROM netsuite_previoustransactionlinelink WHERE nextdoc = ?"
    store.execute(links, (internal_id,))


def own_columns(body: Body, names: Iterable[str]) -> dict[str, str]:
    """Of a body's columns of the transaction those that are given, as text."""
    return {name: str(body[name]) for name in names if body.get(name) is not None}


def period_of(store: Store, on: date) -> str:
    """The month that holds a day."""
    for row in store.rows("netsuite", "accountingperiod", isquarter="F", isyear="F"):
        if row["startdate"] <= on.isoformat() <= row["enddate"]:
            return str(row["id"])
    raise NetSuiteError(f"There is no period for {on}", "USER_ERROR", "tranDate")


def precision_of(store: Store, currency_id: str) -> int:
    """Decimals of a currency's minor unit."""
    currency = store.get("netsuite", "currency", currency_id)
    assert currency is not None
    return int(currency["currencyprecision"])


def require_open_period(store: Store, period_id: str | None) -> None:
    period = store.get("netsuite", "accountingperiod", period_id or "0")
    if period is None or period["isquarter"] == "T" or period["isyear"] == "T":
        raise NetSuiteError(f"Invalid posting period: {period_id}", where="postingPeriod")
    if period["closed"] == "T" or period["arlocked"] == "T":
        detail = f"The period {period['periodname']} is closed or locked for receivables."
        raise NetSuiteError(detail, "USER_ERROR", "postingPeriod")


class Checked:
    """Reads the parts of an invoice body; whatever does not hold raises."""

    def __init__(
        self, store: Store, body: Body, internal_id: str | None, kind: str = "CustInvc"
    ) -> None:
        self._store = store
        self._body = body
        self.tranid = str(body.get("tranId") or self._next_number())
        for other in store.rows("netsuite", "transaction", type=kind, tranid=self.tranid):
            if other["id"] != internal_id:
                detail = f"This document number already exists: {self.tranid}"
                raise NetSuiteError(detail, "USER_ERROR", "tranId")

    def reference(self, name: str, table: str) -> str:
        return reference(self._store, self._body.get(name), table, name)

    def exchange_rate(self) -> Decimal:
        """Base currency for one unit: as given, or else our own rate of the invoice's date."""
        if "exchangeRate" in self._body:
            return decimal(self._body["exchangeRate"], "exchangeRate")
        currency = CURRENCY_BY_ID.get(self.reference("currency", "currency"))
        entity = ENTITY_BY_SUBSIDIARY[self.reference("subsidiary", "subsidiary")]
        if currency is None:
            raise NetSuiteError(
                "There is no exchange rate for this currency.", "USER_ERROR", "currency"
            )
        return exchange_rate(
            currency.code, entity.currency, day(self._body.get("tranDate"), "tranDate")
        )

    def period(self) -> str:
        period_id = self.reference("postingPeriod", "accountingperiod")
        require_open_period(self._store, period_id)
        return period_id

    def _next_number(self) -> str:
        """What the account gives an invoice without a number, where it numbers them at all."""
        if not account(self._store).automatic_numbering:
            raise NetSuiteError("Please enter value(s) for: Invoice #", "USER_ERROR", "tranId")
        sql = "SELECT COUNT(*) FROM netsuite_transaction WHERE type = 'CustInvc'"
        return f"INV{self._store.query(sql)[0][0] + 100_001}"

    def lines(self) -> list[InvoiceLine]:
        given = items(self._body.get("item"), "item")
        if not given:
            raise NetSuiteError("Please enter at least one line", "USER_ERROR", "item.items")
        taxes = self._taxes()
        lines = [self._line(n, line, taxes) for n, line in enumerate(given)]
        _require_no_more(taxes)
        return lines

    def merged(self, stored: Mapping[str, InvoiceLine]) -> list[InvoiceLine]:
        """The stored lines as the body changes them, and those that it adds."""
        given = items(self._body.get("item"), "item")
        is_adding = any("line" not in line for line in given)
        taxes = self._taxes() if is_adding else {}
        lines, added = dict(stored), []
        for number, line in enumerate(given):
            if "line" not in line:
                added.append(self._line(number, line, taxes))
                continue
            key = str(line["line"])
            if key not in lines:
                detail = f"The line {key} does not exist."
                raise NetSuiteError(detail, where=f"item.items[{number}].line")
            lines[key] = self._changed(lines[key], line, f"item.items[{number}]")
        _require_no_more(taxes)
        return [*lines.values(), *added]

    def _changed(self, before: InvoiceLine, line: Body, place: str) -> InvoiceLine:
        require_known(line, _LINE_FIELDS | {"line"}, place)
        change: dict[str, Any] = {}
        if "item" in line:
            change["item_id"] = reference(self._store, line["item"], "item", f"{place}.item")
        if "quantity" in line:
            change["quantity"] = int(decimal(line["quantity"], f"{place}.quantity"))
        if "amount" in line:
            change["amount_minor"] = self._minor(line["amount"], f"{place}.amount")
        if "custcol_stripe_line_id" in line:
            change["stripe_line_id"] = line["custcol_stripe_line_id"]
        for edge in ("start", "end"):
            if line.get(f"custcol_rev_{edge}"):
                where = f"{place}.custcol_rev_{edge}"
                change[f"rev_{edge}"] = day(line[f"custcol_rev_{edge}"], where)
        return replace(before, **change)

    def _line(self, number: int, line: Body, taxes: dict[str, _Tax]) -> InvoiceLine:
        place = f"item.items[{number}]"
        require_known(line, _LINE_FIELDS, place)
        tax = taxes.pop(str(line.get("taxDetailsReference")), None)
        if tax is None:
            raise NetSuiteError("Tax details are missing.", where=f"{place}.taxDetailsReference")
        start, end = (line.get(f"custcol_rev_{edge}") for edge in ("start", "end"))
        return InvoiceLine(
            item_id=reference(self._store, line.get("item"), "item", f"{place}.item"),
            quantity=int(decimal(line.get("quantity", 1), f"{place}.quantity")),
            amount_minor=self._minor(line.get("amount"), f"{place}.amount"),
            tax_minor=tax.amount_minor,
            tax_code_id=tax.code,
            rev_start=day(start, f"{place}.custcol_rev_start") if start else None,
            rev_end=day(end, f"{place}.custcol_rev_end") if end else None,
            stripe_line_id=line.get("custcol_stripe_line_id"),
        )

    def _taxes(self) -> dict[str, _Tax]:
        if self._body.get("taxDetailsOverride") is not True:
            detail = "Tax details can only be given with taxDetailsOverride"
            raise NetSuiteError(detail, where="taxDetailsOverride")
        taxes = {}
        for number, given in enumerate(items(self._body.get("taxDetails"), "taxDetails")):
            place = f"taxDetails.items[{number}]"
            reference = given.get("taxDetailsReference")
            if not reference or reference in taxes:
                raise NetSuiteError("Not a unique reference", where=f"{place}.taxDetailsReference")
            taxes[str(reference)] = self._tax(given, place)
        return taxes

    def _tax(self, detail: Body, place: str) -> _Tax:
        code = reference(self._store, detail.get("taxCode"), "taxcode", f"{place}.taxCode")
        known = self._store.get("netsuite", "taxcode", code)
        assert known is not None
        if decimal(detail.get("taxRate"), f"{place}.taxRate") != Decimal(known["rate"] or 0):
            raise NetSuiteError("The rate is not that of the tax code", where=f"{place}.taxRate")
        self._minor(detail.get("taxBasis"), f"{place}.taxBasis")
        return _Tax(code, self._minor(detail.get("taxAmount"), f"{place}.taxAmount"))

    def _minor(self, value: Any, place: str) -> int:
        """An amount in minor units of the invoice's currency; finer ones are refused."""
        currency = self._store.get("netsuite", "currency", self.reference("currency", "currency"))
        assert currency is not None
        minor = decimal(value, place).scaleb(currency["currencyprecision"])
        if minor != minor.to_integral_value():
            raise NetSuiteError(f"Too many decimals: {value}", where=place)
        return int(minor)


def _require_no_more(taxes: Mapping[str, _Tax]) -> None:
    if taxes:
        detail = f"Tax details refer to no line: {', '.join(sorted(taxes))}"
        raise NetSuiteError(detail, where="taxDetails.items")


def reference(store: Store, value: Any, table: str, place: str) -> str:
    key = value.get("id") if isinstance(value, Mapping) else None
    if key is None or store.get("netsuite", table, str(key)) is None:
        raise NetSuiteError(f"Invalid reference key {key} for {place}.", where=place)
    return str(key)


def items(sublist: Any, place: str) -> list[Body]:
    given = sublist.get("items") if isinstance(sublist, Mapping) else None
    if not isinstance(given, list) or not all(isinstance(item, Mapping) for item in given):
        raise NetSuiteError("A sublist is an object with items", where=place)
    return given


def decimal(value: Any, place: str) -> Decimal:
    try:
        return Decimal(str(value))
    except InvalidOperation:
        raise NetSuiteError(f"Not a number: {value}", where=place) from None


def day(value: Any, place: str) -> date:
    try:
        return date.fromisoformat(str(value))
    except ValueError:
        raise NetSuiteError(f"Not a date: {value}", where=place) from None


def require_known(body: Body, known: set[str], place: str) -> None:
    unknown = sorted(body.keys() - known)
    if unknown:
        where = f"{place}.{unknown[0]}" if place else unknown[0]
        raise NetSuiteError(f"Unknown field {unknown[0]}", where=where)
