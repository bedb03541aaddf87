-- What documents of ours add to what an ERP invoice or memo that must not change any more asks of customers (+), or take
-- off it (-).
with documents as (
    select erp_internal_id, subtotal_minor, tax_minor, total_minor from {{ ref('invoice__erp') }}
    union all
    select erp_internal_id, -subtotal_minor, -tax_minor, -total_minor from {{ ref('credit_note__erp') }}
)

select
    adjusts.corrected_id as source_id,
    'netsuite' as source_system,
    cast(sum(documents.subtotal_minor) as bigint) as subtotal_minor,
    cast(sum(documents.tax_minor) as bigint) as tax_minor,
    cast(sum(documents.total_minor) as bigint) as total_minor,
    count(*) as document_count
from {{ ref('ledger_correction__erp') }} as adjusts
inner join documents on adjusts.source_id = documents.erp_internal_id
where adjusts.kind = 'adjust'
group by adjusts.corrected_id
