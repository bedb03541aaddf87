-- A customer appears in a system: once per record of it, for the account in the CRM may stand years before the one in billing.
with records as (
    select
        'account' as object, source_system, source_id, canonical_customer_id, created_at, currency, country_code,
        legal_entity, is_prospect, 'crm' as role
    from {{ ref('customer__crm') }}
    union all
    select
        'customer', source_system, source_id, canonical_customer_id, created_at, currency, country_code,
        legal_entity, is_prospect, 'billing'
    from {{ ref('customer__billing') }}
    union all
    select
        'customer', source_system, source_id, canonical_customer_id, created_at, currency, country_code,
        legal_entity, is_prospect, 'erp'
    from {{ ref('customer__erp') }}
)

select
    'customer_created' as event_type,
    source_system as system,
    object,
    source_id,
    '1' as occurrence,
    created_at as occurred_at,
    'customer' as subject_kind,
    canonical_customer_id as subject_id,
    canonical_customer_id,
    cast(null as varchar) as correlation_id,
    legal_entity,
    currency,
    cast(null as bigint) as amount_minor,
    cast(null as varchar) as before_json,
    {{ json_of({
        'role': 'role', 'country_code': 'country_code', 'currency': 'currency', 'legal_entity': 'legal_entity',
        'is_prospect': 'is_prospect',
    }) }} as after_json
from records
