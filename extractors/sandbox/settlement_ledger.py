"""NetSuite's rows of what settles invoices and empties clearing.

Credit memos, customer refunds, deposits and the journals of disputes.

Pure, as in ledger.py. Credit memos and customer refunds carry the sign of their effect on what the
customer owes: a credit memo's total is negative, and so is a refund's effect on the bank.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from extractors.sandbox.ledger import (
    Application,
    Document,
    Entry,
    Record,
    Rows,
    base_minor,
    header_of,
)
from extractors.sandbox.reference import (
    BANK,
    CARD_FEES,
    CLEARING,
    CREDITS_GIVEN,
    DEFERRED,
    FX_GAIN,
    RECEIVABLE,
    ROUNDING,
    TAX_PAYABLE,
)
from extractors.sandbox.revenue import CreditedLine, credit_plan_rows


@dataclass(frozen=True)
class Header:
    """What the head of a document says; `currency`, `subsidiary` and `entity_id` are internal ids.

    `custbody` may set any further column of the transaction.
    """

    internal_id: str
    tranid: str
    entity_id: str | None
    subsidiary: str
    currency: str
    exchange_rate: Decimal
    trandate: date
    period_id: str
    externalid: str | None
    custbody: Mapping[str, str]
    at: datetime

    @property
    def document(self) -> Document:
        return Document(self.internal_id, self.subsidiary, self.currency, self.exchange_rate)

    def base_of(self, parts: Sequence[Application]) -> int:
        """What the applied parts were booked at, minor units of the base currency."""
        return sum(
            base_minor(part.amount_minor, self.currency, self.subsidiary, part.exchange_rate)
            for part in parts
        )

    def rows(self, kind: str, entry: Entry, **columns: str | None) -> Rows:
        head = header_of(
            self.document,
            kind,
            tranid=self.tranid,
            trandate=self.trandate,
            period=self.period_id,
            at=self.at,
        )
        known = {"entity": self.entity_id, "externalid": self.externalid, **columns}
        return {
            "transaction": [head | known | dict(self.custbody)],
            "transactionline": entry.lines,
            "transactionaccountingline": entry.postings,
        }

    def link(self, part: Application, line: int, kind: str = "Payment") -> Record:
        """That one line of this document takes up a part of an earlier document."""
        return {
            "previousdoc": part.invoice_id,
            "previousline": "0",
            "nextdoc": self.internal_id,
            "nextline": str(line),
            "foreignamount": self.document.text(part.amount_minor),
            "linktype": kind,
        }


def credit_rows(
    header: Header,
    *,
    net_minor: int,
    tax_minor: int,
    tax_code_id: str,
    applied: Sequence[Application],
    credited: Sequence[CreditedLine] = (),
) -> Rows:
    """Rows of a credit memo, of its applications to invoices, and of the revenue it takes back.

    `credited` says which sold lines the net amount comes off; the rest of it is an allowance.
    """
    document = header.document
    entry = Entry(document)
    total = net_minor + tax_minor
    left = total - sum(part.amount_minor for part in applied)
    receivable = header.base_of(applied) + document.base(left)
    entry.add(RECEIVABLE.id, -total, -receivable, mainline="T")
    plans = []
    for line in credited:
        number = entry.add(
            DEFERRED.id if line.months or line.is_deferred else CREDITS_GIVEN.id,
            line.amount_minor,
            document.base(line.amount_minor),
            item=line.item_id,
            taxcode=tax_code_id,
            custcol_stripe_line_id=line.stripe_line_id,
        )
        if line.months:
            plans.append((number, line))
    if rest := net_minor - sum(line.amount_minor for line in credited):
        entry.add(CREDITS_GIVEN.id, rest, document.base(rest), taxcode=tax_code_id)
    if tax_minor:
        base = document.base(tax_minor)
        entry.add(TAX_PAYABLE.id, tax_minor, base, taxline="T", taxcode=tax_code_id)
    entry.close(FX_GAIN.id if applied else ROUNDING.id)
    links = [header.link(part, 0) for part in applied]
    rows = header.rows(
        "CustCred",
        entry,
        status="A" if left else "B",
        foreigntotal=document.text(-total),
        foreignamountunpaid=document.text(-left),
    )
    return (
        rows
        | {"previoustransactionlinelink": links}
        | credit_plan_rows(header.internal_id, header.currency, plans, header.at)
    )


def refund_rows(header: Header, credit: Application, account: str = CLEARING.id) -> Rows:
    """Rows of a customer refund that pays out a credit memo, which was booked at its own rate."""
    document = header.document
    amount = credit.amount_minor
    entry = Entry(document)
    entry.add(account, -amount, -document.base(amount), mainline="T")
    entry.add(RECEIVABLE.id, amount, header.base_of([credit]))
    entry.close(FX_GAIN.id)
    rows = header.rows(
        "CustRfnd",
        entry,
        status="C",
        foreigntotal=document.text(-amount),
        foreignamountunpaid="0",
    )
    return rows | {"previoustransactionlinelink": [header.link(credit, 1)]}


@dataclass(frozen=True)
class Banked:
    """What one balance transaction brings to the bank, minor units; negative where it takes.

    `member_id` is the payment or refund of the ERP whose money it is.
    """

    balance_id: str | None
    source: str
    gross_minor: int
    member_id: str | None


def deposit_rows(
    header: Header,
    banked: Sequence[Banked],
    fees: Mapping[str, int],
    bank: str = BANK.id,
    fee_account: str = CARD_FEES.id,
) -> Rows:
    """Rows of a deposit: out of clearing, less the fees that were kept back, into the bank."""
    document = header.document
    entry = Entry(document)
    net = sum(part.gross_minor for part in banked) - sum(fees.values())
    entry.add(bank, net, document.base(net), mainline="T")
    links = []
    for part in banked:
        base = document.base(part.gross_minor)
        number = entry.add(
            CLEARING.id,
            -part.gross_minor,
            -base,
            memo=part.source,
            custcol_stripe_balance_id=part.balance_id,
        )
        if part.member_id is not None:
            taken = Application(part.member_id, abs(part.gross_minor), header.exchange_rate)
            links.append(header.link(taken, number, "Deposit"))
    for name, fee in fees.items():
        if fee:
            entry.add(fee_account, fee, document.base(fee), memo=name)
    entry.close(ROUNDING.id)
    rows = header.rows("Deposit", entry, foreigntotal=document.text(net))
    return rows | {"previoustransactionlinelink": links}


def transfer_rows(header: Header, amount_minor: int, debit: str, credit: str) -> Rows:
    """Rows of a journal that moves an amount from one account to another."""
    document = header.document
    base = document.base(amount_minor)
    entry = Entry(document)
    entry.add(debit, amount_minor, base)
    entry.add(credit, -amount_minor, -base)
    return header.rows("Journal", entry, status="B", foreigntotal=document.text(amount_minor))
