"""What is pulled from Stripe: fields of the pinned API version, flattened with `_`.

Integers are minor units, counts or unix seconds (UTC); `json` columns hold the bare array of a
list (`items`, `lines`, ...) or an object, as JSON text, paged to its end.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from extractors.protocol import ControlSum, Field, ObjectSpec, declare

API_VERSION = "2026-10-28.endive"


@dataclass(frozen=True)
class Endpoint:
    """Where an object is listed, what must be expanded, and which events tell of its changes.

    `expand` is relative to the object. `events` maps an event type to the field of the event's
    object that holds the id of the changed record: `id` where that object is the record itself.
    After one of `deletions` the record is gone. `shape` names keys that the pinned version
    always sends and other eras of the API do not have. `element` is set where the records are
    the elements of a list that is embedded in what is listed. Where `lists_new` is set, what was
    created is listed besides what events tell. A list that is not `by_created` cannot be asked for
    a time of creation.
    """

    path: str
    events: Mapping[str, str] = field(default_factory=dict)
    deletions: frozenset[str] = frozenset()
    expand: tuple[str, ...] = ()
    params: tuple[tuple[str, str], ...] = ()
    shape: tuple[str, ...] = ()
    element: str | None = None
    lists_new: bool = False
    by_created: bool = True

    def of(self, listed: Mapping[str, Any]) -> Iterable[Mapping[str, Any]]:
        """The records in one element of the list."""
        if self.element is None:
            return (listed,)
        return (listed.get(self.element) or {}).get("data", ())

    def path_of(self, record: Mapping[str, Any]) -> str:
        """Where one record is retrieved."""
        key = quote(record["id"], safe="")
        if self.element is None:
            return f"{self.path}/{key}"
        return f"{self.path}/{quote(str(record.get('customer')), safe='')}/{self.element}/{key}"


def _object(
    name: str,
    *fields: tuple[Field, ...],
    control_sum: ControlSum | None = None,
    vendor_name: str | None = None,
    created: str = "created",
) -> ObjectSpec:
    declared = tuple(item for group in fields for item in group)
    return ObjectSpec(
        name=name,
        vendor_name=vendor_name or name,
        fields=(
            *declare("id", required=True),
            # The connected account that the record belongs to; null: the account of the key.
            *declare("account"),
            *declared,
            *declare(created, kind="integer", required=True),
        ),
        cursor="events",
        control_sum=control_sum,
    )


CUSTOMER = _object(
    "customer",
    declare("name", "email"),
    declare("address.line1", "address.city", "address.postal_code", "address.country"),
    declare("currency", "tax_exempt"),
    declare("balance", kind="integer"),
    declare("metadata.crm_account_id", "metadata.netsuite_customer_id"),
    declare("metadata.channel", "metadata.legal_entity"),
)

TAX_ID = _object(
    "tax_id",
    declare("customer", "type", "value", required=True),
    declare("country", "verification.status"),
)

PRODUCT = _object(
    "product",
    declare("name", "tax_code"),
    declare("active", kind="boolean", required=True),
    declare("metadata.sku"),
    declare("updated", kind="integer"),
)

PRICE = _object(
    "price",
    declare("product", "currency", required=True),
    declare("type", "billing_scheme", "tiers_mode", "tax_behavior"),
    declare("tiers", kind="json"),
    declare("unit_amount", kind="integer"),
    declare("unit_amount_decimal", kind="decimal"),
    declare("recurring.interval", "recurring.usage_type", "recurring.meter"),
    declare("recurring.interval_count", kind="integer"),
    declare("active", kind="boolean", required=True),
)

COUPON = _object(
    "coupon",
    declare("name", "currency", "duration"),
    declare("percent_off", kind="decimal"),
    declare("applies_to", kind="json"),
    declare("amount_off", "duration_in_months", "redeem_by", kind="integer"),
    declare("valid", kind="boolean", required=True),
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
    declare("currency", "schedule"),
    declare("items", kind="json", required=True),
    declare("start_date", kind="integer", required=True),
    declare("cancel_at_period_end", kind="boolean"),
    declare("cancel_at", "canceled_at", "ended_at", "trial_end", kind="integer"),
    declare("pause_collection", "discounts", kind="json"),
    declare("collection_method"),
    declare("days_until_due", kind="integer"),
    declare("metadata.crm_contract_id", "metadata.crm_opportunity_id"),
    declare("metadata.legal_entity", "metadata.channel", "metadata.q2c_correlation_id"),
)

SUBSCRIPTION_SCHEDULE = _object(
    "subscription_schedule",
    declare("customer", required=True),
    declare("subscription", "released_subscription", "end_behavior"),
    declare(
        "status",
        required=True,
        allowed=("not_started", "active", "completed", "released", "canceled"),
    ),
    declare("phases", kind="json", required=True),
    declare("current_phase.start_date", "current_phase.end_date", kind="integer"),
    declare("canceled_at", "completed_at", "released_at", kind="integer"),
    declare("metadata.crm_contract_id", "metadata.crm_opportunity_id"),
    declare("metadata.legal_entity", "metadata.q2c_correlation_id"),
)

INVOICE = _object(
    "invoice",
    declare("number"),
    declare("customer", "currency", required=True),
    declare("status", required=True, allowed=("draft", "open", "paid", "void", "uncollectible")),
    declare("billing_reason"),
    declare("auto_advance", kind="boolean"),
    declare(
        "automatically_finalizes_at",
        "effective_at",
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
    declare(
        "pre_payment_credit_notes_amount",
        "post_payment_credit_notes_amount",
        "starting_balance",
        "ending_balance",
        kind="integer",
    ),
    declare("parent.subscription_details.subscription"),
    declare("lines", kind="json", required=True),
    declare("metadata.legal_entity", "metadata.q2c_correlation_id", "metadata.crm_contract_id"),
)

# What waits for a customer's next invoice, or came onto one. Which one took it up is told by that
# invoice's lines: no event tells it of the item.
INVOICE_ITEM = _object(
    "invoiceitem",
    declare("customer", "currency", required=True),
    declare("amount", kind="integer", required=True),
    declare("quantity", kind="integer"),
    declare("period.start", "period.end", kind="integer", required=True),
    declare("parent.subscription_details.subscription", "pricing.price_details.product"),
    declare("metadata.tieout_usage_line", "metadata.tieout_usage_units"),
    declare("metadata.q2c_correlation_id"),
    created="date",
)

INVOICE_PAYMENT = _object(
    "invoice_payment",
    declare("invoice", required=True),
    declare("amount_requested", "amount_paid", kind="integer"),
    declare("currency", "status", required=True),
    declare("payment.type", "payment.payment_intent", "payment.charge", "payment.payment_record"),
    declare("status_transitions.paid_at", "status_transitions.canceled_at", kind="integer"),
)

CREDIT_NOTE = _object(
    "credit_note",
    declare("number", "type", "reason", "memo"),
    declare("invoice", "currency", required=True),
    declare("customer", "customer_balance_transaction"),
    declare("status", required=True, allowed=("issued", "void")),
    declare("amount", "subtotal", "total", "discount_amount", kind="integer", required=True),
    declare(
        "pre_payment_amount",
        "post_payment_amount",
        "out_of_band_amount",
        "effective_at",
        "voided_at",
        kind="integer",
    ),
    declare("total_taxes", "refunds", kind="json"),
    declare("lines", kind="json", required=True),
    declare("metadata.legal_entity", "metadata.q2c_correlation_id"),
)

CHARGE = _object(
    "charge",
    declare("amount", "amount_refunded", kind="integer", required=True),
    declare("amount_captured", kind="integer"),
    declare("currency", required=True),
    declare("customer"),
    declare("status", required=True, allowed=("succeeded", "pending", "failed")),
    declare("paid", "captured", "disputed", kind="boolean"),
    declare("payment_intent", "balance_transaction", "failure_balance_transaction"),
    declare("failure_code"),
    declare("metadata", kind="json"),
)

REFUND = _object(
    "refund",
    declare("amount", kind="integer", required=True),
    declare("currency", required=True),
    declare("status", allowed=("pending", "requires_action", "succeeded", "failed", "canceled")),
    declare("charge", "payment_intent", "customer", "reason", "failure_reason"),
    declare("balance_transaction", "failure_balance_transaction"),
    declare("metadata", kind="json"),
)

DISPUTE = _object(
    "dispute",
    declare("amount", kind="integer", required=True),
    declare("currency", "charge", required=True),
    declare("payment_intent", "reason"),
    declare(
        "status",
        required=True,
        allowed=(
            "warning_needs_response",
            "warning_under_review",
            "warning_closed",
            "needs_response",
            "under_review",
            "appeal_needs_response",
            "appeal_under_review",
            "prevented",
            "won",
            "lost",
        ),
    ),
    declare("is_charge_refundable", "evidence_details.has_evidence", kind="boolean"),
    declare("evidence_details.due_by", kind="integer"),
    declare("balance_transactions", "metadata", kind="json"),
)

# Without `status`: it becomes available at `available_on`, which no event tells.
BALANCE_TRANSACTION = _object(
    "balance_transaction",
    declare("amount", "fee", "net", kind="integer", required=True),
    declare("currency", "type", "balance_type", required=True),
    declare("reporting_category", "source"),
    declare("available_on", kind="integer", required=True),
    declare("exchange_rate", kind="decimal"),
    declare("fee_details", kind="json"),
    control_sum=ControlSum("net", "currency", "balance_type = 'payments'"),
)

# `balance_transactions` are the ids of what an automatic payout paid out: the vendor tells it by
# the payout only, and only once it is reconciled.
PAYOUT = _object(
    "payout",
    declare("amount", "arrival_date", kind="integer", required=True),
    declare("currency", required=True),
    declare(
        "status", required=True, allowed=("pending", "in_transit", "paid", "failed", "canceled")
    ),
    declare("automatic", kind="boolean", required=True),
    declare("type", "method", "destination", "reconciliation_status"),
    declare("trace_id.status", "trace_id.value"),
    declare("balance_transaction", "failure_balance_transaction", "failure_code"),
    declare("original_payout", "reversed_by"),
    declare("balance_transactions", "metadata", kind="json"),
)

METER = _object(
    "meter",
    declare("display_name", "event_name", required=True),
    declare("status", required=True, allowed=("active", "inactive")),
    declare("default_aggregation.formula", required=True, allowed=("count", "last", "sum")),
    declare("customer_mapping.event_payload_key", "value_settings.event_payload_key"),
    declare("event_time_window"),
    declare("status_transitions.deactivated_at", "updated", kind="integer"),
    vendor_name="billing.meter",
)

# What a customer used by a meter from `start_time` until `end_time`, a UTC day or the part of it
# that belongs to one period (see usage.py). The vendor's own key says nothing and its summary does
# not name the customer: the key is made of meter, customer and start.
USAGE = ObjectSpec(
    name="usage",
    vendor_name="billing.meter_event_summary",
    fields=(
        *declare("id", required=True),
        *declare("account"),
        *declare("meter", "customer", required=True),
        *declare("aggregated_value", kind="decimal", required=True),
        *declare("start_time", "end_time", kind="integer", required=True),
    ),
    cursor="start_time",
    is_listed=False,
)

OBJECTS: dict[str, ObjectSpec] = {
    spec.name: spec
    for spec in (
        CUSTOMER,
        TAX_ID,
        PRODUCT,
        PRICE,
        COUPON,
        SUBSCRIPTION,
        SUBSCRIPTION_SCHEDULE,
        INVOICE,
        INVOICE_ITEM,
        INVOICE_PAYMENT,
        CREDIT_NOTE,
        CHARGE,
        REFUND,
        DISPUTE,
        BALANCE_TRANSACTION,
        PAYOUT,
        METER,
        USAGE,
    )
}


def _events(prefix: str, *verbs: str, field: str = "id") -> dict[str, str]:
    return {f"{prefix}.{verb}": field for verb in verbs}


ENDPOINTS: dict[str, Endpoint] = {
    "customer": Endpoint(
        "/v1/customers",
        _events("customer", "created", "updated", "deleted"),
        deletions=frozenset({"customer.deleted"}),
    ),
    # Tax ids are listed with their customers only, and an event of a customer does not show them.
    "tax_id": Endpoint(
        "/v1/customers",
        _events("customer.tax_id", "created", "updated", "deleted"),
        deletions=frozenset({"customer.tax_id.deleted"}),
        expand=("tax_ids",),
        element="tax_ids",
    ),
    # What everything is billed by is asked for itself: its answer shows a replica that lags.
    "product": Endpoint(
        "/v1/products",
        _events("product", "created", "updated", "deleted"),
        deletions=frozenset({"product.deleted"}),
        lists_new=True,
    ),
    "price": Endpoint(
        "/v1/prices",
        _events("price", "created", "updated", "deleted"),
        deletions=frozenset({"price.deleted"}),
        expand=("tiers",),
        lists_new=True,
    ),
    "coupon": Endpoint(
        "/v1/coupons",
        _events("coupon", "created", "updated", "deleted"),
        deletions=frozenset({"coupon.deleted"}),
        expand=("applies_to",),
    ),
    # `deleted` means canceled here: the record stays.
    "subscription": Endpoint(
        "/v1/subscriptions",
        {
            **_events(
                "customer.subscription",
                "created",
                "updated",
                "deleted",
                "paused",
                "resumed",
                "pending_update_applied",
                "pending_update_expired",
            ),
            **_events("customer.discount", "created", "updated", "deleted", field="subscription"),
        },
        expand=("discounts.source.coupon", "items.data.discounts"),
        params=(("status", "all"),),
        shape=(
            "items.data.current_period_end",
            "discounts.source",
            "items.data.discounts.source",
        ),
    ),
    "subscription_schedule": Endpoint(
        "/v1/subscription_schedules",
        _events(
            "subscription_schedule",
            "created",
            "updated",
            "canceled",
            "completed",
            "released",
            "aborted",
        ),
        shape=("phases.items.price",),
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
        deletions=frozenset({"invoice.deleted"}),
        shape=("parent", "total_taxes", "lines.data.pricing", "lines.data.taxes"),
    ),
    # Only what is made or deleted has an event: an amount that somebody changes shows when
    # everything is read again.
    "invoiceitem": Endpoint(
        "/v1/invoiceitems",
        _events("invoiceitem", "created", "deleted"),
        deletions=frozenset({"invoiceitem.deleted"}),
        shape=("parent", "pricing"),
    ),
    # Opened and canceled without an event: new ones are listed, a cancellation (of what was
    # never paid) shows when everything is read again.
    "invoice_payment": Endpoint(
        "/v1/invoice_payments",
        _events("invoice_payment", "paid"),
        shape=("payment",),
        lists_new=True,
    ),
    "credit_note": Endpoint(
        "/v1/credit_notes",
        _events("credit_note", "created", "updated", "voided"),
        shape=("total_taxes", "refunds"),
    ),
    "charge": Endpoint(
        "/v1/charges",
        {
            **_events(
                "charge",
                "succeeded",
                "pending",
                "failed",
                "captured",
                "updated",
                "refunded",
                "expired",
            ),
            **_events("charge.dispute", "created", "closed", field="charge"),
            **_events("refund", "failed", field="charge"),
        },
    ),
    "refund": Endpoint("/v1/refunds", _events("refund", "created", "updated", "failed")),
    "dispute": Endpoint(
        "/v1/disputes",
        _events(
            "charge.dispute",
            "created",
            "updated",
            "closed",
            "funds_withdrawn",
            "funds_reinstated",
        ),
    ),
    "balance_transaction": Endpoint(
        "/v1/balance_transactions", shape=("balance_type",), lists_new=True
    ),
    "payout": Endpoint(
        "/v1/payouts",
        _events(
            "payout",
            "created",
            "updated",
            "paid",
            "failed",
            "canceled",
            "reconciliation_completed",
        ),
        shape=("reconciliation_status",),
    ),
    "meter": Endpoint(
        "/v1/billing/meters",
        _events("billing.meter", "created", "updated", "deactivated", "reactivated"),
        by_created=False,
    ),
}
