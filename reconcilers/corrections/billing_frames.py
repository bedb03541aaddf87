"""What corrections of documents in billing are planned from: frames, and the SQL that fills them.

Part of plan_context.py and context.py, by their rules: wire values (versions, states, amounts of
the ERP) as the vendor sends them, all else from `conformed`, only for drift that asks for it.
"""

from collections.abc import Mapping

import polars as pl

TEXT, WHOLE, FLAG = pl.String(), pl.Int64(), pl.Boolean()

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
    # Refunds that no credit note stands behind, and the invoices of their charges.
    "uncredited_refunds": {
        "refund_id": TEXT,
        "status": TEXT,
        "amount_minor": WHOLE,
        "uncredited_minor": WHOLE,
        "invoice_id": TEXT,
        "invoice_status": TEXT,
        "total_minor": WHOLE,
        "paid_credits_minor": WHOLE,
        "open_credits_minor": WHOLE,
        "thread": TEXT,
    },
}

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
    "uncredited_refunds": """
        select refunds.refund_id, refunds.status, refunds.amount_minor,
               refunds.amount_minor - refunds.credited_minor as uncredited_minor,
               invoices.id as invoice_id, invoices.status as invoice_status,
               invoices.total as total_minor,
               coalesce(invoices.post_payment_credit_notes_amount, 0) as paid_credits_minor,
               coalesce(invoices.pre_payment_credit_notes_amount, 0) as open_credits_minor,
               refunds.correlation_id as thread
        from conformed.refund__billing as refunds
        left join raw.stripe__invoice as invoices on refunds.invoice_id = invoices.id
        where refunds.refund_id in (
            select owner_id from reconciliation.drift
            where code = 'RFD-MISS-01' and cause = 'no_credit_note'
        )
    """,
}
