-- Who is above a customer in the CRM and in the ERP, where both know the customer.
with crm as (
    {{ leading_records(ref('customer__crm')) }}
),

erp as (
    {{ leading_records(ref('customer__erp')) }}
),

owed as (
    select
        canonical_customer_id,
        currency,
        sum(amount_due_minor) as open_minor
    from {{ ref('invoice__billing') }}
    where status in ('open', 'partially_paid')
    group by canonical_customer_id, currency
),

recurring as (
    select
        canonical_customer_id,
        currency,
        sum(mrr_minor) as mrr_minor
    from {{ ref('subscriptions') }}
    where status in ('active', 'past_due')
    group by canonical_customer_id, currency
),

compared as (
    select
        crm.source_id as crm_id,
        erp.source_id as erp_id,
        crm.canonical_customer_id,
        erp.legal_entity,
        erp.currency,
        crm.modified_at as crm_modified_at,
        erp.modified_at as erp_modified_at,
        parents.crm_parent_customer_id,
        parents.erp_parent_customer_id,
        coalesce(hierarchy.is_cyclic, false) as is_cyclic,
        -- a level that the ERP leaves out makes no other family
        above.ancestor_customer_id is not null as is_above,
        cast(coalesce(owed.open_minor, 0) as bigint) as open_minor,
        cast(coalesce(recurring.mrr_minor, 0) as bigint) as mrr_minor
    from crm
    inner join erp on crm.canonical_customer_id = erp.canonical_customer_id
    left join {{ ref('customer_parents') }} as parents on crm.canonical_customer_id = parents.canonical_customer_id
    left join {{ ref('customer_hierarchy') }} as hierarchy
        on crm.canonical_customer_id = hierarchy.canonical_customer_id
    left join {{ ref('customer_ancestors') }} as above
        on
            crm.canonical_customer_id = above.canonical_customer_id
            and parents.erp_parent_customer_id = above.ancestor_customer_id
            and above.distance > 0
    left join owed on crm.canonical_customer_id = owed.canonical_customer_id and erp.currency = owed.currency
    left join recurring
        on crm.canonical_customer_id = recurring.canonical_customer_id and erp.currency = recurring.currency
)

select
    'salesforce:' || crm_id as row_key,
    'customer_hierarchy' as entity,
    canonical_customer_id as canonical_id,
    cast(null as varchar) as correlation_id,
    crm_id,
    erp_id,
    true as has_crm,
    true as has_erp,
    legal_entity,
    currency,
    cast(null as varchar) as period,
    12 * mrr_minor as crm_amount_minor,
    open_minor as erp_amount_minor,
    case
        when
            erp_parent_customer_id is null
            and crm_parent_customer_id not in (select erp.canonical_customer_id from erp)
            then 'parent_not_in_erp'
    end as excluded_reason,
    {{ coverage('crm_coverage_seconds', 'erp_modified_at', 'salesforce', 'account') }},
    {{ coverage('erp_coverage_seconds', 'crm_modified_at', 'netsuite', 'customer') }},
    crm_modified_at as event_at,
    crm_parent_customer_id,
    erp_parent_customer_id,
    case
        when is_cyclic then 'ring'
        when crm_parent_customer_id is null and erp_parent_customer_id is not null then 'unknown_to_sales'
        when crm_parent_customer_id is not null and erp_parent_customer_id is null then 'missing_in_erp'
        when crm_parent_customer_id <> erp_parent_customer_id and not is_above then 'other_parent'
    end as disagreement
from compared
