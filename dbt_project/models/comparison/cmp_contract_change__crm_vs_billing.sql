-- Lines of contracts beside the items that bill them, and where they are apart: which side was changed since they agreed.
with sides as (
    select
        *,
        -- as the matrix allows it of CON-AMT-01: a minor unit per line
        crm_quantity <> billing_quantity
        or abs(crm_mrr_at_contract_quantity_minor - billing_mrr_at_contract_quantity_minor) > line_count as is_apart
    from {{ ref('cmp_contract_line__crm_vs_billing') }}
),

sold as (
    -- a product that several lines sell at once is nobody's change
    select
        contract_id,
        product_code,
        min(contract_line_id) as contract_line_id,
        min(discount_percent) as discount_percent,
        min(end_date) as end_date
    from {{ ref('contract_lines') }}
    where as_of_date between start_date and end_date
    group by contract_id, product_code
    having count(*) = 1
),

discounted as (
    select
        items.subscription_id,
        items.product_code,
        count(*) as item_count,
        min(items.discount_factor) as discount_factor,
        min(billed.discount_ends_at) as discount_ends_at
    from {{ ref('subscription_items') }} as items
    inner join {{ ref('stg_stripe__subscription_items') }} as billed on items.item_id = billed.item_id
    group by items.subscription_id, items.product_code
    having min(items.discount_factor) = max(items.discount_factor)
),

amended as (
    -- the last save before which the line said what billing bills
    select
        sides.row_key,
        amendments.is_signed,
        greatest(amendments.changed_at, amendments.effective_at) as amended_at,
        row_number() over (
            partition by sides.row_key order by amendments.changed_at desc, amendments.contract_amendment_id
        ) as recency
    from sides
    inner join sold on sides.crm_id = sold.contract_id and sides.product_code = sold.product_code
    inner join {{ ref('contract_amendments') }} as amendments on sold.contract_line_id = amendments.contract_line_id
    where
        sides.is_apart
        and amendments.quantity_before = sides.billing_quantity
        and abs(amendments.mrr_before_minor - sides.billing_amount_minor) <= sides.line_count
),

charged as (
    select
        sides.row_key,
        invoices.created_at,
        sum(lines.quantity) = sides.crm_quantity
        and abs(sum(lines.monthly_minor) - sides.crm_amount_minor) <= sides.line_count
        and count(distinct lines.subscription_item_id) = discounted.item_count as is_as_agreed
    from sides
    inner join discounted on sides.billing_id = discounted.subscription_id and sides.product_code = discounted.product_code
    inner join {{ ref('subscription_items') }} as items
        on sides.billing_id = items.subscription_id and sides.product_code = items.product_code
    inner join {{ ref('invoice_line__billing') }} as lines on items.item_id = lines.subscription_item_id
    inner join {{ ref('invoice__billing') }} as invoices on lines.invoice_id = invoices.invoice_id
    where
        sides.is_apart
        and lines.monthly_minor is not null
        and invoices.status <> 'void'
        -- what was invoiced before the line took effect followed other paper
        and invoices.created_at >= sides.event_at
    group by
        sides.row_key, invoices.invoice_id, invoices.created_at, sides.crm_quantity, sides.crm_amount_minor,
        sides.line_count, discounted.item_count
),

agreed as (
    select
        row_key,
        max(created_at) as invoiced_at,
        max(case when is_as_agreed then created_at end) as agreed_at
    from charged
    group by row_key
),

left_behind as (
    -- the last invoice that was as agreed, and the first one after it
    select
        agreed.row_key,
        agreed.invoiced_at,
        agreed.agreed_at,
        min(charged.created_at) as charged_at
    from agreed
    left join charged on agreed.row_key = charged.row_key and charged.created_at > agreed.agreed_at
    group by agreed.row_key, agreed.invoiced_at, agreed.agreed_at
),

saved as (
    select contract_id, product_code, max(changed_at) as saved_at
    from {{ ref('contract_amendments') }}
    group by contract_id, product_code
),

compared as (
    select
        sides.*,
        amended.is_signed,
        greatest(amended.amended_at, sides.event_at) as amended_at,
        left_behind.invoiced_at,
        coalesce(left_behind.charged_at, subscriptions.modified_at) as moved_at,
        sold.discount_percent as crm_discount_percent,
        sold.end_date,
        cast(100 - 100 * discounted.discount_factor as decimal(9, 6)) as billing_discount_percent,
        {{ local_date('discounted.discount_ends_at', 'legal_entities.time_zone') }} as discount_end_date,
        {{ local_date(watermark('stripe', 'subscription'), 'legal_entities.time_zone') }} as as_of_date,
        case
            when not sides.is_apart or sides.price_ratio is not null then null
            -- billing that followed the save once did not stay behind: it went back
            when amended.row_key is not null and coalesce(left_behind.agreed_at < amended.amended_at, true) then 'crm'
            -- with the discount of the other side it would be the same price
            when
                sides.crm_quantity = sides.billing_quantity
                and sold.discount_percent <> cast(100 - 100 * discounted.discount_factor as decimal(9, 6))
                and abs(
                    cast(sides.billing_mrr_at_contract_quantity_minor as decimal(28, 0)) * (100 - sold.discount_percent)
                    - cast(sides.crm_mrr_at_contract_quantity_minor as decimal(28, 0))
                    * cast(100 * discounted.discount_factor as decimal(9, 6))
                ) <= 100 * sides.line_count
                then 'discount'
            when
                left_behind.agreed_at is not null
                and coalesce(
                    {{ seconds_between('saved.saved_at', 'left_behind.agreed_at') }}
                    > 86400 * {{ var('amendment_window_days') }},
                    true
                )
                then 'billing'
        end as changed_side
    from sides
    left join sold on sides.crm_id = sold.contract_id and sides.product_code = sold.product_code
    left join discounted
        on sides.billing_id = discounted.subscription_id and sides.product_code = discounted.product_code
    left join amended on sides.row_key = amended.row_key and amended.recency = 1
    left join left_behind on sides.row_key = left_behind.row_key
    left join saved on sides.crm_id = saved.contract_id and sides.product_code = saved.product_code
    left join {{ ref('subscriptions') }} as subscriptions on sides.billing_id = subscriptions.subscription_id
    left join {{ ref('legal_entities') }} as legal_entities on sides.legal_entity = legal_entities.legal_entity
),

dated as (
    select
        *,
        case changed_side when 'crm' then amended_at when 'billing' then moved_at end as changed_at
    from compared
)

select
    row_key,
    'contract_line' as entity,
    canonical_id,
    correlation_id,
    crm_id,
    billing_id,
    has_crm,
    has_billing,
    legal_entity,
    currency,
    period,
    crm_amount_minor,
    billing_amount_minor,
    excluded_reason,
    {{ coverage('crm_coverage_seconds', 'changed_at', 'salesforce', 'contract_line') }},
    {{ coverage(
        'billing_coverage_seconds',
        "case when changed_side = 'crm' then changed_at else event_at end",
        'stripe', 'subscription'
    ) }},
    coalesce(changed_at, event_at) as event_at,
    product_code,
    changed_side,
    coalesce(changed_side = 'crm' and is_signed, false) as is_signed,
    coalesce(changed_side = 'crm' and invoiced_at > changed_at, false) as is_invoiced_since,
    crm_quantity,
    billing_quantity,
    crm_discount_percent,
    billing_discount_percent,
    -- a discount that ends while the line goes on
    case when discount_end_date <= end_date then discount_end_date end as discount_end_date,
    case
        when discount_end_date <= end_date
            then greatest({{ full_months('greatest(discount_end_date, as_of_date)', 'end_date') }} + 1, 0)
    end as undiscounted_months,
    {{ exact_ratio(
        'cast(crm_amount_minor as decimal(28, 0)) * crm_discount_percent * 10000',
        'cast(cast(10000 as bigint) * (100 - crm_discount_percent) as bigint)'
    ) }} as crm_discount_minor,
    -- the month that has begun is one of those that remain
    case
        when changed_at is not null then greatest({{ full_months('cast(changed_at as date)', 'as_of_date') }}, 0)
    end as months_since_change,
    remaining_months
from dated
