-- What the ERP's documents do to a control account, and what stands there in the ledger; of both, receivables and sales tax.
-- Debits less credits, in the currency of the document.
with documents as (
    select
        erp_internal_id, 'invoice' as movement, legal_entity, currency, period, is_voided,
        total_minor as receivable_minor, -tax_minor as tax_payable_minor
    from {{ ref('invoice__erp') }}
    union all
    select
        erp_internal_id, 'credit_note', legal_entity, currency, period, is_voided,
        -total_minor, tax_minor
    from {{ ref('credit_note__erp') }}
    union all
    select erp_internal_id, 'payment', legal_entity, currency, period, is_voided, -amount_minor, 0
    from {{ ref('payment__erp') }}
    union all
    select erp_internal_id, 'refund', legal_entity, currency, period, is_voided, amount_minor, 0
    from {{ ref('refund__erp') }}
),

controlled as (
    select distinct legal_entity, account_number, event_type as control
    from {{ ref('ledger_accounts') }}
    where event_type in ('receivable', 'tax_payable')
),

entries as (
    {% for control in ['receivable', 'tax_payable'] -%}
    select
        '{{ control }}' as control,
        'documents' as side,
        erp_internal_id,
        movement,
        legal_entity,
        currency,
        period,
        {{ control }}_minor as amount_minor,
        cast(null as varchar) as excluded_reason
    from documents
    where not is_voided
    union all
    {% endfor -%}
    select
        controlled.control,
        'ledger',
        -- a reclass stands with the document that it puts right
        coalesce(documents.erp_internal_id, lines.journal_id),
        coalesce(documents.movement, lines.document_type),
        lines.legal_entity,
        lines.transaction_currency,
        lines.period,
        lines.transaction_debit_minor - lines.transaction_credit_minor,
        -- what people book on the account itself is shown and asks for no document; so is what a reversal takes back
        case
            when documents.is_voided then 'voided'
            when documents.erp_internal_id is null and lines.document_type = 'journal' then 'journal'
        end
    from {{ ref('journal_entry_lines') }} as lines
    inner join controlled
        on lines.account_number = controlled.account_number and lines.legal_entity = controlled.legal_entity
    left join documents on coalesce(lines.corrected_journal_id, lines.journal_id) = documents.erp_internal_id
)

select
    concat_ws('|', control, side, erp_internal_id, movement, currency, coalesce(period, '')) as entry_key,
    control,
    side,
    erp_internal_id as object_key,
    erp_internal_id as document_id,
    movement,
    legal_entity,
    currency,
    period,
    cast(sum(amount_minor) as bigint) as amount_minor,
    max(excluded_reason) as excluded_reason
from entries
where amount_minor <> 0
group by control, side, erp_internal_id, movement, legal_entity, currency, period
