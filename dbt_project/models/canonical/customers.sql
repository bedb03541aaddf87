with records as (
    select * exclude (fingerprint), 'crm' as role from {{ ref('customer__crm') }}
    union all
    select * exclude (fingerprint), 'billing' as role from {{ ref('customer__billing') }}
    union all
    select * exclude (fingerprint), 'erp' as role from {{ ref('customer__erp') }}
),

ranked as (
    select
        *,
        row_number() over (
            partition by canonical_customer_id
            order by
                case role when 'crm' then 1 when 'erp' then 2 else 3 end, is_primary desc, is_active desc, source_id
        ) as crm_first,
        row_number() over (
            partition by canonical_customer_id
            order by
                case role when 'billing' then 1 when 'crm' then 2 else 3 end, is_primary desc, is_active desc, source_id
        ) as billing_first,
        row_number() over (
            partition by canonical_customer_id
            order by
                case role when 'erp' then 1 when 'crm' then 2 else 3 end, is_primary desc, is_active desc, source_id
        ) as erp_first
    from records
    where canonical_customer_id is not null
)

select
    canonical_customer_id,
    {{ golden('legal_name', 'crm_first') }} as legal_name,
    {{ golden('tax_id', 'billing_first') }} as tax_id,
    {{ golden('invoice_email', 'billing_first') }} as invoice_email,
    {{ golden('country_code', 'billing_first') }} as country_code,
    {{ golden('payment_terms_days', 'erp_first') }} as payment_terms_days,
    {{ golden('currency', 'billing_first') }} as currency,
    {{ golden('legal_entity', 'billing_first') }} as legal_entity,
    {{ golden('channel', 'billing_first') }} as channel,
    bool_and(is_prospect) as is_prospect,
    bool_or(is_active) as is_active,
    count(*) filter (where role = 'crm') as crm_record_count,
    count(*) filter (where role = 'billing') as billing_record_count,
    count(*) filter (where role = 'erp') as erp_record_count,
    min(created_at) as created_at,
    max(modified_at) as modified_at
from ranked
group by canonical_customer_id
