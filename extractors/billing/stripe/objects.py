"""What is pulled from Stripe: fields of the pinned API version, flattened with `_`.

Integers are minor units, counts or unix seconds (UTC); `json` columns hold the bare array of a
list (`items`, `lines`, `tax_ids`, ...) or an object, as JSON text, paged to its end.
"""

from dataclasses import dataclass

from extractors.protocol import Field, ObjectSpec, declare


@dataclass(frozen=True)
class Endpoint:
    """Where an object is listed, what must be expanded, and which events tell of its changes.

    `expand` is relative to the object; `events` maps an event type to the field of the event's
    object that holds the id of the changed record.
    """

    path: str
    events: dict[str, str]
    expand: tuple[str, ...] = ()
    params: tuple[tuple[str, str], ...] = ()


def _object(name: str, *fields: tuple[Field, ...]) -> ObjectSpec:
    declared = tuple(item for group in fields for item in group)
    return ObjectSpec(
        name=name,
        vendor_name=name,
        fields=(
            *declare("id", required=True),
            *declared,
            *declare("created", kind="integer", required=True),
        ),
        cursor="events",
    )


CUSTOMER = _object(
    "customer",
    declare("name", "email"),
    declare("address.line1", "address.city", "address.postal_code", "address.country"),
    declare("currency"),
    declare("tax_ids", kind="json"),
    declare("metadata.crm_account_id", "metadata.netsuite_customer_id"),
    declare("metadata.channel", "metadata.legal_entity"),
)

PRODUCT = _object(
    "product",
    declare("name"),
    declare("active", kind="boolean", required=True),
    declare("metadata.sku"),
    declare("updated", kind="integer"),
)

PRICE = _object(
    "price",
    declare("product", "currency", required=True),
    declare("unit_amount", kind="integer"),
    declare("unit_amount_decimal", kind="decimal"),
    declare("recurring.interval"),
    declare("recurring.interval_count", kind="integer"),
    declare("active", kind="boolean", required=True),
)

SUBSCRIPTION = _object(
    "subscription",
    declare("customer", required=True),
    declare(
        "status",
        required=True,
        allowed=(
            "trialing",
            "active",
            "past_due",
            "canceled",
            "unpaid",
            "paused",
            "incomplete",
            "incomplete_expired",
        ),
    ),
    declare("currency"),
    declare("items", kind="json", required=True),
    declare("start_date", kind="integer", required=True),
    declare("cancel_at_period_end", kind="boolean"),
    declare("canceled_at", "ended_at", "trial_end", kind="integer"),
    declare("pause_collection", "discounts", kind="json"),
    declare("collection_method"),
    declare("days_until_due", kind="integer"),
    declare("metadata.crm_contract_id", "metadata.crm_opportunity_id"),
    declare("metadata.legal_entity", "metadata.channel", "metadata.q2c_correlation_id"),
)

INVOICE = _object(
    "invoice",
    declare("number"),
    declare("customer", "currency", required=True),
    declare("status", required=True, allowed=("draft", "open", "paid", "void", "uncollectible")),
    declare(
        "status_transitions.finalized_at",
        "status_transitions.paid_at",
        "status_transitions.voided_at",
        "status_transitions.marked_uncollectible_at",
        "due_date",
        kind="integer",
    ),
    declare("subtotal", "total", kind="integer", required=True),
    declare("total_discount_amounts", "total_taxes", kind="json"),
    declare("amount_due", "amount_paid", "amount_remaining", kind="integer", required=True),
    declare("parent.subscription_details.subscription"),
    declare("lines", kind="json", required=True),
    declare("metadata.legal_entity", "metadata.q2c_correlation_id", "metadata.crm_contract_id"),
)

INVOICE_PAYMENT = _object(
    "invoice_payment",
    declare("invoice", required=True),
    declare("amount_paid", kind="integer"),
    declare("currency", "status", required=True),
    declare("payment.type", "payment.payment_intent"),
    declare("status_transitions.paid_at", kind="integer"),
)

CHARGE = _object(
    "charge",
    declare("amount", "amount_refunded", kind="integer", required=True),
    declare("currency", required=True),
    declare("customer"),
    declare("status", required=True, allowed=("succeeded", "pending", "failed")),
    declare("paid", kind="boolean"),
    declare("payment_intent", "balance_transaction"),
    declare("metadata", kind="json"),
)

OBJECTS: dict[str, ObjectSpec] = {
    spec.name: spec
    for spec in (CUSTOMER, PRODUCT, PRICE, SUBSCRIPTION, INVOICE, INVOICE_PAYMENT, CHARGE)
}


def _events(prefix: str, *verbs: str, field: str = "id") -> dict[str, str]:
    return {f"{prefix}.{verb}": field for verb in verbs}


ENDPOINTS: dict[str, Endpoint] = {
    "customer": Endpoint(
        "/v1/customers",
        {
            **_events("customer", "created", "updated", "deleted"),
            **_events("customer.tax_id", "created", "updated", "deleted", field="customer"),
        },
        expand=("tax_ids",),
    ),
    "product": Endpoint("/v1/products", _events("product", "created", "updated", "deleted")),
    "price": Endpoint("/v1/prices", _events("price", "created", "updated", "deleted")),
    "subscription": Endpoint(
        "/v1/subscriptions",
        _events("customer.subscription", "created", "updated", "deleted", "paused", "resumed"),
        expand=("discounts", "items.data.discounts"),
        params=(("status", "all"),),
    ),
    "invoice": Endpoint(
        "/v1/invoices",
        _events(
            "invoice",
            "created",
            "finalized",
            "updated",
            "paid",
            "voided",
            "marked_uncollectible",
            "deleted",
        ),
    ),
    "invoice_payment": Endpoint("/v1/invoice_payments", _events("invoice_payment", "paid")),
    "charge": Endpoint(
        "/v1/charges",
        _events("charge", "succeeded", "pending", "failed", "captured", "updated", "refunded"),
    ),
}
