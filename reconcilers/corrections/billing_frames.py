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
}
