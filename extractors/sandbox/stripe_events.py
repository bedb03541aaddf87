"""Which Stripe events a change of an object brings."""

from collections.abc import Mapping
from typing import Any

EVENT_DAYS_KEPT = 30

_PREFIXES = {"subscription": "customer.subscription"}
_INVOICE_VERBS = {
    "open": "finalized",
    "paid": "paid",
    "void": "voided",
    "uncollectible": "marked_uncollectible",
}


def event_prefix(kind: str) -> str:
    return _PREFIXES.get(kind, kind)


def kind_of_event(event_type: str) -> str:
    """`customer.subscription.updated` -> `subscription`."""
    prefix = event_type.rpartition(".")[0]
    return next((kind for kind, known in _PREFIXES.items() if known == prefix), prefix)


def event_types(before: Mapping[str, Any] | None, after: Mapping[str, Any]) -> list[str]:
    """The events of one write, in the order Stripe sends them."""
    kind = after["object"]
    moved = before is None or before.get("status") != after.get("status")
    verbs = ["created" if before is None else "updated"]
    if kind == "charge":
        verbs = [str(after["status"])] if moved else ["updated"]
    elif kind == "invoice_payment":
        verbs = ["paid"] if moved and after.get("status") == "paid" else []
    elif kind == "invoice" and moved and after.get("status") in _INVOICE_VERBS:
        verbs.append(_INVOICE_VERBS[after["status"]])
    elif kind == "subscription" and moved and before and after.get("status") == "canceled":
        verbs = ["deleted"]
    return [f"{event_prefix(kind)}.{verb}" for verb in verbs]
