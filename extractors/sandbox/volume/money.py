"""What is billed and paid: Stripe's documents and its balance."""

from collections import defaultdict
from collections.abc import Iterable

from extractors.sandbox.ids import stripe_id
from extractors.sandbox.stripe_balance import charge_entry, payout_entry, payout_of, refund_entry
from extractors.sandbox.tables import Record
from extractors.sandbox.volume.catalogue import (
    PRICE_NUMBERS,
    PRODUCT_NUMBERS,
)
from extractors.sandbox.volume.customers import MONTH, TERMS, first_of_month
from extractors.sandbox.volume.invoices import Invoiced
from extractors.sandbox.volume.sales import listed, thread_of
from extractors.sandbox.volume.writer import Writer
from extractors.sandbox.world.moments import DAY, moment


def bill(into: Writer, invoices: Iterable[Invoiced], until: int) -> None:
    """Stripe's invoices, the payments of those that were paid, and what became of the money."""
    money = Money(into)
    for invoice in invoices:
        into.add("stripe", "invoice", _invoice(invoice))
        if invoice.bill.paid_at is not None:
            money.pay(invoice, invoice.bill.paid_at)
    money.pay_out(until)


def _invoice(invoice: Invoiced) -> Record:
    customer, bill = invoice.customer, invoice.bill
    paid = invoice.total if bill.paid_at is not None else 0
    tax = sum(invoice.taxes)
    return {
        "id": invoice.id,
        "number": f"NWC-{invoice.number:07d}",
        "customer": customer.id,
        "currency": customer.currency.lower(),
        "status": "open" if bill.paid_at is None else "paid",
        "collection_method": "charge_automatically" if customer.by_card else "send_invoice",
        "billing_reason": "subscription_cycle",
        "status_transitions": {
            "finalized_at": bill.at,
            "paid_at": bill.paid_at,
            "voided_at": None,
            "marked_uncollectible_at": None,
        },
        "due_date": None if customer.by_card else bill.at + TERMS * DAY,
        "subtotal": invoice.subtotal,
        "total_discount_amounts": [],
        "total_taxes": [_tax(tax, invoice.subtotal)] if tax else [],
        "total": invoice.total,
        "amount_due": invoice.total,
        "amount_paid": paid,
        "amount_remaining": invoice.total - paid,
        "parent": {
            "type": "subscription_details",
            "subscription_details": {"subscription": stripe_id("subscription", customer.number)},
        },
        "lines": listed([_line(invoice, place) for place in range(len(customer.sold))]),
        "metadata": thread_of(customer),
        "created": bill.at,
    }


def _tax(amount: int, taxable: int) -> Record:
    return {"amount": amount, "tax_behavior": "exclusive", "taxable_amount": taxable}


def _line(invoice: Invoiced, place: int) -> Record:
    customer, sold = invoice.customer, invoice.customer.sold[place]
    months = 12 if customer.is_yearly else 1
    tax = invoice.taxes[place]
    price = PRICE_NUMBERS[sold.product.sku, customer.currency, customer.is_yearly]
    return {
        "id": invoice.line_id(place),
        "object": "line_item",
        "amount": sold.amount,
        "currency": customer.currency.lower(),
        "quantity": sold.quantity,
        "description": f"{sold.product.name} x {sold.quantity}",
        "period": {"start": invoice.bill.at, "end": invoice.bill.at + int(months * MONTH)},
        "pricing": {
            "type": "price_details",
            "price_details": {
                "price": stripe_id("price", price),
                "product": stripe_id("product", PRODUCT_NUMBERS[sold.product.sku]),
            },
            "unit_amount_decimal": str(sold.unit),
        },
        "discount_amounts": [],
        "taxes": [_tax(tax, sold.amount)] if tax else [],
        "metadata": {},
    }


class Money:
    """Payments of invoices, and the balance that they fill until it is paid out."""

    def __init__(self, into: Writer) -> None:
        self._into = into
        self._entries: list[Record] = []

    def pay(self, invoice: Invoiced, at: int) -> None:
        number, customer = invoice.number, invoice.customer
        intent = stripe_id("payment_intent", number)
        record = {"type": "payment_record", "payment_record": stripe_id("payment_record", number)}
        payment = {
            "id": stripe_id("invoice_payment", number),
            "invoice": invoice.id,
            "amount_paid": invoice.total,
            "currency": customer.currency.lower(),
            "status": "paid",
            "payment": _by_intent(intent) if customer.by_card else record,
            "status_transitions": {"paid_at": at},
            "created": at,
        }
        self._into.add("stripe", "invoice_payment", payment)
        if customer.by_card:
            self._charge(invoice, intent, at)

    def _charge(self, invoice: Invoiced, intent: str, at: int) -> None:
        customer, amount = invoice.customer, invoice.total
        refunded = amount if invoice.bill.is_refunded else 0
        charge: Record = {
            "id": stripe_id("charge", invoice.number),
            "amount": amount,
            "amount_refunded": refunded,
            "currency": customer.currency.lower(),
            "customer": customer.id,
            "status": "succeeded",
            "paid": True,
            "payment_intent": intent,
            "balance_transaction": self._next_entry(),
            "metadata": {},
            "created": at,
        }
        self._entries.append(charge_entry(charge["balance_transaction"], charge, at))
        self._into.add("stripe", "charge", charge)
        made = {
            "id": intent,
            "amount": amount,
            "amount_received": amount,
            "currency": charge["currency"],
            "customer": customer.id,
            "invoice": invoice.id,
            "latest_charge": charge["id"],
            "status": "succeeded",
            "created": at,
        }
        self._into.add("stripe", "payment_intent", made)
        if refunded:
            self._refund(charge, invoice.number, at + 3_600)

    def _refund(self, charge: Record, number: int, at: int) -> None:
        refund = {
            "id": stripe_id("refund", number),
            "amount": charge["amount_refunded"],
            "balance_transaction": self._next_entry(),
            "charge": charge["id"],
            "currency": charge["currency"],
            "customer": charge["customer"],
            "payment_intent": charge["payment_intent"],
            "reason": "requested_by_customer",
            "status": "succeeded",
            "created": at,
        }
        self._entries.append(refund_entry(refund["balance_transaction"], refund, at))
        self._into.add("stripe", "refund", refund)

    def _next_entry(self) -> str:
        return stripe_id("balance_transaction", len(self._entries) + 1)

    def pay_out(self, until: int) -> None:
        """One payout for each currency and month that is over."""
        swept: dict[tuple[int, str], list[Record]] = defaultdict(list)
        for entry in self._entries:
            due = first_of_month(moment(entry["available_on"]), 1)
            if due + 7 * DAY < until:
                swept[due, entry["currency"]].append(entry)
        for number, ((due, _), entries) in enumerate(sorted(swept.items()), 1):
            key = self._next_entry()
            payout = payout_of(stripe_id("payout", number), key, entries, due)
            if payout["amount"] <= 0:
                continue
            for entry in entries:
                entry |= {"payout": payout["id"], "status": "available"}
            self._into.add("stripe", "payout", payout | {"status": "paid"})
            self._entries.append(payout_entry(key, payout, due))
        for entry in sorted(self._entries, key=lambda entry: entry["created"]):
            self._into.add("stripe", "balance_transaction", entry)


def _by_intent(intent: str) -> Record:
    return {"type": "payment_intent", "payment_intent": intent}
