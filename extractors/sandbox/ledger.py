"""NetSuite's rows of one document: transaction, lines, ledger lines, applications, revenue plans.

Pure: amounts come in as integers in minor units and leave as decimal text. Every document balances
in the base currency of its subsidiary; what rounding leaves over goes to the rounding account.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from extractors.sandbox.amounts import decimal_text, netsuite_time, rounded
from extractors.sandbox.reference import (
    CLEARING,
    CURRENCIES,
    CURRENCY_BY_ID,
    DEFERRED,
    ENTITY_BY_SUBSIDIARY,
    FX_GAIN,
    INCOME_ACCOUNT,
    RECEIVABLE,
    ROUNDING,
    SERVICES,
    TAX_PAYABLE,
)
from extractors.sandbox.revenue import InvoiceLine, revenue_plan_rows

__all__ = [
    "PRIMARY_BOOK",
    "Application",
    "Document",
    "Entry",
    "InvoiceLine",
    "JournalLine",
    "base_minor",
    "base_precision",
    "header_of",
    "invoice_rows",
    "journal_rows",
    "payment_rows",
]

Record = dict[str, Any]
Rows = dict[str, list[Record]]

PRIMARY_BOOK = "1"


@dataclass(frozen=True)
class Application:
    """The part of a payment that settles one invoice, which was booked at `exchange_rate`."""

    invoice_id: str
    amount_minor: int
    exchange_rate: Decimal


@dataclass(frozen=True)
class JournalLine:
    """`amount_minor` in base currency, debit positive; `books` names its accounting books."""

    account_id: str
    amount_minor: int
    memo: str = ""
    posting: bool = True
    books: tuple[str, ...] = (PRIMARY_BOOK,)


def base_minor(minor: int, currency_id: str, subsidiary: str, rate: Decimal) -> int:
    """Minor units of a currency in minor units of the subsidiary's base currency."""
    shift = base_precision(subsidiary) - CURRENCY_BY_ID[currency_id].precision
    return rounded((minor * rate).scaleb(shift))


def base_precision(subsidiary: str) -> int:
    return CURRENCIES[ENTITY_BY_SUBSIDIARY[subsidiary].currency].precision


@dataclass(frozen=True)
class Document:
    """What all lines of one document share."""

    internal_id: str
    subsidiary: str
    currency: str
    rate: Decimal

    def text(self, minor: int) -> str:
        return decimal_text(minor, CURRENCY_BY_ID[self.currency].precision)

    def base_text(self, minor: int) -> str:
        return decimal_text(minor, base_precision(self.subsidiary))

    def base(self, minor: int) -> int:
        return base_minor(minor, self.currency, self.subsidiary, self.rate)

    def line(self, number: int, minor: int, base: int, **columns: Any) -> Record:
        return {
            "transaction": self.internal_id,
            "id": str(number),
            "mainline": "F",
            "taxline": "F",
            "foreignamount": self.text(minor),
            "netamount": self.base_text(base),
            "subsidiary": self.subsidiary,
            **columns,
        }

    def posting(
        self,
        number: int,
        account: str,
        base: int,
        book: str = PRIMARY_BOOK,
        *,
        posting: bool = True,
    ) -> Record:
        return {
            "transaction": self.internal_id,
            "transactionline": str(number),
            "accountingbook": book,
            "account": account,
            "amount": self.base_text(base),
            "debit": self.base_text(base) if base > 0 else None,
            "credit": self.base_text(-base) if base < 0 else None,
            "posting": "T" if posting else "F",
        }


class Entry:
    """Lines and ledger lines of a document, numbered as they are added."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.lines: list[Record] = []
        self.postings: list[Record] = []
        self.base_sum = 0

    def add(self, account: str, minor: int, base: int, **columns: Any) -> int:
        number = len(self.lines)
        self.lines.append(self.document.line(number, minor, base, **columns))
        self.postings.append(self.document.posting(number, account, base))
        self.base_sum += base
        return number

    def close(self, account: str) -> None:
        """Book what is left of the debits and credits to one account."""
        if self.base_sum:
            self.add(account, 0, -self.base_sum)


def invoice_rows(
    *,
    internal_id: str,
    tranid: str,
    entity_id: str,
    subsidiary: str,
    currency: str,
    exchange_rate: Decimal,
    trandate: date,
    duedate: date,
    period_id: str,
    externalid: str | None,
    customform: str,
    lines: Sequence[InvoiceLine],
    custbody: Mapping[str, str],
    at: datetime,
) -> Rows:
    """Rows of an open customer invoice by table; `currency` and `subsidiary` are internal ids.

    `custbody` may set any further column of the transaction (custom fields, memo).
    """
    document = Document(internal_id, subsidiary, currency, exchange_rate)
    total = sum(line.amount_minor + line.tax_minor for line in lines)
    entry = Entry(document)
    entry.add(RECEIVABLE.id, total, document.base(total), mainline="T")
    plans: list[tuple[int, InvoiceLine]] = []
    for line in lines:
        number = _add_item(entry, line)
        if line.rev_start and line.rev_end:
            plans.append((number, line))
    _add_tax(entry, lines)
    entry.close(ROUNDING.id)
    transaction = header_of(
        document, "CustInvc", tranid=tranid, trandate=trandate, period=period_id, at=at
    ) | {
        "status": "A" if total else "B",
        "entity": entity_id,
        "duedate": duedate.isoformat(),
        "foreigntotal": document.text(total),
        "foreignamountunpaid": document.text(total),
        "externalid": externalid,
        "customform": customform,
        **custbody,
    }
    return {
        "transaction": [transaction],
        "transactionline": entry.lines,
        "transactionaccountingline": entry.postings,
        **revenue_plan_rows(document.internal_id, currency, plans, at),
    }


def _add_item(entry: Entry, line: InvoiceLine) -> int:
    document = entry.document
    deferred = line.rev_start is not None and line.item_id != SERVICES.item_id
    account = DEFERRED.id if deferred else INCOME_ACCOUNT[line.item_id]
    unit = Decimal(line.amount_minor) / line.quantity if line.quantity else Decimal(0)
    return entry.add(
        account,
        -line.amount_minor,
        -document.base(line.amount_minor),
        item=line.item_id,
        quantity=str(line.quantity),
        rate=_unit_text(unit, document.currency),
        taxcode=line.tax_code_id,
        custcol_stripe_line_id=line.stripe_line_id,
        custcol_rev_start=line.rev_start and line.rev_start.isoformat(),
        custcol_rev_end=line.rev_end and line.rev_end.isoformat(),
    )


def _unit_text(unit: Decimal, currency_id: str) -> str:
    scaled = unit.scaleb(-CURRENCY_BY_ID[currency_id].precision)
    return format(scaled.quantize(Decimal("0.0001")), "f")


def _add_tax(entry: Entry, lines: Iterable[InvoiceLine]) -> None:
    by_code: dict[str, int] = {}
    for line in lines:
        by_code[line.tax_code_id] = by_code.get(line.tax_code_id, 0) + line.tax_minor
    for code, tax in by_code.items():
        if tax:
            base = entry.document.base(tax)
            entry.add(TAX_PAYABLE.id, -tax, -base, taxline="T", taxcode=code)


def header_of(
    document: Document, kind: str, *, tranid: str, trandate: date, period: str, at: datetime
) -> Record:
    stamp = netsuite_time(at)
    return {
        "id": document.internal_id,
        "tranid": tranid,
        "type": kind,
        "trandate": trandate.isoformat(),
        "postingperiod": period,
        "currency": document.currency,
        "exchangerate": format(document.rate, "f"),
        "createddate": stamp,
        "lastmodifieddate": stamp,
        "voided": "F",
        "posting": "T",
        "custbody_status_changed_at": stamp,
    }


def payment_rows(
    *,
    internal_id: str,
    tranid: str,
    entity_id: str,
    subsidiary: str,
    currency: str,
    exchange_rate: Decimal,
    trandate: date,
    period_id: str,
    externalid: str | None,
    amount_minor: int,
    applied: Sequence[Application],
    custbody: Mapping[str, str],
    at: datetime,
    bank_account: str = CLEARING.id,
) -> Rows:
    """Rows of a customer payment and of its applications to invoices."""
    document = Document(internal_id, subsidiary, currency, exchange_rate)
    entry = Entry(document)
    entry.add(bank_account, amount_minor, document.base(amount_minor), mainline="T")
    settled = sum(
        base_minor(part.amount_minor, currency, subsidiary, part.exchange_rate) for part in applied
    )
    unapplied = amount_minor - sum(part.amount_minor for part in applied)
    entry.add(RECEIVABLE.id, -amount_minor, -settled - document.base(unapplied))
    entry.close(FX_GAIN.id)
    transaction = header_of(
        document, "CustPymt", tranid=tranid, trandate=trandate, period=period_id, at=at
    ) | {
        "status": "C",
        "entity": entity_id,
        "foreigntotal": document.text(amount_minor),
        "foreignamountunpaid": "0",
        "externalid": externalid,
        **custbody,
    }
    return {
        "transaction": [transaction],
        "transactionline": entry.lines,
        "transactionaccountingline": entry.postings,
        "previoustransactionlinelink": [_link(document, part) for part in applied],
    }


def _link(document: Document, part: Application) -> Record:
    return {
        "previousdoc": part.invoice_id,
        "previousline": "0",
        "nextdoc": document.internal_id,
        "nextline": "1",
        "foreignamount": document.text(part.amount_minor),
        "linktype": "Payment",
    }


def journal_rows(
    *,
    internal_id: str,
    tranid: str,
    subsidiary: str,
    trandate: date,
    period_id: str,
    lines: Sequence[JournalLine],
    memo: str,
    at: datetime,
) -> Rows:
    """Rows of a journal in the subsidiary's base currency; its lines have to balance."""
    currency = CURRENCIES[ENTITY_BY_SUBSIDIARY[subsidiary].currency].id
    document = Document(internal_id, subsidiary, currency, Decimal(1))
    rows: Rows = {"transactionline": [], "transactionaccountingline": []}
    debits = 0
    for number, line in enumerate(lines):
        minor = line.amount_minor
        debits += max(minor, 0) if line.posting and PRIMARY_BOOK in line.books else 0
        rows["transactionline"].append(document.line(number, minor, minor, memo=line.memo or None))
        rows["transactionaccountingline"].extend(
            document.posting(number, line.account_id, minor, book, posting=line.posting)
            for book in line.books
        )
    transaction = header_of(
        document, "Journal", tranid=tranid, trandate=trandate, period=period_id, at=at
    ) | {
        "status": "B",
        "foreigntotal": document.text(debits),
        "memo": memo,
    }
    return {"transaction": [transaction], **rows}
