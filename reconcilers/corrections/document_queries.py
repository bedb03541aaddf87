"""The SQL of the facts that documents for the ERP need: only those of drift that asks for one.

Part of what context.py reads, by the same rule: wire values from `raw`, all else from `conformed`.
"""

from collections.abc import Mapping

from reconcilers.corrections.invoice_queries import INVOICE_QUERIES

DOCUMENT_QUERIES: Mapping[str, str] = {
    **INVOICE_QUERIES,
    # Documents that are to be reversed or reclassified, what they are copies of, and journals that
    # an integration posted: their external ids are taken.
    "erp_journals": """
        with concerned as (
            select split_part(owner_id, '-', 1) as journal_id
            from reconciliation.drift where code in ('JE-DUP-01', 'JE-ACC-01', 'PYT-CLR-01')
        ),
        wanted as (
            select journal_id from concerned
            union
            select copies.duplicate_of
            from comparison.cmp_journal_entry__within_erp as copies
            join concerned on copies.erp_id = concerned.journal_id
            union
            select id from raw.netsuite__transaction
            where type = 'Journal' and nullif(externalid, '') is not null
        )
        select wire.id as journal_id, nullif(wire.externalid, '') as external_id,
               cast(wire.trandate as date) as entry_date, entries.legal_entity,
               upper(currencies.symbol) as currency, wire.exchangerate as exchange_rate,
               wire.foreigntotal as total, wire.voided, wire.posting,
               entries.duplicate_of as copy_of
        from wanted
        join raw.netsuite__transaction as wire on wanted.journal_id = wire.id
        left join comparison.cmp_journal_entry__within_erp as entries on wire.id = entries.erp_id
        left join raw.netsuite__currency as currencies on wire.currency = currencies.id
    """,
    "erp_journal_lines": """
        select lines.journal_id, lines.line_id, lines.erp_account_id as account_id,
               lines.account_number as number,
               coalesce(lines.transaction_debit_minor - lines.transaction_credit_minor, 0)
                   as amount_minor,
               lines.debit_minor - lines.credit_minor as base_minor,
               wire.department as department_id, wire.class as class_id
        from conformed.journal_entry_line__erp as lines
        left join raw.netsuite__transaction_line as wire
            on lines.journal_id = wire.transaction and lines.line_id = wire.id
        where lines.journal_id in (
            select split_part(owner_id, '-', 1)
            from reconciliation.drift where code in ('JE-DUP-01', 'JE-ACC-01', 'PYT-CLR-01')
        )
        order by lines.journal_id, cast(lines.line_id as bigint)
    """,
    # A dispute moves money at the rate at which it was taken: of its opening, or of that day.
    "billing_disputes": """
        with missing as (
            select stages.*, disputes.stripe_status, disputes.opened_at, disputes.reinstated_minor
            from comparison.cmp_dispute__billing_vs_erp as stages
            join conformed.dispute__billing as disputes on stages.billing_id = disputes.dispute_id
            where not stages.has_erp
        ),
        openings as (
            select dispute_id, min(erp_internal_id) as opening_id
            from conformed.dispute_entry__erp
            where stage = 'opened' and not is_voided group by dispute_id
        )
        select missing.row_key, missing.billing_id as dispute_id, missing.billing_stage as stage,
               missing.stripe_status,
               cast((missing.event_at at time zone 'UTC')
                   at time zone coalesce(entities.time_zone, 'UTC') as date) as stage_date,
               missing.legal_entity, missing.currency,
               case
                   when missing.currency = entities.functional_currency then '1'
                   else coalesce(opening.exchangerate, (
                       select max_by(rates.exchangerate, rates.effectivedate)
                       from raw.netsuite__exchange_rate as rates
                       join raw.netsuite__currency as base on rates.basecurrency = base.id
                       join raw.netsuite__currency as own on rates.transactioncurrency = own.id
                       where upper(base.symbol) = entities.functional_currency
                         and upper(own.symbol) = missing.currency
                         and cast(rates.effectivedate as date) <= cast(missing.opened_at as date)
                   ))
               end as exchange_rate,
               missing.billing_amount_minor as amount_minor, missing.reinstated_minor,
               openings.opening_id
        from missing
        left join seeds.legal_entities as entities on missing.legal_entity = entities.legal_entity
        left join openings on missing.billing_id = openings.dispute_id
        left join raw.netsuite__transaction as opening on openings.opening_id = opening.id
    """,
    "billing_credit_notes": """
        select notes.credit_note_id, notes.number, notes.invoice_id,
               notes.customer_id as billing_customer_id, notes.canonical_customer_id,
               customers.erp_customer_ref, notes.legal_entity, notes.currency, notes.credit_date,
               notes.tax_minor, notes.total_minor, notes.applied_to_invoice_minor as applied_minor
        from conformed.credit_note__billing as notes
        left join conformed.customer__billing as customers
            on notes.customer_id = customers.source_id
        where notes.credit_note_id in (
            select owner_id from reconciliation.drift where code = 'CRN-MISS-01'
        )
    """,
    "billing_credit_note_lines": """
        select credit_note_id, invoice_line_id, quantity, amount_minor as net_minor
        from conformed.credit_note_line__billing
        where credit_note_id in (
            select owner_id from reconciliation.drift where code = 'CRN-MISS-01'
        )
        order by credit_note_id, source_id
    """,
    "billing_payments": """
        select payments.payment_id, payments.invoice_id, payments.currency,
               cast((payments.paid_at at time zone 'UTC')
                   at time zone coalesce(entities.time_zone, 'UTC') as date) as paid_date,
               payments.amount_minor
        from conformed.payment__billing as payments
        left join seeds.legal_entities as entities on payments.legal_entity = entities.legal_entity
        where payments.payment_id in (
            select owner_id from reconciliation.drift where code = 'PAY-MISS-01'
        )
    """,
    # The ERP's copies that stand for the invoices of those notes and payments.
    "erp_invoices": """
        with concerned as (
            select invoice_id from conformed.payment__billing where payment_id in (
                select owner_id from reconciliation.drift where code = 'PAY-MISS-01'
            )
            union
            select invoice_id from conformed.credit_note__billing where credit_note_id in (
                select owner_id from reconciliation.drift where code = 'CRN-MISS-01'
            )
        )
        select copies.invoice_id, wire.id as transaction_id, wire.entity as customer_id,
               coalesce(customers.isinactive, 'F') as is_customer_inactive, invoices.currency,
               wire.foreignamountunpaid as unpaid, invoices.amount_due_minor as unpaid_minor
        from concerned
        join canonical.invoice_copies as copies on concerned.invoice_id = copies.invoice_id
        join conformed.invoice__erp as invoices on copies.erp_internal_id = invoices.erp_internal_id
        join raw.netsuite__transaction as wire on copies.erp_internal_id = wire.id
        left join raw.netsuite__customer as customers on wire.entity = customers.id
        where copies.copy_role = 'primary' and not invoices.is_voided
    """,
    "erp_memo_numbers": """
        select tranid as number, id as transaction_id
        from raw.netsuite__transaction where type = 'CustCred'
    """,
}
