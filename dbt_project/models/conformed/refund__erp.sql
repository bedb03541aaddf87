with {{ erp_document_facts('refund') }},

paid_out as (
    select
        links.next_transaction_id as transaction_id,
        notes.erp_internal_id,
        notes.credit_note_id,
        abs(links.amount) as amount,
        row_number() over (
            partition by links.next_transaction_id
            order by abs(links.amount) desc, notes.erp_internal_id, links.previous_line_id, links.next_line_id
        ) as preference
    from {{ ref('stg_netsuite__transaction_links') }} as links
    inner join {{ ref('credit_note__erp') }} as notes on links.previous_transaction_id = notes.erp_internal_id
    where links.link_type = 'payment'
),

credited as (
    -- the credit note that was paid out; of several the one that takes most, of equals always the same
    select
        transaction_id,
        max(case when preference = 1 then erp_internal_id end) as credit_note_erp_internal_id,
        max(case when preference = 1 then credit_note_id end) as credit_note_id,
        sum(amount) as amount
    from paid_out
    group by transaction_id
)

select
    document_facts.transaction_id as source_id,
    'netsuite' as source_system,
    {{ mirrored_id('document_facts.stripe_refund_id', 'document_facts.external_id', 're') }} as refund_id,
    document_facts.transaction_id as erp_internal_id,
    document_facts.number,
    document_facts.stripe_charge_id as payment_id,
    credited.credit_note_id,
    credited.credit_note_erp_internal_id,
    crosswalk.canonical_customer_id,
    document_facts.customer_id,
    case when document_facts.is_voided then 'void' else 'succeeded' end as status,
    not document_facts.is_voided as is_settled,
    document_facts.is_voided,
    document_facts.created_at as paid_at,
    document_facts.transaction_date as refund_date,
    document_facts.period,
    document_facts.legal_entity,
    document_facts.currency,
    document_facts.total_minor as amount_minor,
    coalesce({{ minor_units('credited.amount', 'document_facts.minor_per_unit') }}, 0) as credited_minor,
    document_facts.correlation_id,
    document_facts.created_at,
    document_facts.modified_at,
    {{ fingerprint([
        'document_facts.is_voided', 'document_facts.currency', 'document_facts.total_minor',
    ]) }} as fingerprint
from document_facts
left join credited on document_facts.transaction_id = credited.transaction_id
left join {{ source('identity', 'crosswalk') }} as crosswalk
    on crosswalk.system = 'netsuite' and document_facts.customer_id = crosswalk.source_id
