"""The SQL of the facts that corrections of posted invoices need beside the documents' own."""

from collections.abc import Mapping

# Second copies of invoices, those that stand, and those that are not as billing has them.
_WANTED = """
        with copies as (
            select erp_internal_id, duplicate_of from canonical.invoice_copies
            where erp_internal_id in (
                select owner_id from reconciliation.drift where code = 'INV-DUP-01'
            )
        ),
        wanted as (
            select erp_internal_id as id, duplicate_of as copy_of from copies
            union
            select duplicate_of, null from copies
            where duplicate_of not in (select erp_internal_id from copies)
            union
            select owner_id, null from reconciliation.drift
            where code = 'INV-MISS-02' and cause = 'unpaid'
            union
            select erp_internal_id, null from canonical.invoice_copies
            where copy_role = 'primary' and erp_internal_id in (
                select split_part(coalesce(replica_id, owner_id), '-', 1)
                from reconciliation.drift
                where code in ('INV-AMT-01', 'TAX-AMT-01', 'TAX-CODE-01', 'INV-LINE-01')
                   or code = 'INV-STAT-01' and cause = 'void_not_copied'
                union
                select standing.erp_internal_id
                from reconciliation.drift as told
                join conformed.invoice_line__billing as lines on told.owner_id = lines.source_id
                join canonical.invoice_copies as standing on lines.invoice_id = standing.invoice_id
                where told.code = 'INV-LINE-01'
            )
        )
"""

# Invoices of billing that drift tells of, those that the ones above are copies of, and those that
# missing credit notes are for.
_BILLED = (
    _WANTED
    + """,
        billed as (
            select owner_id as invoice_id from reconciliation.drift
            union
            select invoices.invoice_id
            from wanted
            join conformed.invoice__erp as invoices on wanted.id = invoices.erp_internal_id
            union
            select invoice_id from conformed.credit_note__billing where credit_note_id in (
                select owner_id from reconciliation.drift where code = 'CRN-MISS-01'
            )
        )
"""
)

# Part of what held_fields reads: dates and periods of documents, and accounts of items.
POSTED_FIELDS_HELD = """
        union all
        select 'netsuite', 'invoice', id, 'invoice_date', trandate, lastmodifieddate, postingperiod
        from invoices
        union all
        select 'netsuite', 'posting', id, 'period', postingperiod, lastmodifieddate, postingperiod
        from raw.netsuite__transaction
        where id in (select record_id from told where code = 'JE-PER-01')
        union all
        select 'netsuite', 'posting', id, 'date', trandate, lastmodifieddate, postingperiod
        from raw.netsuite__transaction
        where id in (select record_id from told where code = 'JE-PER-01')
        union all
        select 'netsuite', 'product', id, 'revenue_account', nullif(incomeaccount, ''),
               lastmodifieddate, null
        from raw.netsuite__item
        where id in (select record_id from told where code = 'PRD-GL-01')
        union all
        select 'netsuite', 'product', id, 'deferred_account', nullif(deferredrevenueaccount, ''),
               lastmodifieddate, null
        from raw.netsuite__item
        where id in (select record_id from told where code = 'PRD-GL-01')
        union all
        select 'netsuite', 'product', id, 'is_active', isinactive, lastmodifieddate, null
        from raw.netsuite__item
        where id in (select record_id from told where code = 'PRD-MAP-01')
        union all
        select 'stripe', 'product', id, 'is_active', active::varchar,
               coalesce(_changed_at, created::varchar), null
        from raw.stripe__product
        where id in (select record_id from told where code = 'PRD-MAP-01')
        union all
        select 'salesforce', 'product', id, 'is_active', isactive::varchar, systemmodstamp, null
        from raw.salesforce__product2
        where id in (select record_id from told where code = 'PRD-MAP-01')
"""

INVOICE_QUERIES: Mapping[str, str] = {
    "billing_invoices": """
        $billed
        select invoices.invoice_id, invoices.number,
               invoices.customer_id as billing_customer_id, invoices.canonical_customer_id,
               customers.erp_customer_ref, invoices.legal_entity, invoices.currency,
               invoices.invoice_date, invoices.due_date, invoices.subtotal_minor,
               invoices.tax_minor, invoices.total_minor, invoices.correlation_id
        from billed
        join conformed.invoice__billing as invoices on billed.invoice_id = invoices.invoice_id
        left join conformed.customer__billing as customers
            on invoices.customer_id = customers.source_id
        where not invoices.is_voided
    """.replace("$billed", _BILLED),
    "billing_invoice_lines": """
        $billed
        select invoice_id, invoice_line_id as line_id, product_code, quantity,
               amount_minor as net_minor, tax_minor,
               service_start_date as service_start, service_end_date as service_end
        from conformed.invoice_line__billing
        where invoice_id in (select invoice_id from billed)
        order by invoice_id, invoice_line_id
    """.replace("$billed", _BILLED),
    # Which ERP invoices have the numbers of these already.
    "erp_invoice_numbers": """
        $billed
        select tranid as number, id as transaction_id,
               coalesce(custbody_stripe_invoice_id, externalid) as invoice_id
        from raw.netsuite__transaction
        where type = 'CustInvc' and tranid in (
            select number from conformed.invoice__billing
            where invoice_id in (select invoice_id from billed)
        )
    """.replace("$billed", _BILLED),
    # Which ERP invoice a wrong line is of; the first of them stands for all of its invoice.
    "erp_wrong_lines": """
        with told as (
            select drift.exception_key, drift.row_key, drift.attribute,
                   coalesce(
                       case
                           when drift.replica_system = 'netsuite'
                               then split_part(drift.replica_id, '-', 1)
                           when drift.owner_system = 'netsuite'
                               then split_part(drift.owner_id, '-', 1)
                       end,
                       copies.erp_internal_id
                   ) as transaction_id
            from reconciliation.drift as drift
            left join conformed.invoice_line__billing as lines on drift.owner_id = lines.source_id
            left join canonical.invoice_copies as copies
                on lines.invoice_id = copies.invoice_id and copies.copy_role = 'primary'
            where drift.code = 'INV-LINE-01' and drift.disposition = 'exception'
              and drift.explained_by is null
        )
        select exception_key, transaction_id, row_number() over (
            partition by transaction_id order by row_key, attribute
        ) = 1 as is_first
        from told
        where transaction_id is not null
    """,
    "erp_copies": """
        $wanted
        select wire.id as transaction_id, wanted.copy_of, wire.entity as customer_id,
               coalesce(customers.isinactive, 'F') as is_customer_inactive, (
                   select min(lines.subsidiary) from raw.netsuite__transaction_line as lines
                   where lines.transaction in (select id from wanted)
                     and lines.transaction = wire.id
               ) as subsidiary_id, invoices.currency, wire.exchangerate as exchange_rate,
               invoices.invoice_date, wire.voided, wire.foreigntotal as total,
               invoices.total_minor, wire.foreignamountunpaid as unpaid,
               invoices.amount_due_minor as unpaid_minor, invoices.invoice_id,
               wire.postingperiod as period_id, wire.lastmodifieddate as version
        from wanted
        join raw.netsuite__transaction as wire on wanted.id = wire.id
        join conformed.invoice__erp as invoices on wire.id = invoices.erp_internal_id
        left join raw.netsuite__customer as customers on wire.entity = customers.id
    """.replace("$wanted", _WANTED),
    "erp_copy_lines": """
        $wanted,
        lines as (
            select lines.*, cast(
                -cast(lines.foreignamount as decimal(28, 8))
                * power(10, cast(currencies.currencyprecision as integer)) as bigint
            ) as minor
            from raw.netsuite__transaction_line as lines
            join raw.netsuite__transaction as wire on lines.transaction = wire.id
            join raw.netsuite__currency as currencies on wire.currency = currencies.id
            where lines.transaction in (select id from wanted)
        ),
        taxes as (
            select transaction, taxcode, sum(minor) as minor
            from lines where taxline = 'T' group by transaction, taxcode
        )
        select lines.transaction as transaction_id, lines.item as item_id, lines.quantity,
               lines.minor as net_minor, lines.taxcode as tax_code_id, codes.rate as tax_rate,
               coalesce(taxes.minor, 0) as code_tax_minor,
               lines.custcol_stripe_line_id as stripe_line_id,
               lines.custcol_rev_start as rev_start, lines.custcol_rev_end as rev_end
        from lines
        left join taxes on lines.transaction = taxes.transaction and lines.taxcode = taxes.taxcode
        left join raw.netsuite__tax_code as codes on lines.taxcode = codes.id
        where lines.item is not null
        order by lines.transaction, cast(lines.id as bigint)
    """.replace("$wanted", _WANTED),
}
