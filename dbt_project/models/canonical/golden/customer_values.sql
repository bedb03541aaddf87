{% set attributes = {
    'legal_name': 'legal_name',
    'tax_id': 'tax_id',
    'invoice_email': 'invoice_email',
    'country_code': 'country_code',
    'payment_terms_days': 'payment_terms_days',
    'currency': 'currency',
    'legal_entity': 'legal_entity',
    'channel': 'channel',
    'crm_account_ref': 'crm_account_ref',
    'billing_customer_ref': 'billing_customer_ref',
    'erp_customer_ref': 'erp_customer_ref',
    'is_active': 'is_active',
    'is_prospect': 'is_prospect',
} %}
{{ config(materialized='view', meta={'entity': 'customer', 'attributes': attributes}) }}
{% set columns %}
    canonical_customer_id as canonical_id, source_system as system, source_id, true as is_signed,
    is_primary as is_preferred, is_active, modified_at, legal_name, tax_id, invoice_email, country_code,
    payment_terms_days, currency, legal_entity, channel, is_prospect
{% endset %}

-- a record's link to itself is no copy of anything
with linked as (
    select
        canonical_customer_id,
        min(case when role = 'crm' and is_primary then source_id end) as crm_account_ref,
        min(case when role = 'billing' and is_primary then source_id end) as billing_customer_ref,
        min(case when role = 'erp' and is_primary then source_id end) as erp_customer_ref
    from {{ ref('customer_links') }}
    group by canonical_customer_id
),

records as (
    select
        'crm' as role, {{ columns }}, cast(null as varchar) as crm_account_ref, billing_customer_ref, erp_customer_ref
    from {{ ref('customer__crm') }}
    union all
    select
        'billing' as role, {{ columns }}, crm_account_ref, cast(null as varchar) as billing_customer_ref, erp_customer_ref
    from {{ ref('customer__billing') }}
    union all
    select
        'erp' as role, {{ columns }}, crm_account_ref, billing_customer_ref, cast(null as varchar) as erp_customer_ref
    from {{ ref('customer__erp') }}
    union all
    select
        'canonical' as role,
        customers.canonical_customer_id as canonical_id,
        'tieout' as system,
        customers.canonical_customer_id as source_id,
        true as is_signed,
        true as is_preferred,
        customers.is_active,
        cast(null as timestamp) as modified_at,
        cast(null as varchar) as legal_name,
        cast(null as varchar) as tax_id,
        cast(null as varchar) as invoice_email,
        cast(null as varchar) as country_code,
        cast(null as bigint) as payment_terms_days,
        cast(null as varchar) as currency,
        cast(null as varchar) as legal_entity,
        cast(null as varchar) as channel,
        customers.is_prospect,
        linked.crm_account_ref,
        linked.billing_customer_ref,
        linked.erp_customer_ref
    from {{ ref('customers') }} as customers
    left join linked on customers.canonical_customer_id = linked.canonical_customer_id
),

{{ values_by_the_matrix('customer', attributes) }}
