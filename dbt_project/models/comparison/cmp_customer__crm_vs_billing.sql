with recurring as (
    select
        customer_id,
        min(currency) as currency,
        bool_or(status in ('active', 'past_due')) as has_active_subscription,
        coalesce(sum(mrr_minor) filter (where status in ('active', 'past_due')), 0) as live_mrr_minor
    from {{ ref('subscription__billing') }}
    group by customer_id
),

candidates as (
    -- the account that a reference names, else the cluster's primary one
    select
        billing.source_id as billing_id,
        crm.source_id as crm_id,
        coalesce(billing.crm_account_ref = crm.source_id, false)
        or coalesce(crm.billing_customer_ref = billing.source_id, false) as is_cross_referenced,
        row_number() over (
            partition by billing.source_id
            order by
                coalesce(billing.crm_account_ref = crm.source_id, false) desc,
                coalesce(crm.billing_customer_ref = billing.source_id, false) desc,
                crm.is_active desc, crm.is_primary desc, crm.source_id
        ) as preference
    from {{ ref('customer__billing') }} as billing
    inner join {{ ref('customer__crm') }} as crm on billing.canonical_customer_id = crm.canonical_customer_id
),

pairs as (
    select
        billing.source_id as billing_id,
        candidates.crm_id,
        coalesce(candidates.is_cross_referenced, false) as is_cross_referenced,
        cast(null as varchar) as excluded_reason
    from {{ ref('customer__billing') }} as billing
    left join candidates on billing.source_id = candidates.billing_id and candidates.preference = 1
),

clusters_with_billing as (
    select distinct canonical_customer_id
    from {{ ref('customer__billing') }}
    where canonical_customer_id is not null
),

unpaired as (
    select
        cast(null as varchar) as billing_id,
        crm.source_id as crm_id,
        false as is_cross_referenced,
        case
            when clusters_with_billing.canonical_customer_id is null then 'no_billing_customer' else 'not_primary'
        end as excluded_reason
    from {{ ref('customer__crm') }} as crm
    left join clusters_with_billing on crm.canonical_customer_id = clusters_with_billing.canonical_customer_id
    where crm.source_id not in (select candidates.crm_id from candidates where candidates.preference = 1)
),

rows_of_both as (
    select * from pairs
    union all
    select * from unpaired
)

select
    coalesce('stripe:' || billing.source_id, 'salesforce:' || crm.source_id) as row_key,
    'customer' as entity,
    coalesce(billing.canonical_customer_id, crm.canonical_customer_id) as canonical_id,
    cast(null as varchar) as correlation_id,
    crm.source_id as crm_id,
    billing.source_id as billing_id,
    crm.source_id is not null as has_crm,
    billing.source_id is not null as has_billing,
    billing.legal_entity,
    coalesce(billing.currency, recurring.currency, crm.currency) as currency,
    cast(null as varchar) as period,
    cast(null as bigint) as crm_amount_minor,
    case
        when billing.source_id is not null then cast(coalesce(recurring.live_mrr_minor, 0) as bigint)
    end as billing_amount_minor,
    case
        when billing.source_id is null then rows_of_both.excluded_reason
        when billing.channel = 'self_serve' and crm.source_id is null then 'self_serve'
    end as excluded_reason,
    -- a linked pair has to learn of changes; a record without its counterpart, or without its link, of its existence
    {{ coverage(
        'crm_coverage_seconds',
        'case when rows_of_both.is_cross_referenced then billing.modified_at else billing.created_at end',
        'salesforce', 'account'
    ) }},
    {{ coverage(
        'billing_coverage_seconds',
        'case when billing.source_id is null then crm.created_at else crm.modified_at end',
        'stripe', 'customer'
    ) }},
    coalesce(billing.created_at, crm.created_at) as event_at,
    billing.channel,
    rows_of_both.is_cross_referenced,
    coalesce(recurring.has_active_subscription, false) as has_active_subscription,
    cast(coalesce(recurring.live_mrr_minor, 0) as bigint) as live_mrr_minor,
    crm.legal_name as crm_legal_name,
    billing.legal_name as billing_legal_name,
    crm.tax_id as crm_tax_id,
    billing.tax_id as billing_tax_id,
    crm.invoice_email as crm_invoice_email,
    billing.invoice_email as billing_invoice_email,
    crm.country_code as crm_country_code,
    billing.country_code as billing_country_code
from rows_of_both
left join {{ ref('customer__billing') }} as billing on rows_of_both.billing_id = billing.source_id
left join {{ ref('customer__crm') }} as crm on rows_of_both.crm_id = crm.source_id
left join recurring on billing.source_id = recurring.customer_id
