with crm as (
    {{ leading_records(ref('customer__crm')) }}
),

erp as (
    {{ leading_records(ref('customer__erp')) }}
)

select
    'salesforce:' || crm.source_id as row_key,
    'customer' as entity,
    crm.canonical_customer_id as canonical_id,
    cast(null as varchar) as correlation_id,
    crm.source_id as crm_id,
    erp.source_id as erp_id,
    true as has_crm,
    true as has_erp,
    erp.legal_entity,
    erp.currency,
    cast(null as varchar) as period,
    cast(null as bigint) as crm_amount_minor,
    cast(null as bigint) as erp_amount_minor,
    cast(null as varchar) as excluded_reason,
    {{ coverage('crm_coverage_seconds', 'erp.modified_at', 'salesforce', 'account') }},
    {{ coverage('erp_coverage_seconds', 'crm.modified_at', 'netsuite', 'customer') }},
    greatest(crm.created_at, erp.created_at) as event_at,
    crm.legal_name as crm_legal_name,
    erp.legal_name as erp_legal_name,
    crm.payment_terms_days as crm_payment_terms_days,
    erp.payment_terms_days as erp_payment_terms_days
from crm
inner join erp on crm.canonical_customer_id = erp.canonical_customer_id
