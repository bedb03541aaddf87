"""Stripe's refunds as the API makes them, and the labels of disputes and payouts."""

from typing import Any

from extractors.sandbox import stripe_money
from extractors.sandbox.store import Store
from extractors.sandbox.stripe_errors import StripeError, not_allowed
from extractors.sandbox.stripe_forms import merged_metadata
from extractors.sandbox.stripe_operations import METADATA, Operation, live, named, updating
from extractors.sandbox.stripe_shapes import Document

REASON = frozenset({"duplicate", "fraudulent", "requested_by_customer"})


def _create(store: Store, asked: dict[str, Any], _: str) -> Document:
    charged = _charge_of(store, asked)
    left = refundable(charged)
    amount = asked.get("amount", left)
    if left == 0:
        message = f"Charge {charged['id']} has already been refunded."
        raise not_allowed(message, "charge_already_refunded")
    if amount < 1:
        message = "This value must be greater than or equal to 1."
        raise StripeError(message, "parameter_invalid_integer", "amount")
    if amount > left:
        message = f"Refund amount ({amount}) is greater than unrefunded amount on charge ({left})."
        raise StripeError(message, "amount_too_large", "amount")
    return stripe_money.refund(
        store,
        charged,
        amount,
        metadata=merged_metadata({}, asked.get("metadata") or {}),
        reason=asked.get("reason"),
    )


def refundable(charged: Document) -> int:
    """What of a charge has not been given back yet."""
    if charged["status"] != "succeeded":
        message = f"This charge has not succeeded: it is {charged['status']}."
        raise not_allowed(message, "charge_not_refundable", "charge")
    if charged["disputed"]:
        message = f"Charge {charged['id']} has been charged back; cannot issue a refund."
        raise not_allowed(message, "charge_disputed", "charge")
    return int(charged["amount"] - charged["amount_refunded"])


def _charge_of(store: Store, asked: dict[str, Any]) -> Document:
    if asked.get("charge"):
        return named(store, "charge", asked["charge"], "charge")
    if asked.get("payment_intent"):
        intent = named(store, "payment_intent", asked["payment_intent"], "payment_intent")
        if intent["latest_charge"]:
            return live(store, "charge", intent["latest_charge"])
    message = (
        "One of the following params should be provided for this request: payment_intent or charge."
    )
    raise StripeError(message, "parameter_missing", None)


OPERATIONS = (
    Operation(
        "POST",
        "/v1/refunds",
        "refund",
        _create,
        {
            "amount": "integer",
            "charge": "text",
            "payment_intent": "text",
            "reason": REASON,
            **METADATA,
        },
    ),
    updating("/v1/refunds/{key}", "refund", METADATA),
    updating("/v1/disputes/{key}", "dispute", METADATA),
    updating("/v1/payouts/{key}", "payout", METADATA),
)
