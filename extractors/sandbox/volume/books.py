"""The ERP's copies of invoices and payments, numbered as they were posted."""

from collections.abc import Iterable
from datetime import timedelta
from decimal import Decimal
from random import Random

from extractors.sandbox.amounts import netsuite_time
from extractors.sandbox.ids import stripe_id
from extractors.sandbox.ledger import Application, InvoiceLine, invoice_rows, payment_rows
from extractors.sandbox.reference import (
    CURRENCIES,
    exchange_rate,
    period_id,
)
from extractors.sandbox.tables import Record
from extractors.sandbox.volume.customers import TERMS
from extractors.sandbox.volume.invoices import Invoiced
from extractors.sandbox.volume.writer import Writer
from extractors.sandbox.world.moments import moment


def post(into: Writer, invoices: Iterable[Invoiced], chance: Random) -> None:
    """The ERP's transactions; an invoice carries the stamp of the payment that settled it."""
    posted: dict[int, tuple[str, Record]] = {}
    for number, (at, invoice, is_payment) in enumerate(_postings(invoices, chance), 1):
        if is_payment:
            internal, transaction = posted.pop(invoice.number)
            stamp = netsuite_time(moment(at))
            settled = {"status": "B", "foreignamountunpaid": "0", "lastmodifieddate": stamp}
            into.add("netsuite", "transaction", transaction | settled)
            into.add_rows(_payment_rows(invoice, str(number), internal, transaction, at))
        else:
            rows = _invoice_rows(invoice, str(number), at)
            posted[invoice.number] = (str(number), rows.pop("transaction")[0])
            into.add_rows(rows)
    for _, transaction in posted.values():
        into.add("netsuite", "transaction", transaction)


def _postings(invoices: Iterable[Invoiced], chance: Random) -> list[tuple[int, Invoiced, bool]]:
    """(when, of which invoice, whether its payment rather than itself), in order."""
    postings = []
    for invoice in invoices:
        at = invoice.bill.at + chance.randrange(1_200, 7_200)
        postings.append((at, invoice, False))
        if invoice.bill.paid_at is not None:
            landed = max(at, invoice.bill.paid_at) + chance.randrange(300, 2_400)
            postings.append((landed, invoice, True))
    return sorted(postings, key=lambda each: (each[0], each[1].number, each[2]))


def _invoice_rows(invoice: Invoiced, internal: str, at: int) -> dict[str, list[Record]]:
    customer, bill = invoice.customer, invoice.bill
    entity, trandate = customer.entity, moment(bill.at).date()
    lines = [
        InvoiceLine(
            item_id=sold.product.item_id,
            quantity=sold.quantity,
            amount_minor=sold.amount,
            tax_minor=tax,
            tax_code_id=entity.tax_code_id,
            rev_start=None,
            rev_end=None,
            stripe_line_id=invoice.line_id(place),
        )
        for place, (sold, tax) in enumerate(zip(customer.sold, invoice.taxes, strict=True))
    ]
    return invoice_rows(
        internal_id=internal,
        tranid=f"NWC-{invoice.number:07d}",
        entity_id=customer.erp_id,
        subsidiary=entity.subsidiary_id,
        currency=CURRENCIES[customer.currency].id,
        exchange_rate=exchange_rate(customer.currency, entity.currency, trandate),
        trandate=trandate,
        duedate=trandate + timedelta(days=0 if customer.by_card else TERMS),
        period_id=period_id(trandate),
        externalid=invoice.id,
        customform="subscription",
        lines=lines,
        custbody={
            "custbody_stripe_invoice_id": invoice.id,
            "custbody_q2c_correlation_id": f"q2c_{customer.number:08d}",
        },
        at=moment(at),
    )


def _payment_rows(
    invoice: Invoiced, internal: str, paid: str, transaction: Record, at: int
) -> dict[str, list[Record]]:
    customer = invoice.customer
    assert invoice.bill.paid_at is not None
    trandate = moment(invoice.bill.paid_at).date()
    charge = stripe_id("charge", invoice.number) if customer.by_card else None
    rate = exchange_rate(customer.currency, customer.entity.currency, trandate)
    part = Application(paid, invoice.total, Decimal(transaction["exchangerate"]))
    return payment_rows(
        internal_id=internal,
        tranid=f"PYMT{invoice.number:07d}",
        entity_id=customer.erp_id,
        subsidiary=customer.entity.subsidiary_id,
        currency=transaction["currency"],
        exchange_rate=rate,
        trandate=trandate,
        period_id=period_id(trandate),
        externalid=charge,
        amount_minor=invoice.total,
        applied=[part],
        custbody={"custbody_stripe_charge_id": charge} if charge else {"memo": "Wire transfer"},
        at=moment(at),
    )
