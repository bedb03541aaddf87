"""Charges, refunds, disputes and payouts of a store: each with its entries in the balance.

The API has no way to make a charge, a dispute or a payout: these functions do, for tests and for
what the API does need.
"""

from collections import defaultdict
from typing import Any

from extractors.sandbox.store import Store
from extractors.sandbox.stripe_balance import (
    charge_entry,
    dispute_entry,
    dispute_of,
    payout_entry,
    payout_of,
    refund_entry,
    refund_of,
    reversal_entry,
    shown,
)
from extractors.sandbox.stripe_defaults import LIVEMODE
from extractors.sandbox.stripe_operations import live, now
from extractors.sandbox.stripe_shapes import Document

DECLINED = {
    "failure_code": "card_declined",
    "failure_message": "Your card was declined.",
}


def charge(
    store: Store,
    customer: str | None,
    amount: int,
    currency: str,
    *,
    invoice: str | None = None,
    is_declined: bool = False,
    **fields: Any,
) -> Document:
    """Charge a card through a payment intent, with success unless the card is declined."""
    at = now(store)
    intent = store.new_id("stripe", "payment_intent")
    key = store.new_id("stripe", "charge")
    terms = {"amount": amount, "currency": currency, "customer": customer}
    made = {"id": key, "payment_intent": intent, **terms, "created": at, **fields}
    made["status"] = "failed" if is_declined else "succeeded"
    if is_declined:
        made |= DECLINED
    else:
        made["balance_transaction"] = store.new_id("stripe", "balance_transaction")
    reached = "requires_payment_method" if is_declined else "succeeded"
    known = {
        "id": intent,
        **terms,
        "amount_received": 0 if is_declined else amount,
        "invoice": invoice,
        "latest_charge": key,
        "status": reached,
    }
    if is_declined:
        known["last_payment_error"] = decline_of(key)
    store.put("stripe", "payment_intent", known)
    if not is_declined:
        entry = charge_entry(made["balance_transaction"], made, at)
        store.put("stripe", "balance_transaction", entry)
    return store.put("stripe", "charge", made)


def decline_of(charge_id: str) -> Document:
    """Why a payment was in vain, as an error tells it."""
    return {
        "charge": charge_id,
        "code": DECLINED["failure_code"],
        "decline_code": "generic_decline",
        "message": DECLINED["failure_message"],
        "type": "card_error",
    }


def refund(store: Store, charged: Document, amount: int, **fields: Any) -> Document:
    """Give back part of a charge or all of it."""
    at = now(store)
    key = store.new_id("stripe", "refund")
    entry = store.new_id("stripe", "balance_transaction")
    made = {**refund_of(key, entry, charged, amount), "created": at, **fields}
    store.put("stripe", "balance_transaction", refund_entry(entry, made, at))
    refunded = charged.get("amount_refunded", 0) + amount
    store.put("stripe", "charge", {"id": charged["id"], "amount_refunded": refunded})
    return store.put("stripe", "refund", made)


def dispute(store: Store, charge_id: str, amount: int | None = None, **fields: Any) -> Document:
    """The cardholder's bank takes the money back, until the dispute is won."""
    at = now(store)
    charged = live(store, "charge", charge_id)
    key = store.new_id("stripe", "dispute")
    entry = store.new_id("stripe", "balance_transaction")
    asked = charged["amount"] if amount is None else amount
    made = {**dispute_of(key, charged, asked, at), **fields}
    moved = store.put("stripe", "balance_transaction", dispute_entry(entry, made, at))
    store.put("stripe", "charge", {"id": charge_id, "disputed": True})
    return store.put("stripe", "dispute", made | {"balance_transactions": [shown(moved)]})


def close_dispute(store: Store, dispute_id: str, *, is_won: bool) -> Document:
    known = live(store, "dispute", dispute_id)
    change: Document = {"id": dispute_id, "status": "won" if is_won else "lost"}
    if is_won:
        entry = store.new_id("stripe", "balance_transaction")
        made = reversal_entry(entry, known, now(store))
        moved = shown(store.put("stripe", "balance_transaction", made))
        change["balance_transactions"] = [*known["balance_transactions"], moved]
    return store.put("stripe", "dispute", change)


def settle(store: Store) -> None:
    """Make available what has waited long enough."""
    at = now(store)
    for entry in store.rows("stripe", "balance_transaction", status="pending"):
        if entry["available_on"] <= at:
            store.put("stripe", "balance_transaction", {"id": entry["id"], "status": "available"})


def pay_out(store: Store) -> list[Document]:
    """Send what is available to the bank, a payout for each currency that has something."""
    at = now(store)
    waiting: dict[str, list[Document]] = defaultdict(list)
    for entry in store.rows("stripe", "balance_transaction", parent=None, status="available"):
        waiting[entry["currency"]].append(entry)
    payouts = []
    for _, entries in sorted(waiting.items()):
        if sum(entry["net"] for entry in entries) <= 0:
            continue
        entry_key = store.new_id("stripe", "balance_transaction")
        made = payout_of(store.new_id("stripe", "payout"), entry_key, entries, at)
        store.put("stripe", "balance_transaction", payout_entry(entry_key, made, at))
        for entry in entries:
            swept = {"id": entry["id"], "payout": made["id"]}
            store.put("stripe", "balance_transaction", swept)
        payouts.append(store.put("stripe", "payout", made))
    return payouts


def land(store: Store, payout_id: str) -> Document:
    """A payout reaches the bank."""
    live(store, "payout", payout_id)
    landed = {"id": payout_id, "status": "paid", "reconciliation_status": "completed"}
    return store.put("stripe", "payout", landed)


def balance(store: Store) -> Document:
    """The sums of what is available and of what is not yet, by currency."""
    sql = (
        "SELECT json_extract(document, '$.currency'), status, SUM(json_extract(document, '$.net')) "
        "FROM stripe WHERE account = ? AND object = 'balance_transaction' GROUP BY 1, 2 ORDER BY 1"
    )
    sums: dict[str, dict[str, int]] = defaultdict(dict)
    for currency, status, net in store.query(sql, (store.account,)):
        sums[currency][status] = net
    amounts = {
        status: [
            {"amount": net, "currency": currency, "source_types": {"card": net}}
            for currency, known in sums.items()
            for net in [known.get(status, 0)]
        ]
        for status in ("available", "pending")
    }
    return {"object": "balance", "livemode": LIVEMODE, **amounts}
