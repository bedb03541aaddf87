-- The accounts that each item of the ERP posts to, beside those that finance maps to the product's family.
with mapped as (
    -- an item posts alike in every legal entity
    select
        product_family,
        min(account_number) filter (where event_type = 'revenue_recognised') as revenue_account,
        min(account_number) filter (where event_type = 'revenue_deferred') as deferred_account,
        count(distinct account_number) filter (where event_type = 'revenue_recognised') > 1
        or count(distinct account_number) filter (where event_type = 'revenue_deferred') > 1 as is_by_entity
    from {{ ref('ledger_accounts') }}
    where product_family <> '*'
    group by product_family
),

posted as (
    -- on the item since it was changed last
    select
        items.source_id,
        lines.currency,
        sum(lines.amount_minor) as amount_minor
    from {{ ref('product__erp') }} as items
    inner join {{ ref('invoice_line__erp') }} as lines on items.product_code = lines.product_code
    inner join {{ ref('invoice__erp') }} as invoices on lines.erp_internal_id = invoices.source_id
    where lines.line_type = 'item' and not invoices.is_voided and invoices.issued_at >= items.modified_at
    group by items.source_id, lines.currency
),

valued as (
    select
        posted.source_id,
        {{ whole_minor('sum(' ~ exact_ratio('posted.amount_minor * rates.rate', 'rates.minor_per_unit') ~ ')') }} as posted_minor
    from posted
    inner join {{ ref('reporting_rates') }} as rates on posted.currency = rates.currency
    group by posted.source_id
),

items as (
    select
        items.*,
        products.product_family as family
    from {{ ref('product__erp') }} as items
    left join {{ ref('products') }} as products on items.product_code = products.product_code
),

kinds as (
    select 'revenue_account' as attribute
    union all
    select 'deferred_account' as attribute
)

select
    'netsuite:' || items.source_id || ':' || kinds.attribute as row_key,
    'product' as entity,
    cast(null as varchar) as canonical_id,
    cast(null as varchar) as correlation_id,
    items.source_id as erp_id,
    true as has_erp,
    cast(null as varchar) as legal_entity,
    (select min(rates.reporting_currency) from {{ ref('reporting_rates') }} as rates) as currency,
    cast(null as varchar) as period,
    cast(null as bigint) as erp_amount_minor,
    case
        when not items.is_active then 'not_in_use'
        when mapped.product_family is null then 'not_mapped'
        when mapped.is_by_entity then 'mapped_by_entity'
    end as excluded_reason,
    {{ coverage('erp_coverage_seconds', 'items.modified_at', 'netsuite', 'transaction') }},
    items.modified_at as event_at,
    kinds.attribute,
    items.product_code,
    items.family as product_family,
    case kinds.attribute when 'revenue_account' then mapped.revenue_account else mapped.deferred_account end as mapped_account,
    case kinds.attribute when 'revenue_account' then items.revenue_account else items.deferred_account end as item_account,
    coalesce(valued.posted_minor, 0) as posted_minor
from items
cross join kinds
left join mapped on items.family = mapped.product_family
left join valued on items.source_id = valued.source_id
