select
    customers.customer_id as source_id,
    'stripe' as source_system,
    crosswalk.canonical_customer_id,
    coalesce(crosswalk.is_primary, false) as is_primary,
    customers.legal_name,
    tax_ids.tax_id,
    customers.invoice_email,
    customers.country_code,
    cast(null as bigint) as payment_terms_days,
    customers.currency,
    customers.channel,
    customers.legal_entity,
    true as is_active,
    false as is_prospect,
    customers.crm_account_id as crm_account_ref,
    customers.customer_id as billing_customer_ref,
    customers.netsuite_customer_id as erp_customer_ref,
    customers.created_at,
    customers.modified_at,
    {{ fingerprint([
        'customers.legal_name', 'tax_ids.tax_id', 'customers.invoice_email',
        'customers.country_code', 'cast(null as bigint)',
    ]) }} as fingerprint
from {{ ref('stg_stripe__customers') }} as customers
left join {{ ref('stg_stripe__tax_ids') }} as tax_ids
    on customers.customer_id = tax_ids.customer_id and tax_ids.recency = 1
left join {{ source('identity', 'crosswalk') }} as crosswalk
    on crosswalk.system = 'stripe' and customers.customer_id = crosswalk.source_id
