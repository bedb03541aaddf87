"""What corrections of documents in billing are planned from: frames, and the SQL that fills them.

Part of plan_context.py and context.py, by their rules: wire values (versions, states, amounts of
the ERP) as the vendor sends them, all else from `conformed`, only for drift that asks for it.
"""

from collections.abc import Mapping

import polars as pl

TEXT, WHOLE, FLAG = pl.String(), pl.Int64(), pl.Boolean()

# What decides whether money of an invoice goes back in a simple way: its charges and refunds that
# did not fail, what was credited of it, and what of that stands behind refunds; whether any charge
# was ever disputed, and whether other money paid it too (the customer's balance, a bank) or its
# charges paid other invoices.
OF_INVOICE: dict[str, pl.DataType] = {
    "charge_count": WHOLE,
    "refund_count": WHOLE,
    "paid_credits_minor": WHOLE,
    "open_credits_minor": WHOLE,
    "refund_credits_minor": WHOLE,
    "is_disputed": FLAG,
    "is_paid_otherwise": FLAG,
}

BILLING_FRAMES: dict[str, dict[str, pl.DataType]] = {
    # What the ERP has applied to its copy of an invoice that billing has open, by the finding.
    # `applied` and `total` are decimal text of the ERP, `parts` the links that make up the former.
    "bank_receipts": {
        "row_key": TEXT,
        "payment_id": TEXT,
        "copy_id": TEXT,
        "voided": TEXT,
        "total": TEXT,
        "applied": TEXT,
        "parts": WHOLE,
        "applied_minor": WHOLE,
        "status": TEXT,
        "remaining_minor": WHOLE,
        "version": TEXT,
        "thread": TEXT,
    },
    # Drafts that should be final; `total` in minor units.
    "stale_drafts": {
        "invoice_id": TEXT,
        "status": TEXT,
        "total": WHOLE,
        "auto_advance": FLAG,
        "version": TEXT,
    },
    # Charges of an invoice that an earlier one had paid, and what they took beyond its total.
    "overcharges": {
        "payment_id": TEXT,
        "overcharged_minor": WHOLE,
        "amount_minor": WHOLE,
        "refunded_minor": WHOLE,
        "invoice_id": TEXT,
        "invoice_total_minor": WHOLE,
        "earlier_id": TEXT,
        "earlier_minor": WHOLE,
        "earlier_refunded_minor": WHOLE,
        **OF_INVOICE,
    },
    # What the price book lists, beside the price of billing that stands for it. Amounts are minor
    # units as exact decimal text, for the periods of that price; `tiers` is JSON, by the month.
    "list_prices": {
        "row_key": TEXT,
        "offer_id": TEXT,
        "product_id": TEXT,
        "currency": TEXT,
        "interval": TEXT,
        "interval_count": WHOLE,
        "tax_behavior": TEXT,
        "unit_amount": TEXT,
        "tiers": TEXT,
        "entry_version": TEXT,
    },
    # Refunds that no credit note stands behind, their charges, and the invoices of these.
    "uncredited_refunds": {
        "refund_id": TEXT,
        "status": TEXT,
        "amount_minor": WHOLE,
        "uncredited_minor": WHOLE,
        "invoice_id": TEXT,
        "invoice_status": TEXT,
        "total_minor": WHOLE,
        "payment_id": TEXT,
        "charge_minor": WHOLE,
        "refunded_minor": WHOLE,
        **OF_INVOICE,
        "thread": TEXT,
    },
}

_OF_INVOICES = """
        select invoices.id as invoice_id,
               coalesce(invoices.post_payment_credit_notes_amount, 0) as paid_credits_minor,
               coalesce(invoices.pre_payment_credit_notes_amount, 0) as open_credits_minor, (
                   select count(*) from conformed.payment__billing as charges
                   where charges.invoice_id = invoices.id and charges.status <> 'failed'
               ) as charge_count, (
                   select count(*) from conformed.refund__billing as refunds
                   where refunds.invoice_id = invoices.id
                     and refunds.status not in ('failed', 'canceled')
               ) as refund_count, (
                   select cast(coalesce(sum(credited_minor), 0) as bigint)
                   from conformed.refund__billing as refunds
                   where refunds.invoice_id = invoices.id and refunds.is_settled
               ) as refund_credits_minor, (
                   exists (
                       select 1 from conformed.dispute__billing as disputes
                       where disputes.invoice_id = invoices.id
                   ) or exists (
                       select 1 from conformed.payment__billing as charges
                       join raw.stripe__charge as wire on charges.payment_id = wire.id
                       where charges.invoice_id = invoices.id and wire.disputed
                   )
               ) as is_disputed, (
                   coalesce(invoices.starting_balance, 0) <> coalesce(invoices.ending_balance, 0)
                   or exists (
                       select 1 from conformed.payment_application__billing as settled
                       where settled.invoice_id = invoices.id
                         and settled.payment_type <> 'payment_intent'
                   ) or exists (
                       select 1 from conformed.payment__billing as charges
                       join conformed.payment_application__billing as settled
                           on charges.payment_id = settled.payment_id
                       where charges.invoice_id = invoices.id
                         and settled.invoice_id <> invoices.id
                   )
               ) as is_paid_otherwise
        from raw.stripe__invoice as invoices
        where invoices.id in ({concerned})
"""


def of_invoices(concerned: str) -> str:
    """The query of OF_INVOICE for invoices whose ids a query gives: of all it takes long."""
    return _OF_INVOICES.format(concerned=concerned)


BILLING_QUERIES: Mapping[str, str] = {
    "bank_receipts": """
        with links as (
            select nextdoc, previousdoc, min(foreignamount) as amount, count(*) as parts
            from raw.netsuite__transaction_link
            where lower(linktype) = 'payment' group by nextdoc, previousdoc
        )
        select told.row_key, applied.erp_internal_id as payment_id,
               applied.invoice_erp_internal_id as copy_id, wire.voided,
               wire.foreigntotal as total, links.amount as applied, links.parts,
               applied.applied_minor, invoices.status,
               invoices.amount_remaining as remaining_minor,
               coalesce(invoices._changed_at, invoices.created::varchar) as version,
               coalesce(nullif(invoices.metadata_q2c_correlation_id, ''), told.correlation_id)
                   as thread
        from reconciliation.drift as told
        join conformed.payment_application__erp as applied
            on told.row_key = 'netsuite:' || applied.source_id
        join links on applied.erp_internal_id = links.nextdoc
            and applied.invoice_erp_internal_id = links.previousdoc
        join raw.netsuite__transaction as wire on applied.erp_internal_id = wire.id
        join raw.stripe__invoice as invoices on told.replica_id = invoices.id
        where told.code = 'PAY-OOB-01'
    """,
    "stale_drafts": """
        select id as invoice_id, status, total, coalesce(auto_advance, false) as auto_advance,
               coalesce(_changed_at, created::varchar) as version
        from raw.stripe__invoice
        where id in (
            select owner_id from reconciliation.drift
            where code = 'INV-SCHD-01' and cause = 'stale_draft'
        )
    """,
    "overcharges": f"""
        with told as (
            select compared.* from reconciliation.drift
            join comparison.cmp_payment__billing_vs_erp as compared using (row_key)
            where code = 'PAY-DUP-01' and cause = 'charged_twice'
        ),
        whole as ({of_invoices("select invoice_id from told")})
        select compared.billing_id as payment_id, compared.overcharged_minor,
               wire.amount as amount_minor, coalesce(wire.amount_refunded, 0) as refunded_minor,
               invoices.total as invoice_total_minor, earlier.id as earlier_id,
               earlier.amount as earlier_minor,
               coalesce(earlier.amount_refunded, 0) as earlier_refunded_minor, whole.*
        from told as compared
        join raw.stripe__charge as wire on compared.billing_id = wire.id
        join raw.stripe__charge as earlier on compared.charged_before = earlier.id
        join raw.stripe__invoice as invoices on compared.invoice_id = invoices.id
        join whole on invoices.id = whole.invoice_id
    """,
    "list_prices": """
        with tiers as (
            select price_id, cast(to_json(list({
                'up_to': up_to, 'unit_amount': unit_amount_minor::varchar,
                'flat_amount': flat_amount_minor::varchar
            } order by lower_bound)) as varchar) as tiers
            from canonical.price_tiers where role = 'crm' and is_current group by price_id
        )
        select told.row_key, wire.id as offer_id, wire.product as product_id, wire.currency,
               wire.recurring_interval as interval,
               coalesce(wire.recurring_interval_count, 1) as interval_count, wire.tax_behavior,
               (entries.unit_month_minor * coalesce(wire.recurring_interval_count, 1)
                * case wire.recurring_interval when 'month' then 1 when 'year' then 12 end)::varchar
                   as unit_amount, tiers.tiers, book.systemmodstamp as entry_version
        from reconciliation.drift as told
        join raw.stripe__price as wire on told.replica_id = wire.id
        join canonical.price_versions as entries
            on told.owner_id = entries.price_id and entries.role = 'crm' and entries.is_current
        join raw.salesforce__pricebook_entry as book on entries.price_id = book.id
        left join tiers on entries.price_id = tiers.price_id
        where told.code = 'PRD-PRC-01'
    """,
    "uncredited_refunds": f"""
        with told as (
            select * from conformed.refund__billing where refund_id in (
                select owner_id from reconciliation.drift
                where code = 'RFD-MISS-01' and cause = 'no_credit_note'
            )
        ),
        whole as ({of_invoices("select invoice_id from told")})
        select refunds.refund_id, refunds.status, refunds.amount_minor,
               compared.uncredited_minor, invoices.status as invoice_status,
               invoices.total as total_minor, wire.id as payment_id, wire.amount as charge_minor,
               coalesce(wire.amount_refunded, 0) as refunded_minor, whole.*,
               refunds.correlation_id as thread
        from told as refunds
        join comparison.cmp_refund__billing_vs_erp as compared
            on refunds.refund_id = compared.billing_id
        left join raw.stripe__charge as wire on refunds.payment_id = wire.id
        left join raw.stripe__invoice as invoices on refunds.invoice_id = invoices.id
        left join whole on invoices.id = whole.invoice_id
    """,
}
