"""Which Stripe events a change of an object brings, and what an event holds.

An event shows its object as it was sent then, in the shape of the account's default version.
Balance transactions have no events: a client must list them again.
"""

from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from typing import Any, NamedTuple

from extractors.sandbox.ids import stripe_id
from extractors.sandbox.stripe_defaults import LIVEMODE
from extractors.sandbox.stripe_eras import PINNED, is_older, older
from extractors.sandbox.stripe_shapes import Books, Document, complete, render

EVENT_DAYS_KEPT = 30
DEFAULT_VERSION = "stripe.api_version"
"""Meta key: the API version of the account, for events and for requests that name none."""
PENDING_WEBHOOKS = "stripe.pending_webhooks"
"""Meta key: how many webhook endpoints have not taken the events of now."""

REQUEST: ContextVar[Mapping[str, str | None] | None] = ContextVar("REQUEST", default=None)
"""The API call that is being answered: its id and its idempotency key."""

_PREFIXES = {
    "subscription": "customer.subscription",
    "dispute": "charge.dispute",
    "tax_id": "customer.tax_id",
}
_SILENT = {
    *("balance_transaction", "billing.meter_event", "discount", "event", "line_item"),
    "subscription_item",
}
_NEVER_CREATED = {"invoice_payment"}
_NEVER_UPDATED = {"invoiceitem", "invoice_payment", "payment_intent"}
"""Of these the vendor does not tell other changes than those of their status."""
_TOLD_AT_ONCE = {"invoice_payment", "payment_intent"}
"""They may be born with a status that has an event."""

# The verbs of a status that was not there before.
_REACHED: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "invoice": {
        "open": ("finalized",),
        "paid": ("paid", "payment_succeeded"),
        "void": ("voided",),
        "uncollectible": ("marked_uncollectible",),
    },
    "invoice_payment": {"paid": ("paid",)},
    "payment_intent": {
        "succeeded": ("succeeded",),
        "processing": ("processing",),
        "canceled": ("canceled",),
    },
    "refund": {"failed": ("failed",)},
    "dispute": {"won": ("closed", "funds_reinstated"), "lost": ("closed",)},
    "payout": {
        "paid": ("paid",),
        "failed": ("failed",),
        "canceled": ("canceled",),
    },
}
# Statuses that have an event of their own in the place of `updated`.
_INSTEAD: Mapping[str, Mapping[str, str]] = {
    "subscription": {"canceled": "deleted"},
    "billing.meter": {"inactive": "deactivated", "active": "reactivated"},
    "credit_note": {"void": "voided"},
    "subscription_schedule": {
        "canceled": "canceled",
        "completed": "completed",
        "released": "released",
    },
}


class Note(NamedTuple):
    """That something of a type happened to an object, which was `before` and is `after`."""

    at: int
    type: str
    after: Mapping[str, Any]
    before: Mapping[str, Any] | None = None


def notes_of(at: int, before: Mapping[str, Any] | None, after: Mapping[str, Any]) -> Iterator[Note]:
    """All that a write tells: of the object, and of the tax ids that came or went with it."""
    of_parts = _tax_id_notes(at, before, after) if after["object"] == "customer" else []
    if before is None or not of_parts or _is_told(before, after):
        for event_type in event_types(before, after):
            yield Note(at, event_type, after, before)
    yield from of_parts


def _tax_id_notes(
    at: int, before: Mapping[str, Any] | None, after: Mapping[str, Any]
) -> list[Note]:
    was, is_ = _tax_ids(before), _tax_ids(after)
    gone = [
        Note(at, "customer.tax_id.deleted", part) for key, part in was.items() if key not in is_
    ]
    return [
        *gone,
        *(Note(at, "customer.tax_id.created", p) for key, p in is_.items() if key not in was),
    ]


def _tax_ids(customer: Mapping[str, Any] | None) -> dict[str, Document]:
    whole = complete("customer", customer) if customer else {}
    return {part["id"]: part for part in (whole.get("tax_ids") or {"data": []})["data"]}


def _is_told(before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    """Whether anything changed that is not a part with events of its own."""
    return any(
        before.get(name) != after.get(name) for name in (before.keys() | after.keys()) - {"tax_ids"}
    )


def event_prefix(kind: str) -> str:
    return _PREFIXES.get(kind, kind)


def kind_of_event(event_type: str) -> str:
    """`customer.subscription.updated` -> `subscription`."""
    prefix = event_type.rpartition(".")[0]
    return next((kind for kind, known in _PREFIXES.items() if known == prefix), prefix)


def event_types(before: Mapping[str, Any] | None, after: Mapping[str, Any]) -> list[str]:
    """The events of one write, in the order Stripe sends them."""
    kind = str(after["object"])
    if kind in _SILENT:
        return []
    verbs = _charge_verbs(before, after) if kind == "charge" else _verbs(kind, before, after)
    types = [f"{event_prefix(kind)}.{verb}" for verb in verbs]
    return [*types, "charge.refund.updated"] if types == ["refund.updated"] else types


def _verbs(kind: str, before: Mapping[str, Any] | None, after: Mapping[str, Any]) -> list[str]:
    status, was = str(after.get("status")), before or {}
    has_moved = was.get("status") != status
    if before is not None and has_moved and status in _INSTEAD.get(kind, {}):
        return [_INSTEAD[kind][status]]
    first = [] if kind in (_NEVER_CREATED if before is None else _NEVER_UPDATED) else ["updated"]
    if before is None and first:
        first = ["created"]
    if before is None and kind not in _TOLD_AT_ONCE:
        reached: list[str] = []
    else:
        reached = list(_REACHED.get(kind, {}).get(status, ())) if has_moved else []
    return first + reached + _failures(kind, was, after)


def _failures(kind: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """What went wrong with a payment, or with the one that a bank takes back."""
    if kind == "invoice" and after.get("status") == "open":
        attempts = before.get("attempt_count", 0)
        return ["payment_failed"] if after.get("attempt_count", 0) > attempts else []
    if kind == "payment_intent":
        failed = after.get("last_payment_error")
        return ["payment_failed"] if failed and failed != before.get("last_payment_error") else []
    if kind == "dispute" and not before and after.get("balance_transactions"):
        return ["funds_withdrawn"]
    return []


def _charge_verbs(before: Mapping[str, Any] | None, after: Mapping[str, Any]) -> list[str]:
    if before is None or before.get("status") != after.get("status"):
        return [str(after["status"])]
    is_refund = after.get("amount_refunded", 0) > before.get("amount_refunded", 0)
    return ["refunded" if is_refund else "updated"]


def event(number: int, note: Note, books: Books, settings: Mapping[str, Any]) -> Document:
    """The `number`th event of the account; `settings` are what its meta keys say."""
    version = settings.get(DEFAULT_VERSION) or PINNED
    now = _sent(note.after, books, version)
    data = {"object": now}
    if note.before is not None and note.type.endswith(".updated"):
        data["previous_attributes"] = _difference(_sent(note.before, books, version), now)
    return {
        "id": stripe_id("event", number),
        "object": "event",
        "api_version": version,
        "created": note.at,
        "data": data,
        "livemode": LIVEMODE,
        "pending_webhooks": settings.get(PENDING_WEBHOOKS) or 0,
        "request": dict(REQUEST.get() or {"id": None, "idempotency_key": None}),
        "type": note.type,
    }


def _sent(document: Mapping[str, Any], books: Books, version: str) -> Document:
    kind = str(document["object"])
    sent = render(kind, complete(kind, document))
    return older(sent, books) if is_older(version) else sent


def _difference(old: Mapping[str, Any], new: Mapping[str, Any]) -> Document:
    """What of `old` is not as it was: objects by their fields, lists whole."""
    changed: Document = {}
    for name in old.keys() | new.keys():
        before, after = old.get(name), new.get(name)
        if before == after:
            continue
        if isinstance(before, Mapping) and isinstance(after, Mapping):
            changed[name] = _difference(before, after)
        else:
            changed[name] = before
    return dict(sorted(changed.items()))
