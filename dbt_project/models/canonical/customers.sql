{% set attributes = [
    'legal_name', 'tax_id', 'invoice_email', 'country_code', 'payment_terms_days', 'currency', 'legal_entity', 'channel',
] %}
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
            partition by canonical_customer_id order by is_primary desc, is_active desc, source_id, role
        ) as record_rank,
        row_number() over (
            partition by canonical_customer_id
            order by is_active desc, modified_at desc nulls last, is_primary desc, source_id, role
        ) as recency_rank
    from records
    where canonical_customer_id is not null
),

owners as (
    {{ owners_in_one_row('customer', attributes) }}
)

-- The same choice as in customer_values, taken over whole records: no attribute is turned into text and back.
select
    ranked.canonical_customer_id,
    {%- for attribute in attributes %}
    {{ golden(attribute) }} as {{ attribute }},
    {%- endfor %}
    bool_and(ranked.is_prospect) as is_prospect,
    bool_or(ranked.is_active) as is_active,
    count(*) filter (where ranked.role = 'crm') as crm_record_count,
    count(*) filter (where ranked.role = 'billing') as billing_record_count,
    count(*) filter (where ranked.role = 'erp') as erp_record_count,
    min(ranked.created_at) as created_at,
    max(ranked.modified_at) as modified_at
from ranked
cross join owners
group by ranked.canonical_customer_id
