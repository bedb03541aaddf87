with {{ erp_document_facts('credit_note') }},

tax as (
    select
        transaction_id,
        sum(amount) as tax
    from {{ ref('stg_netsuite__transaction_lines') }}
    where is_tax_line
    group by transaction_id
),

settled as (
    select
        links.next_transaction_id as transaction_id,
        invoices.invoice_id,
        invoices.erp_internal_id,
        invoices.correlation_id,
        abs(links.amount) as amount,
        row_number() over (
            partition by links.next_transaction_id
            order by abs(links.amount) desc, invoices.erp_internal_id, links.previous_line_id, links.next_line_id
        ) as preference
    from {{ ref('stg_netsuite__transaction_links') }} as links
    inner join {{ ref('invoice__erp') }} as invoices on links.previous_transaction_id = invoices.erp_internal_id
    where links.link_type = 'payment'
),

applied as (
    -- the invoice that the credit settles; of several the one that takes most of it, of equals always the same
    select
        transaction_id,
        max(case when preference = 1 then invoice_id end) as invoice_id,
        max(case when preference = 1 then erp_internal_id end) as invoice_erp_internal_id,
        max(case when preference = 1 then correlation_id end) as correlation_id,
        sum(amount) as amount
    from settled
    group by transaction_id
),

refunded as (
    select
        links.previous_transaction_id as transaction_id,
        sum(abs(links.amount)) as amount
    from {{ ref('stg_netsuite__transaction_links') }} as links
    inner join {{ ref('stg_netsuite__transactions') }} as refunds on links.next_transaction_id = refunds.transaction_id
    where refunds.transaction_type = 'refund' and links.link_type = 'payment'
    group by links.previous_transaction_id
),

notes as (
    select
        document_facts.*,
        applied.invoice_id,
        applied.invoice_erp_internal_id,
        coalesce(document_facts.correlation_id, applied.correlation_id) as thread_id,
        coalesce({{ minor_units('abs(tax.tax)', 'minor_per_unit') }}, 0) as tax_minor,
        coalesce({{ minor_units('applied.amount', 'minor_per_unit') }}, 0) as applied_minor,
        coalesce({{ minor_units('refunded.amount', 'minor_per_unit') }}, 0) as refunded_minor
    from document_facts
    left join tax on document_facts.transaction_id = tax.transaction_id
    left join applied on document_facts.transaction_id = applied.transaction_id
    left join refunded on document_facts.transaction_id = refunded.transaction_id
)

select
    notes.transaction_id as source_id,
    'netsuite' as source_system,
    {{ mirrored_id('notes.stripe_credit_note_id', 'notes.external_id', 'cn') }} as credit_note_id,
    notes.transaction_id as erp_internal_id,
    notes.number,
    crosswalk.canonical_customer_id,
    notes.customer_id,
    notes.invoice_id,
    notes.invoice_erp_internal_id,
    case when notes.is_voided then 'void' else 'issued' end as status,
    notes.is_voided,
    notes.created_at as issued_at,
    notes.transaction_date as credit_date,
    notes.period,
    notes.legal_entity,
    notes.currency,
    notes.total_minor - notes.tax_minor as subtotal_minor,
    notes.tax_minor,
    notes.total_minor,
    notes.applied_minor,
    notes.refunded_minor,
    case
        when notes.is_voided then 0 else notes.total_minor - notes.applied_minor - notes.refunded_minor
    end as unapplied_minor,
    notes.thread_id as correlation_id,
    notes.created_at,
    notes.modified_at,
    {{ fingerprint([
        "case when notes.is_voided then 'void' else 'issued' end", 'notes.legal_entity', 'notes.currency',
        'notes.tax_minor', 'notes.total_minor',
    ]) }} as fingerprint
from notes
left join {{ source('identity', 'crosswalk') }} as crosswalk
    on crosswalk.system = 'netsuite' and notes.customer_id = crosswalk.source_id
