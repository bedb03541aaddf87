with live_contracts as (
    select
        contracts.contract_id,
        contracts.canonical_customer_id,
        contracts.correlation_id,
        contracts.legal_entity,
        contracts.currency,
        contracts.end_date,
        subscriptions.subscription_id,
        subscriptions.modified_at as billing_modified_at,
        {{ local_date(watermark('stripe', 'subscription'), 'legal_entities.time_zone') }} as as_of_date
    from {{ ref('contracts') }} as contracts
    inner join {{ ref('subscriptions') }} as subscriptions on contracts.subscription_id = subscriptions.subscription_id
    left join {{ ref('legal_entities') }} as legal_entities on contracts.legal_entity = legal_entities.legal_entity
    where contracts.is_won and contracts.status = 'activated' and subscriptions.status <> 'cancelled'
),

contracted as (
    select
        lines.contract_id,
        lines.product_code,
        sum(lines.quantity) as quantity,
        sum(lines.unit_mrr_minor * lines.quantity) as mrr_minor,
        max(lines.end_date) as end_date,
        max(lines.effective_at) as effective_at,
        count(*) as line_count
    from {{ ref('contract_lines') }} as lines
    where lines.as_of_date between lines.start_date and lines.end_date
    group by lines.contract_id, lines.product_code
),

billed as (
    select
        live_contracts.contract_id,
        items.product_code,
        sum(items.quantity) as quantity,
        sum(items.unit_mrr_minor * items.quantity) as mrr_minor,
        count(*) as item_count
    from {{ ref('subscription_items') }} as items
    inner join live_contracts on items.subscription_id = live_contracts.subscription_id
    group by live_contracts.contract_id, items.product_code
),

tiered as (
    -- what the contracted quantity would cost by the tiers that billing charges: its average moves with the quantity
    select
        live_contracts.contract_id,
        items.product_code,
        sum(
            {{ exact_ratio(
                tier_amount(
                    'contracted.quantity', 'tiers.tiers_mode', 'tiers.lower_bound', 'tiers.up_to',
                    'tiers.unit_amount_minor', 'tiers.flat_amount_minor'
                ) ~ ' * cast(items.discount_factor as decimal(10, 8))', 'items.span_months'
            ) }}
        ) as mrr_minor
    from {{ ref('subscription_items') }} as items
    inner join live_contracts on items.subscription_id = live_contracts.subscription_id
    inner join contracted
        on
            live_contracts.contract_id = contracted.contract_id
            and items.product_code = contracted.product_code
    inner join {{ ref('price_tiers') }} as tiers
        on tiers.role = 'billing' and items.price_id = tiers.price_id
    group by live_contracts.contract_id, items.product_code
),

asked as (
    -- sales was asked for the paper of a change in billing (a correction of CON-AMD-02), and has not said no, nor let
    -- the day pass by which it was asked
    select distinct q2c_key
    from {{ ref('stg_salesforce__opportunities') }}
    where
        q2c_key like 'amendment\_%' escape '\'
        and not is_closed
        and close_date >= cast({{ watermark('stripe', 'subscription') }} as date)
),

products as (
    select contract_id, product_code from contracted
    where contract_id in (select live_contracts.contract_id from live_contracts)
    union distinct
    select contract_id, product_code from billed
)

select
    'salesforce:' || products.contract_id || ':' || coalesce(products.product_code, '') as row_key,
    'contract_line' as entity,
    live_contracts.canonical_customer_id as canonical_id,
    live_contracts.correlation_id,
    live_contracts.contract_id as crm_id,
    live_contracts.subscription_id as billing_id,
    contracted.contract_id is not null as has_crm,
    billed.contract_id is not null as has_billing,
    live_contracts.legal_entity,
    live_contracts.currency,
    cast(null as varchar) as period,
    {{ whole_minor('contracted.mrr_minor') }} as crm_amount_minor,
    {{ whole_minor('billed.mrr_minor') }} as billing_amount_minor,
    case
        when contracted.contract_id is null or billed.contract_id is null then 'product_on_one_side'
        when 'amendment_' || products.contract_id || '_' || products.product_code in (select asked.q2c_key from asked)
            then 'paper_asked_for'
    end as excluded_reason,
    {{ coverage('crm_coverage_seconds', 'live_contracts.billing_modified_at', 'salesforce', 'contract_line') }},
    {{ coverage('billing_coverage_seconds', 'contracted.effective_at', 'stripe', 'subscription') }},
    coalesce(contracted.effective_at, live_contracts.billing_modified_at) as event_at,
    products.product_code,
    cast(contracted.quantity as bigint) as crm_quantity,
    cast(billed.quantity as bigint) as billing_quantity,
    {{ exact_ratio('contracted.mrr_minor', 'contracted.quantity') }} as crm_unit_mrr_minor,
    {{ exact_ratio('billed.mrr_minor', 'billed.quantity') }} as billing_unit_mrr_minor,
    {{ whole_minor('contracted.mrr_minor') }} as crm_mrr_at_contract_quantity_minor,
    -- multiplied before it is divided, so that nothing is rounded twice
    {{ whole_minor(
        'coalesce(tiered.mrr_minor, '
        ~ exact_ratio('billed.mrr_minor * cast(contracted.quantity as bigint)', 'billed.quantity') ~ ')'
    ) }} as billing_mrr_at_contract_quantity_minor,
    {{ named_ratio(
        exact_ratio('contracted.mrr_minor', 'contracted.quantity'), exact_ratio('billed.mrr_minor', 'billed.quantity'),
        'contracted.quantity'
    ) }} as price_ratio,
    greatest(coalesce(contracted.line_count, 0), coalesce(billed.item_count, 0)) as line_count,
    greatest(
        {{ full_months('live_contracts.as_of_date', 'coalesce(contracted.end_date, live_contracts.end_date)') }} + 1, 0
    ) as remaining_months
from products
inner join live_contracts on products.contract_id = live_contracts.contract_id
left join contracted
    on
        products.contract_id = contracted.contract_id
        and products.product_code is not distinct from contracted.product_code
left join billed
    on
        products.contract_id = billed.contract_id
        and products.product_code is not distinct from billed.product_code
left join tiered
    on products.contract_id = tiered.contract_id and products.product_code = tiered.product_code
