-- The journals by which the ERP follows a dispute: one when the money is withdrawn, one at the end.
with {{ erp_document_facts('journal') }}

select
    document_facts.transaction_id as source_id,
    'netsuite' as source_system,
    {{ mirrored_id('document_facts.stripe_dispute_id', 'document_facts.external_id', 'du') }} as dispute_id,
    document_facts.transaction_id as erp_internal_id,
    document_facts.number,
    coalesce(document_facts.dispute_stage, 'unknown') as stage,
    document_facts.is_voided or reversals.source_id is not null as is_voided,
    document_facts.transaction_date as entry_date,
    document_facts.period,
    document_facts.legal_entity,
    document_facts.currency,
    document_facts.total_minor,
    document_facts.correlation_id,
    document_facts.created_at as posted_at,
    document_facts.modified_at
from document_facts
left join {{ ref('ledger_correction__erp') }} as reversals
    on document_facts.transaction_id = reversals.corrected_id and reversals.kind = 'reversal'
where document_facts.stripe_dispute_id is not null or document_facts.external_id like 'du\_%' escape '\'
