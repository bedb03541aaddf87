-- Monthly recurring revenue that is contracted and that is billed, by legal entity and currency, as of the snapshot.
with contracted as (
    select
        legal_entity,
        currency,
        sum(crm_amount_minor) as contracted_mrr_minor
    from {{ ref('cmp_contract__crm_vs_billing') }}
    where excluded_reason is null
    group by legal_entity, currency
),

billed as (
    select
        legal_entity,
        currency,
        sum(mrr_minor) filter (where channel <> 'self_serve') as billed_sales_led_mrr_minor,
        sum(mrr_minor) filter (where channel = 'self_serve') as billed_self_serve_mrr_minor
    from {{ ref('subscriptions') }}
    where status in ('active', 'past_due')
    group by legal_entity, currency
)

select
    coalesce(contracted.legal_entity, billed.legal_entity) as legal_entity,
    coalesce(contracted.currency, billed.currency) as currency,
    cast(coalesce(contracted.contracted_mrr_minor, 0) as bigint) as contracted_mrr_minor,
    cast(coalesce(billed.billed_sales_led_mrr_minor, 0) as bigint) as billed_sales_led_mrr_minor,
    cast(coalesce(billed.billed_self_serve_mrr_minor, 0) as bigint) as billed_self_serve_mrr_minor
from contracted
full outer join billed on contracted.legal_entity = billed.legal_entity and contracted.currency = billed.currency
