"""What of a Stripe object follows from the rest of it.

Each rule gives the fields that it works out of a document that may still lack some.
"""

from collections.abc import Callable, Mapping
from typing import Any

Document = Mapping[str, Any]


def _customer(customer: Document) -> dict[str, Any]:
    prefix = customer["id"].rpartition("_")[2][-8:].upper()
    return {"invoice_prefix": customer.get("invoice_prefix") or prefix}


_TAXED_IN = {"gb_vat": "GB", "jp_trn": "JP", "us_ein": "US"}


def _tax_id(tax_id: Document) -> dict[str, Any]:
    """An EU number begins with its country; others are of one country by their type."""
    kind, value = str(tax_id.get("type")), str(tax_id.get("value"))
    country = value[:2].upper() if kind == "eu_vat" else _TAXED_IN.get(kind)
    owner = {"customer": tax_id.get("customer"), "customer_account": None, "type": "customer"}
    return {"country": country, "owner": owner}


def _updated(record: Document) -> dict[str, Any]:
    return {"updated": record.get("updated") or record.get("created")}


def _price(price: Document) -> dict[str, Any]:
    return {"type": "recurring" if price.get("recurring") else "one_time"}


def plan_of(price: Document) -> dict[str, Any]:
    """The same terms as Stripe's older word for a price has them."""
    recurring = price.get("recurring") or {}
    same = ("id", "active", "billing_scheme", "created", "currency", "livemode", "metadata")
    kept = {name: price.get(name) for name in (*same, "nickname", "product", "tiers_mode")}
    tiers = {"tiers": price["tiers"]} if price.get("tiers") else {}
    return {
        **kept,
        **tiers,
        "object": "plan",
        "amount": price.get("unit_amount"),
        "amount_decimal": price.get("unit_amount_decimal"),
        "interval": recurring.get("interval"),
        "interval_count": recurring.get("interval_count"),
        "meter": recurring.get("meter"),
        "transform_usage": None,
        "trial_period_days": None,
        "usage_type": recurring.get("usage_type", "licensed"),
    }


def _item(item: Document) -> dict[str, Any]:
    at = item.get("created")
    period = {name: item.get(name, at) for name in ("current_period_start", "current_period_end")}
    return period | ({"plan": plan_of(item["price"])} if item.get("price") else {})


def _subscription(subscription: Document) -> dict[str, Any]:
    started = subscription.get("start_date", subscription.get("created"))
    on_trial = subscription.get("trial_end") is not None
    return {
        "start_date": started,
        "billing_cycle_anchor": subscription.get("billing_cycle_anchor", started),
        "trial_start": subscription.get("trial_start") or (started if on_trial else None),
    }


def _phase_item(item: Document) -> dict[str, Any]:
    return {"plan": item["price"]}


def _invoice(invoice: Document) -> dict[str, Any]:
    created = invoice.get("created")
    follows = {
        "period_start": invoice.get("period_start", created),
        "period_end": invoice.get("period_end", created),
        "effective_at": (invoice.get("status_transitions") or {}).get("finalized_at"),
    }
    if "total" not in invoice:
        return follows
    total = invoice["total"]
    taxed = sum(tax["amount"] for tax in invoice["total_taxes"] or ())
    discounted = sum(entry["amount"] for entry in invoice["total_discount_amounts"] or ())
    return follows | {
        "subtotal": invoice.get("subtotal", total),
        "subtotal_excluding_tax": invoice.get("subtotal", total),
        "total_excluding_tax": invoice.get("subtotal", total) - discounted if taxed else total,
        "amount_due": invoice.get("amount_due", total),
        "amount_remaining": invoice.get("amount_remaining", total),
    }


def _line(line: Document) -> dict[str, Any]:
    parent = line.get("parent") or {}
    details = parent.get(parent.get("type")) or {}
    return {"subtotal": line.get("amount"), "subscription": details.get("subscription")}


def _invoice_item(item: Document) -> dict[str, Any]:
    at = item.get("created")
    return {
        "date": item.get("date", at),
        "net_amount": item.get("amount"),
        "quantity_decimal": str(item["quantity"]),
        "period": item.get("period") or {"start": at, "end": at},
    }


def _payment(payment: Document) -> dict[str, Any]:
    return {"amount_requested": payment.get("amount_requested", payment.get("amount_paid"))}


def _charge(charge: Document) -> dict[str, Any]:
    amount, is_paid = charge.get("amount", 0), charge.get("status") == "succeeded"
    return {
        "paid": charge.get("paid", is_paid),
        "captured": charge.get("status") != "failed",
        "amount_captured": amount if is_paid else 0,
        "refunded": is_paid and 0 < amount == charge["amount_refunded"],
    }


def _credit_note(note: Document) -> dict[str, Any]:
    taxed = sum(tax["amount"] for tax in note["total_taxes"] or ())
    return {
        "effective_at": note.get("effective_at") or note.get("created"),
        "subtotal_excluding_tax": note.get("subtotal"),
        "total_excluding_tax": note.get("total", 0) - taxed,
    }


FOLLOWS: Mapping[str, Callable[[Document], dict[str, Any]]] = {
    "customer": _customer,
    "tax_id": _tax_id,
    "billing.meter": _updated,
    "product": _updated,
    "price": _price,
    "subscription": _subscription,
    "subscription_item": _item,
    "schedule_item": _phase_item,
    "invoice": _invoice,
    "line_item": _line,
    "invoiceitem": _invoice_item,
    "invoice_payment": _payment,
    "charge": _charge,
    "credit_note": _credit_note,
}
