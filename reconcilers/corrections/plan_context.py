"""The facts that a plan needs beside the drift: plain frames, filled by context.py."""

from dataclasses import dataclass, fields
from typing import ClassVar

import polars as pl

from reconcilers.corrections.add_on_queries import ADD_ON_SCHEMAS
from reconcilers.corrections.billing_frames import BILLING_FRAMES
from reconcilers.corrections.customer_queries import MISSING_CUSTOMERS
from reconcilers.corrections.paper_queries import PAPER_SCHEMAS
from reconcilers.corrections.revenue_queries import REVENUE_SCHEMAS
from reconcilers.corrections.subscription_queries import SUBSCRIPTION_SCHEMAS
from reconcilers.corrections.usage_queries import USAGE_SCHEMAS

TEXT, WHOLE, FLAG, DAY, INSTANT = (
    pl.String(),
    pl.Int64(),
    pl.Boolean(),
    pl.Date(),
    pl.Datetime("us"),
)


@dataclass(frozen=True)
class PlanContext:
    """Facts of one night, each frame with exactly the columns of SCHEMAS.

    Wire values (CRM status, link, version stamps, NetSuite ids) stand as the vendor sends them;
    amounts are integer minor units in transaction currency, `base_minor` in that of the books (of a
    journal's line debit positive); instants are naive UTC.
    """

    crm_accounts: pl.DataFrame
    held_fields: pl.DataFrame
    crm_subscriptions: pl.DataFrame
    billing_subscriptions: pl.DataFrame
    billing_items: pl.DataFrame
    billing_schedules: pl.DataFrame
    billing_ends: pl.DataFrame
    billing_coupons: pl.DataFrame
    billed_twice: pl.DataFrame
    unbilled: pl.DataFrame
    unbilled_lines: pl.DataFrame
    billing_prices: pl.DataFrame
    list_prices: pl.DataFrame
    used_periods: pl.DataFrame
    overcharges: pl.DataFrame
    signed_steps: pl.DataFrame
    signed_lines: pl.DataFrame
    signed_terms: pl.DataFrame
    billing_invoices: pl.DataFrame
    billing_invoice_lines: pl.DataFrame
    erp_customers: pl.DataFrame
    erp_items: pl.DataFrame
    erp_accounts: pl.DataFrame
    erp_tax_codes: pl.DataFrame
    erp_currencies: pl.DataFrame
    erp_subsidiaries: pl.DataFrame
    erp_periods: pl.DataFrame
    erp_invoice_numbers: pl.DataFrame
    legal_entities: pl.DataFrame
    ledger_accounts: pl.DataFrame
    erp_journals: pl.DataFrame
    erp_journal_lines: pl.DataFrame
    billing_disputes: pl.DataFrame
    billing_credit_notes: pl.DataFrame
    billing_credit_note_lines: pl.DataFrame
    billing_payments: pl.DataFrame
    erp_invoices: pl.DataFrame
    erp_memo_numbers: pl.DataFrame
    erp_copies: pl.DataFrame
    erp_copy_lines: pl.DataFrame
    bank_receipts: pl.DataFrame
    stale_drafts: pl.DataFrame
    uncredited_refunds: pl.DataFrame
    erp_settlements: pl.DataFrame
    billing_refunds: pl.DataFrame
    billing_payouts: pl.DataFrame
    payout_members: pl.DataFrame
    erp_applications: pl.DataFrame
    erp_wrong_lines: pl.DataFrame
    revenue_months: pl.DataFrame
    revenue_lines: pl.DataFrame
    missing_customers: pl.DataFrame
    unpapered: pl.DataFrame
    unsigned_edits: pl.DataFrame
    co_terms: pl.DataFrame
    add_ons: pl.DataFrame

    SCHEMAS: ClassVar[dict[str, dict[str, pl.DataType]]] = {
        **SUBSCRIPTION_SCHEMAS,
        **ADD_ON_SCHEMAS,
        "crm_accounts": {
            "account_id": TEXT,
            "stripe_customer_id": TEXT,
            "system_modstamp": TEXT,
        },
        # Where drift says that a copy is wrong: what a record holds of an attribute of the matrix.
        # `period_id` is the posting period where the record is a document.
        "held_fields": {
            "system": TEXT,
            "entity": TEXT,
            "record_id": TEXT,
            "attribute": TEXT,
            "value": TEXT,
            "version": TEXT,
            "period_id": TEXT,
        },
        "crm_subscriptions": {
            "subscription_id": TEXT,
            "stripe_subscription_id": TEXT,
            "status": TEXT,
            "status_changed_at": TEXT,
            "system_modstamp": TEXT,
        },
        "billing_subscriptions": {
            "subscription_id": TEXT,
            "status": TEXT,
            "status_changed_at": INSTANT,
        },
        "billing_invoices": {
            "invoice_id": TEXT,
            "number": TEXT,
            "billing_customer_id": TEXT,
            "canonical_customer_id": TEXT,
            "erp_customer_ref": TEXT,
            "legal_entity": TEXT,
            "currency": TEXT,
            "invoice_date": DAY,
            "due_date": DAY,
            "subtotal_minor": WHOLE,
            "tax_minor": WHOLE,
            "total_minor": WHOLE,
            "correlation_id": TEXT,
        },
        "billing_invoice_lines": {
            "invoice_id": TEXT,
            "line_id": TEXT,
            "product_code": TEXT,
            "quantity": WHOLE,
            "net_minor": WHOLE,
            "tax_minor": WHOLE,
            "service_start": DAY,
            "service_end": DAY,
        },
        "erp_customers": {
            "canonical_customer_id": TEXT,
            "customer_id": TEXT,
            "subsidiary_id": TEXT,
            "stripe_customer_id": TEXT,
            "is_inactive": TEXT,
        },
        "erp_items": {
            "item_id": TEXT,
            "sku": TEXT,
            "name": TEXT,
            "income_account_id": TEXT,
            "deferred_account_id": TEXT,
            "is_inactive": TEXT,
            "family": TEXT,
        },
        "erp_accounts": {
            "account_id": TEXT,
            "number": TEXT,
            "account_type": TEXT,
            "is_inactive": TEXT,
        },
        "erp_tax_codes": {"tax_code_id": TEXT, "name": TEXT, "rate": TEXT, "country": TEXT},
        "erp_currencies": {"currency_id": TEXT, "currency": TEXT, "exponent": WHOLE},
        "erp_subsidiaries": {
            "subsidiary_id": TEXT,
            "legal_entity": TEXT,
            "country": TEXT,
        },
        "erp_periods": {
            "period_id": TEXT,
            "name": TEXT,
            "start_date": DAY,
            "end_date": DAY,
            "is_closed": TEXT,
            "is_ar_locked": TEXT,
            "is_quarter": TEXT,
            "is_year": TEXT,
        },
        "erp_invoice_numbers": {"number": TEXT, "transaction_id": TEXT, "invoice_id": TEXT},
        "legal_entities": {"legal_entity": TEXT, "currency": TEXT, "tax_rate": TEXT},
        "ledger_accounts": {
            "product_family": TEXT,
            "legal_entity": TEXT,
            "event_type": TEXT,
            "number": TEXT,
        },
        "erp_journals": {
            "journal_id": TEXT,
            "external_id": TEXT,
            "entry_date": DAY,
            "legal_entity": TEXT,
            "currency": TEXT,
            "exchange_rate": TEXT,
            "total": TEXT,
            "voided": TEXT,
            "posting": TEXT,
            "copy_of": TEXT,
        },
        "erp_journal_lines": {
            "journal_id": TEXT,
            "line_id": TEXT,
            "account_id": TEXT,
            "number": TEXT,
            "amount_minor": WHOLE,
            "base_minor": WHOLE,
            "department_id": TEXT,
            "class_id": TEXT,
        },
        "billing_disputes": {
            "row_key": TEXT,
            "dispute_id": TEXT,
            "stage": TEXT,
            "stripe_status": TEXT,
            "stage_date": DAY,
            "legal_entity": TEXT,
            "currency": TEXT,
            "exchange_rate": TEXT,
            "amount_minor": WHOLE,
            "reinstated_minor": WHOLE,
            "opening_id": TEXT,
        },
        "billing_credit_notes": {
            "credit_note_id": TEXT,
            "number": TEXT,
            "invoice_id": TEXT,
            "billing_customer_id": TEXT,
            "canonical_customer_id": TEXT,
            "erp_customer_ref": TEXT,
            "legal_entity": TEXT,
            "currency": TEXT,
            "credit_date": DAY,
            "tax_minor": WHOLE,
            "total_minor": WHOLE,
            "applied_minor": WHOLE,
        },
        "billing_credit_note_lines": {
            "credit_note_id": TEXT,
            "invoice_line_id": TEXT,
            "quantity": WHOLE,
            "net_minor": WHOLE,
        },
        "billing_payments": {
            "payment_id": TEXT,
            "invoice_id": TEXT,
            "currency": TEXT,
            "paid_date": DAY,
            "amount_minor": WHOLE,
        },
        "erp_invoices": {
            "invoice_id": TEXT,
            "transaction_id": TEXT,
            "customer_id": TEXT,
            "is_customer_inactive": TEXT,
            "currency": TEXT,
            "unpaid": TEXT,
            "unpaid_minor": WHOLE,
        },
        "erp_memo_numbers": {"number": TEXT, "transaction_id": TEXT},
        "erp_copies": {
            "transaction_id": TEXT,
            "copy_of": TEXT,
            "customer_id": TEXT,
            "is_customer_inactive": TEXT,
            "subsidiary_id": TEXT,
            "currency": TEXT,
            "exchange_rate": TEXT,
            "invoice_date": DAY,
            "voided": TEXT,
            "total": TEXT,
            "total_minor": WHOLE,
            "unpaid": TEXT,
            "unpaid_minor": WHOLE,
            "invoice_id": TEXT,
            "period_id": TEXT,
            "version": TEXT,
        },
        "erp_wrong_lines": {"exception_key": TEXT, "transaction_id": TEXT, "is_first": FLAG},
        "erp_copy_lines": {
            "transaction_id": TEXT,
            "item_id": TEXT,
            "quantity": TEXT,
            "net_minor": WHOLE,
            "tax_code_id": TEXT,
            "tax_rate": TEXT,
            "code_tax_minor": WHOLE,
            "stripe_line_id": TEXT,
            "rev_start": TEXT,
            "rev_end": TEXT,
        },
        **BILLING_FRAMES,
        "billing_refunds": {
            "refund_id": TEXT,
            "payment_id": TEXT,
            "credit_note_id": TEXT,
            "legal_entity": TEXT,
            "currency": TEXT,
            "refund_date": DAY,
            "amount_minor": WHOLE,
            "transaction_id": TEXT,
            "customer_id": TEXT,
            "is_customer_inactive": TEXT,
            "memo_currency": TEXT,
            "unpaid": TEXT,
            "open_minor": WHOLE,
            "is_of_payment": FLAG,
            "total": TEXT,
        },
        "billing_payouts": {
            "payout_id": TEXT,
            "currency": TEXT,
            "arrival_date": DAY,
            "amount_minor": WHOLE,
            "is_reconciled": FLAG,
            "net_minor": WHOLE,
            "fee_minor": WHOLE,
        },
        "payout_members": {
            "payout_id": TEXT,
            "balance_transaction_id": TEXT,
            "source_kind": TEXT,
            "source_id": TEXT,
            "gross_minor": WHOLE,
            "transaction_id": TEXT,
            "currency": TEXT,
            "amount_minor": WHOLE,
            "total": TEXT,
            "subsidiary_id": TEXT,
            "account_id": TEXT,
            "is_deposited": FLAG,
        },
        "erp_settlements": {
            "row_key": TEXT,
            "object": TEXT,
            "is_banked": FLAG,
            "document_id": TEXT,
            "customer_id": TEXT,
            "currency": TEXT,
            "period_id": TEXT,
            "voided": TEXT,
            "version": TEXT,
            "available_minor": WHOLE,
            "is_deposited": FLAG,
        },
        "erp_applications": {
            "document_id": TEXT,
            "transaction_id": TEXT,
            "invoice_id": TEXT,
            "customer_id": TEXT,
            "currency": TEXT,
            "unpaid_minor": WHOLE,
            "held_minor": WHOLE,
            "wanted_minor": WHOLE,
            "is_guess": FLAG,
            "is_billed": FLAG,
        },
        **REVENUE_SCHEMAS,
        "missing_customers": MISSING_CUSTOMERS,
        **PAPER_SCHEMAS,
        **USAGE_SCHEMAS,
    }

    def __post_init__(self) -> None:
        for item in fields(self):
            frame, schema = getattr(self, item.name), self.SCHEMAS[item.name]
            if dict(frame.schema) != schema:
                raise ValueError(
                    f"plan context {item.name}: expected {schema}, found {dict(frame.schema)}"
                )


def empty_context(**frames: pl.DataFrame) -> PlanContext:
    """A context in which only the given frames hold rows."""
    return PlanContext(
        **{name: pl.DataFrame(schema=schema) for name, schema in PlanContext.SCHEMAS.items()}
        | frames
    )
