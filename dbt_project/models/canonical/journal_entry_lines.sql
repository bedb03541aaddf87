with documents as (
    -- what a transaction of the ERP is in the canonical layer; duplicates and voided copies are nothing there
    select erp_internal_id, invoice_key as document_key from {{ ref('invoices') }} where erp_internal_id is not null
    union all
    select erp_internal_id, payment_key as document_key from {{ ref('payments') }} where erp_internal_id is not null
    union all
    select erp_internal_id, credit_note_key as document_key from {{ ref('credit_notes') }} where erp_internal_id is not null
    union all
    select erp_internal_id, refund_key as document_key from {{ ref('refunds') }} where erp_internal_id is not null
    union all
    select erp_internal_id, payout_key as document_key from {{ ref('payouts') }} where erp_internal_id is not null
    union all
    select erp_internal_id, dispute_key as document_key from {{ ref('disputes') }} where erp_internal_id is not null
    union all
    select closing_erp_internal_id as erp_internal_id, dispute_key as document_key
    from {{ ref('disputes') }} where closing_erp_internal_id is not null
)

select
    lines.source_id as journal_line_key,
    lines.journal_id,
    lines.line_id,
    entries.journal_type as document_type,
    documents.document_key,
    lines.invoice_line_id,
    entries.canonical_customer_id,
    entries.correlation_id,
    entries.period,
    entries.entry_date,
    lines.account_number,
    lines.account_type,
    lines.account_class,
    lines.legal_entity,
    lines.currency,
    lines.debit_minor,
    lines.credit_minor,
    lines.transaction_currency,
    lines.transaction_debit_minor,
    lines.transaction_credit_minor,
    lines.corrected_journal_id
from {{ ref('journal_entry_line__erp') }} as lines
inner join {{ ref('journal_entry__erp') }} as entries on lines.journal_id = entries.journal_id
left join documents on lines.journal_id = documents.erp_internal_id
