-- Every item of every subscription; one that bills a contract line once more stands beside the item that bills it already.
with items as (
    select
        items.*,
        subscriptions.correlation_id,
        subscriptions.legal_entity,
        legal_entities.time_zone,
        subscriptions.current_period_end_at,
        case
            when subscriptions.status not in ('active', 'past_due') then 'not_live'
            -- billed for the last time: what follows it overlaps with it by less than a period
            when subscriptions.is_cancelled_at_period_end then 'ends_with_period'
            when items.contract_line_id is null then 'no_contract_line'
        end as excluded_reason
    from {{ ref('subscription_items') }} as items
    left join {{ ref('subscriptions') }} as subscriptions on items.subscription_id = subscriptions.subscription_id
    left join {{ ref('legal_entities') }} as legal_entities on subscriptions.legal_entity = legal_entities.legal_entity
),

ordered as (
    select
        items.item_id,
        items.contract_line_id,
        items.quantity,
        lines.quantity as contracted_quantity,
        lines.end_date,
        first_value(items.item_id) over same_line as kept_id,
        first_value(items.subscription_id) over same_line as kept_subscription_id,
        first_value(items.created_at) over same_line as kept_since,
        row_number() over same_line as place,
        (sum(items.quantity) over same_line) - items.quantity as quantity_before,
        row_number() over (
            partition by items.contract_line_id, items.quantity order by items.created_at, items.item_id
        ) > 1 as repeats_a_part
    from items
    left join {{ ref('contract_lines') }} as lines on items.contract_line_id = lines.contract_line_id
    left join {{ ref('contracts') }} as contracts on lines.contract_id = contracts.contract_id
    where items.excluded_reason is null
    window same_line as (
        -- the subscription of the contract bills its lines, whatever billed them before
        partition by items.contract_line_id
        order by
            coalesce(items.subscription_id = contracts.subscription_id, false) desc, items.created_at, items.item_id
        rows between unbounded preceding and current row
    )
),

extra as (
    -- items may share a line's units between them: one is too many where those before it bill all units already, and it
    -- repeats one of them or the line (else the line has fewer units than are billed: another quantity, nothing twice). Of
    -- the units of a line that is gone nobody can say; what is metered has none
    select *
    from ordered
    where
        place > 1
        and (quantity is null or quantity_before >= contracted_quantity)
        and coalesce(repeats_a_part or quantity = contracted_quantity, false)
),

charged as (
    select
        lines.subscription_item_id as item_id,
        sum(lines.amount_minor) as charged_minor
    from {{ ref('invoice_line__billing') }} as lines
    inner join {{ ref('invoice__billing') }} as invoices on lines.invoice_id = invoices.invoice_id
    left join extra on lines.subscription_item_id = extra.item_id
    where
        invoices.status not in ('draft', 'void')
        -- what was invoiced while nothing else billed the line was owed
        and not coalesce(invoices.created_at < extra.kept_since, false)
    group by lines.subscription_item_id
)

select
    'stripe:' || items.item_id as row_key,
    'subscription_item' as entity,
    items.canonical_customer_id as canonical_id,
    items.correlation_id,
    items.item_id as billing_id,
    true as has_billing,
    items.legal_entity,
    items.currency,
    cast(null as varchar) as period,
    {{ whole_minor('items.unit_mrr_minor * items.quantity') }} as billing_amount_minor,
    items.excluded_reason,
    {{ coverage('billing_coverage_seconds', 'items.created_at', 'stripe', 'subscription') }},
    items.created_at as event_at,
    items.subscription_id,
    items.contract_id,
    items.contract_line_id,
    items.product_code,
    items.quantity,
    extra.kept_id,
    coalesce(extra.kept_subscription_id <> items.subscription_id, false) as is_of_another_subscription,
    cast(coalesce(charged.charged_minor, 0) as bigint) as charged_minor,
    greatest(
        coalesce({{ full_months(
            local_date('items.current_period_end_at', 'items.time_zone'), days_after('extra.end_date', 1)
        ) }}, 0),
        0
    ) as remaining_months
from items
left join extra on items.item_id = extra.item_id
left join charged on items.item_id = charged.item_id
