"""Stripe's invoices: drafts may change, documents may not, and money or its absence ends them."""

from typing import Any

from extractors.sandbox import stripe_money
from extractors.sandbox.store import Store
from extractors.sandbox.stripe_balance import DAY
from extractors.sandbox.stripe_errors import PAYMENT_REQUIRED, StripeError, not_allowed
from extractors.sandbox.stripe_forms import merged_metadata
from extractors.sandbox.stripe_invoice_items import FINAL, take_up, waiting
from extractors.sandbox.stripe_operations import (
    COLLECTION,
    METADATA,
    Operation,
    change,
    create,
    live,
    named,
    now,
)
from extractors.sandbox.stripe_shapes import Document
from extractors.sandbox.stripe_trouble import is_declined

DECLINING_METHOD = "pm_card_chargeDeclined"
"""The payment method with which the vendor lets a test fail."""
_EDITABLE_FOR_EVER = {"metadata", "auto_advance"}
_TERMS: dict[str, Any] = {
    "auto_advance": "boolean",
    "collection_method": COLLECTION,
    "days_until_due": "integer",
    "description": "text",
    "due_date": "integer",
    "footer": "text",
    **METADATA,
}


def _create(store: Store, asked: dict[str, Any], _: str) -> Document:
    customer = named(store, "customer", asked["customer"], "customer")
    behavior = asked.pop("pending_invoice_items_behavior", "exclude")
    draft = _draft(store, customer, asked)
    if behavior == "include":
        take_up(store, draft, waiting(store, customer["id"], draft["currency"]))
    return live(store, "invoice", draft["id"])


def _draft(store: Store, customer: Document, asked: dict[str, Any]) -> Document:
    """An invoice without lines."""
    fields = {
        "amount_due": 0,
        "amount_remaining": 0,
        "auto_advance": asked.get("auto_advance", False),
        "billing_reason": "manual",
        "created": now(store),
        "currency": asked.get("currency") or customer["currency"] or "usd",
        "customer_address": customer.get("address"),
        "customer_email": customer.get("email"),
        "customer_name": customer.get("name"),
        "lines": {"data": []},
        "subtotal": 0,
        "total": 0,
        **_dues(store, asked),
    }
    return create(store, "invoice", {**asked, **fields, "customer": customer["id"]})


def _dues(store: Store, asked: dict[str, Any]) -> dict[str, Any]:
    days = asked.pop("days_until_due", None)
    by_mail = asked.get("collection_method") == "send_invoice"
    if (days is not None or asked.get("due_date") is not None) and not by_mail:
        message = (
            "You cannot set `days_until_due` or `due_date` on an invoice that is charged "
            "automatically."
        )
        raise StripeError(message, None, "days_until_due")
    due = asked.get("due_date") if days is None else now(store) + days * DAY
    return {"due_date": due} if by_mail else {}


def _update(store: Store, asked: dict[str, Any], key: str) -> Document:
    invoice = live(store, "invoice", key)
    asked.pop("expand", None)
    if invoice["status"] != "draft" and asked.keys() - _EDITABLE_FOR_EVER:
        raise not_allowed("Finalized invoices can't be updated in this way", FINAL)
    if asked.keys() & {"days_until_due", "due_date"}:
        method = {"collection_method": invoice["collection_method"]}
        asked |= _dues(store, method | asked)
        asked.pop("days_until_due", None)
    return change(store, "invoice", key, asked)


def _delete(store: Store, _: dict[str, Any], key: str) -> Document:
    invoice = live(store, "invoice", key)
    if invoice["status"] != "draft":
        raise not_allowed("You can only delete draft invoices.", FINAL)
    for item in store.rows("stripe", "invoiceitem", parent=key):
        store.put("stripe", "invoiceitem", {"id": item["id"], "invoice": None}, stamp=False)
    store.delete("stripe", "invoice", key)
    return {"id": key, "object": "invoice", "deleted": True}


def _finalize(store: Store, asked: dict[str, Any], key: str) -> Document:
    invoice = live(store, "invoice", key)
    if invoice["status"] != "draft":
        message = "This invoice is already finalized, you can't re-finalize a non-draft invoice."
        raise not_allowed(message, "invoice_not_editable")
    fields: Document = {"number": _number(store, invoice["customer"])}
    if "auto_advance" in asked:
        fields["auto_advance"] = asked["auto_advance"]
    if invoice["total"] <= 0 or invoice["amount_remaining"] <= 0:
        return _reach(store, invoice, "paid", "finalized_at", "paid_at", **fields)
    return _reach(store, invoice, "open", "finalized_at", **fields)


def _number(store: Store, customer_id: str) -> str:
    """The next number of a customer's own series."""
    customer = live(store, "customer", customer_id)
    count = customer["next_invoice_sequence"]
    counted = {"id": customer_id, "next_invoice_sequence": count + 1}
    store.put("stripe", "customer", counted, stamp=False)
    return f"{customer['invoice_prefix']}-{count:04d}"


def _reach(
    store: Store, invoice: Document, status: str, *transitions: str, **fields: Any
) -> Document:
    at = now(store)
    reached = {**invoice["status_transitions"], **dict.fromkeys(transitions, at)}
    change_ = {"id": invoice["id"], "status": status, "status_transitions": reached, **fields}
    return store.put("stripe", "invoice", change_)


def _pay(store: Store, asked: dict[str, Any], key: str) -> Document:
    invoice = live(store, "invoice", key)
    if invoice["status"] == "paid":
        raise not_allowed("Invoice is already paid", "invoice_already_paid")
    if invoice["status"] == "draft":
        invoice = _finalize(store, {}, key)
    if invoice["status"] not in {"open", "uncollectible"}:
        raise not_allowed(f"This invoice is {invoice['status']} and can't be paid", FINAL)
    amount = invoice["amount_remaining"]
    if asked.get("paid_out_of_band"):
        record = store.new_id("stripe", "payment_record")
        return _settle(store, invoice, amount, type="payment_record", payment_record=record)
    if asked.get("payment_method") == DECLINING_METHOD or is_declined(store, invoice["customer"]):
        raise _declined(store, invoice)
    made = stripe_money.charge(store, invoice["customer"], amount, invoice["currency"], invoice=key)
    intent = made["payment_intent"]
    return _settle(store, invoice, amount, type="payment_intent", payment_intent=intent)


def _declined(store: Store, invoice: Document) -> StripeError:
    made = stripe_money.charge(
        store,
        invoice["customer"],
        invoice["amount_remaining"],
        invoice["currency"],
        invoice=invoice["id"],
        is_declined=True,
    )
    tried = {"attempted": True, "attempt_count": invoice["attempt_count"] + 1}
    store.put("stripe", "invoice", {"id": invoice["id"], **tried})
    told = {"charge": made["id"], "decline_code": "generic_decline"}
    message = "Your card was declined."
    return StripeError(
        message, "card_declined", None, PAYMENT_REQUIRED, "card_error", keeps=True, extra=told
    )


def _settle(store: Store, invoice: Document, amount: int, **payment: str) -> Document:
    at = now(store)
    store.put(
        "stripe",
        "invoice_payment",
        {
            "id": store.new_id("stripe", "invoice_payment"),
            "amount_paid": amount,
            "currency": invoice["currency"],
            "invoice": invoice["id"],
            "payment": payment,
            "status": "paid",
            "status_transitions": {"paid_at": at},
        },
    )
    return _reach(
        store,
        invoice,
        "paid",
        "paid_at",
        amount_paid=invoice["amount_paid"] + amount,
        amount_remaining=0,
        attempted=True,
        attempt_count=invoice["attempt_count"] + 1,
    )


def _void(store: Store, _: dict[str, Any], key: str) -> Document:
    return end(store, key, "void")


def _write_off(store: Store, _: dict[str, Any], key: str) -> Document:
    return end(store, key, "uncollectible")


def end(store: Store, key: str, status: str) -> Document:
    """Void an open invoice, or mark it uncollectible."""
    invoice = live(store, "invoice", key)
    if invoice["status"] not in {"open", "uncollectible"} or invoice["status"] == status:
        message = f"You can only change open invoices; this one is {invoice['status']}."
        raise not_allowed(message, FINAL)
    mark = "voided_at" if status == "void" else "marked_uncollectible_at"
    return _reach(store, invoice, status, mark)


def _send(store: Store, _: dict[str, Any], key: str) -> Document:
    invoice = live(store, "invoice", key)
    if invoice["collection_method"] != "send_invoice":
        message = (
            "You can only manually send an invoice if its collection method is 'send_invoice'."
        )
        raise not_allowed(message)
    if invoice["status"] == "draft":
        invoice = _finalize(store, {}, key)
    store.put_events([("invoice.sent", invoice)], store.tick())
    return invoice


def bill_pending(store: Store, subscription: Document) -> None:
    """Invoice at once what waits for the subscription's customer."""
    customer = live(store, "customer", subscription["customer"])
    items = waiting(store, customer["id"], subscription["currency"], subscription["id"])
    if not items:
        return
    details = {"metadata": merged_metadata({}, subscription["metadata"])}
    details["subscription"] = subscription["id"]
    method = subscription["collection_method"]
    asked = {"collection_method": method, "currency": subscription["currency"]}
    if method == "send_invoice":
        asked["days_until_due"] = subscription["days_until_due"] or 0
    draft = _draft(store, customer, asked)
    parent = {"type": "subscription_details", "subscription_details": details}
    of = {"id": draft["id"], "parent": parent, "billing_reason": "subscription_update"}
    store.put("stripe", "invoice", of, stamp=False)
    take_up(store, draft, items)
    final = _finalize(store, {}, draft["id"])
    if final["status"] == "open" and method == "charge_automatically":
        final = _pay(store, {}, final["id"])
    store.put("stripe", "subscription", {"id": subscription["id"], "latest_invoice": final["id"]})


_ONE = "/v1/invoices/{key}"

OPERATIONS = (
    Operation(
        "POST",
        "/v1/invoices",
        "invoice",
        _create,
        {
            "currency": "text",
            "customer": "text",
            "pending_invoice_items_behavior": frozenset({"exclude", "include"}),
            **_TERMS,
        },
        required=("customer",),
    ),
    Operation("POST", _ONE, "invoice", _update, _TERMS),
    Operation("DELETE", _ONE, "invoice", _delete),
    Operation("POST", f"{_ONE}/finalize", "invoice", _finalize, {"auto_advance": "boolean"}),
    Operation(
        "POST",
        f"{_ONE}/pay",
        "invoice",
        _pay,
        {"off_session": "boolean", "paid_out_of_band": "boolean", "payment_method": "text"},
    ),
    Operation("POST", f"{_ONE}/send", "invoice", _send),
    Operation("POST", f"{_ONE}/void", "invoice", _void),
    Operation("POST", f"{_ONE}/mark_uncollectible", "invoice", _write_off),
)
