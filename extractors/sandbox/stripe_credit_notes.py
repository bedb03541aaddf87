"""Stripe's credit notes: what a finalized invoice is reduced by, since it cannot be changed.

On an open invoice a note lowers what is due. On a paid one it says where the money went: back by a
refund, to the customer's balance, or out of band.
"""

from collections.abc import Mapping
from typing import Any

from extractors.sandbox import stripe_money
from extractors.sandbox.store import Store
from extractors.sandbox.stripe_credit_lines import LINE, lines_of, tax_entry
from extractors.sandbox.stripe_errors import StripeError, not_allowed
from extractors.sandbox.stripe_forms import merged_metadata, require
from extractors.sandbox.stripe_operations import METADATA, Operation, live, named, now, updating
from extractors.sandbox.stripe_refunds import refundable
from extractors.sandbox.stripe_shapes import Document, complete

REASON = frozenset({"duplicate", "fraudulent", "order_change", "product_unsatisfactory"})
SPECS: dict[str, Any] = {
    "invoice": "text",
    "amount": "integer",
    "lines": [LINE],
    "credit_amount": "integer",
    "out_of_band_amount": "integer",
    "refund_amount": "integer",
    "refunds": [{"refund": "text", "amount_refunded": "integer"}],
    "effective_at": "integer",
    "memo": "text",
    "reason": REASON,
    **METADATA,
}


def _create(store: Store, asked: dict[str, Any], _: str) -> Document:
    note = drafted(store, asked)
    invoice = live(store, "invoice", asked["invoice"])
    note["id"] = store.new_id("stripe", "credit_note")
    for line in note["lines"]["data"]:
        line["id"] = store.new_id("stripe", "credit_note_line_item")
    note["refunds"] = [*note["refunds"], *_refunded(store, invoice, asked)]
    if asked.get("credit_amount"):
        customer = live(store, "customer", invoice["customer"])
        left = customer["balance"] - asked["credit_amount"]
        store.put("stripe", "customer", {"id": customer["id"], "balance": left})
    _apply(store, invoice, note)
    return store.put("stripe", "credit_note", note)


def drafted(store: Store, asked: dict[str, Any]) -> Document:
    """The note that a request would make; nothing is kept of it."""
    require(asked, "invoice")
    invoice = named(store, "invoice", asked["invoice"], "invoice")
    if invoice["status"] not in {"open", "paid"}:
        message = (
            "Credit notes can only be created for invoices that are open or paid; this one is "
            f"{invoice['status']}."
        )
        raise not_allowed(message, None, "invoice")
    lines = lines_of(invoice, asked)
    gross = sum(line["amount"] for line in lines)
    discount = sum(line["discount_amount"] for line in lines)
    tax = sum(entry["amount"] for line in lines for entry in line["taxes"])
    total = gross - discount + tax
    earlier = store.rows("stripe", "credit_note", parent=invoice["id"])
    left = invoice["total"] - sum(note["amount"] for note in earlier if note["status"] == "issued")
    if not 0 < total <= left:
        message = (
            f"The sum of credit notes for an invoice must not exceed its total: {total} is more "
            f"than the {left} left."
        )
        raise StripeError(message, "amount_too_large", "amount" if "amount" in asked else "lines")
    is_paid = invoice["status"] == "paid"
    links = _linked(store, asked)
    _require_whole(asked, links, total, is_paid=is_paid)
    at = now(store)
    note = {
        "id": "cn_preview",
        "amount": total,
        "created": at,
        "currency": invoice["currency"],
        "customer": invoice["customer"],
        "discount_amount": discount,
        "effective_at": asked.get("effective_at") or at,
        "invoice": invoice["id"],
        "lines": {"data": [{"id": f"cnli_{n}", **line} for n, line in enumerate(lines)]},
        "memo": asked.get("memo"),
        "metadata": merged_metadata({}, asked.get("metadata") or {}),
        "number": f"{invoice['number']}-CN-{len(earlier) + 1:02d}",
        "out_of_band_amount": asked.get("out_of_band_amount"),
        "pdf": f"https://pay.stripe.com/credit_notes/{invoice['id']}/pdf",
        "post_payment_amount": total if is_paid else 0,
        "pre_payment_amount": 0 if is_paid else total,
        "reason": asked.get("reason"),
        "refunds": links,
        "subtotal": gross,
        "total": total,
        "total_taxes": [tax_entry(tax, total - tax)] if tax else [],
        "type": "post_payment" if is_paid else "pre_payment",
    }
    return complete("credit_note", note)


_WAYS = ("refund_amount", "credit_amount", "out_of_band_amount")


def _require_whole(
    asked: Mapping[str, Any], links: list[Document], total: int, *, is_paid: bool
) -> None:
    """For a paid invoice the note must say where all of it goes, for an open one nothing goes."""
    linked = sum(link["amount_refunded"] for link in links)
    given = sum(asked.get(way) or 0 for way in _WAYS) + linked
    if is_paid and given != total:
        message = (
            "The sum of credit_amount, refund_amount and out_of_band_amount must equal the "
            f"amount of the credit note: {given} is not {total}."
        )
        raise StripeError(message, None, "amount")
    if not is_paid and given:
        message = (
            "You can only pass credit_amount, refund_amount or out_of_band_amount for an "
            "invoice that has been paid."
        )
        raise StripeError(message, None, next(way for way in (*_WAYS, "refunds") if asked.get(way)))


def _refunded(store: Store, invoice: Document, asked: Mapping[str, Any]) -> list[Document]:
    amount = asked.get("refund_amount")
    if not amount:
        return []
    intents = store.rows("stripe", "payment_intent", parent=invoice["id"])
    charges = [
        charged
        for intent in intents
        for charged in store.rows("stripe", "charge", parent=intent["id"], status="succeeded")
    ]
    if not charges or refundable(charges[-1]) < amount:
        message = "The invoice has no charge of which that much can be refunded."
        raise StripeError(message, "amount_too_large", "refund_amount")
    made = stripe_money.refund(store, charges[-1], amount)
    return [_link(made["id"], amount)]


def _linked(store: Store, asked: Mapping[str, Any]) -> list[Document]:
    links = []
    for place, entry in enumerate(asked.get("refunds") or ()):
        known = named(store, "refund", str(entry.get("refund")), f"refunds[{place}][refund]")
        links.append(_link(known["id"], entry.get("amount_refunded", known["amount"])))
    return links


def _link(refund: str, amount: int) -> Document:
    return {
        "amount_refunded": amount,
        "payment_record_refund": None,
        "refund": refund,
        "type": "refund",
    }


def _apply(store: Store, invoice: Document, note: Document, sign: int = 1) -> None:
    """Let the invoice know of a note, or of its end."""
    amount = note["amount"] * sign
    if note["type"] == "post_payment":
        total = invoice["post_payment_credit_notes_amount"] + amount
        change: Document = {"post_payment_credit_notes_amount": total}
    else:
        left = invoice["amount_remaining"] - amount
        change = {
            "amount_due": invoice["amount_due"] - amount,
            "amount_remaining": left,
            "pre_payment_credit_notes_amount": invoice["pre_payment_credit_notes_amount"] + amount,
        }
        if left == 0:
            reached = {**invoice["status_transitions"], "paid_at": now(store)}
            change |= {"status": "paid", "status_transitions": reached}
    store.put("stripe", "invoice", {"id": invoice["id"], **change})


def _void(store: Store, _: dict[str, Any], key: str) -> Document:
    """Only a note on an invoice that is still open can be taken back."""
    note = live(store, "credit_note", key)
    invoice = live(store, "invoice", note["invoice"])
    if note["status"] == "void" or invoice["status"] != "open":
        message = "You can only void a credit note that is issued, on an invoice that is open."
        raise not_allowed(message)
    _apply(store, invoice, note, -1)
    ended = {"id": key, "status": "void", "voided_at": now(store)}
    return store.put("stripe", "credit_note", ended)


OPERATIONS = (
    Operation(
        "POST",
        "/v1/credit_notes",
        "credit_note",
        _create,
        {**SPECS, "email_type": frozenset({"credit_note", "none"})},
        required=("invoice",),
    ),
    updating("/v1/credit_notes/{key}", "credit_note", {"memo": "text", **METADATA}),
    Operation("POST", "/v1/credit_notes/{key}/void", "credit_note", _void),
)
