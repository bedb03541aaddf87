-- The ledger's own figures: what was recognised as revenue in a month, and what is deferred at its end.
with moved as (
    select
        legal_entity,
        currency,
        period,
        sum(case when account_type = 'Income' then credit_minor - debit_minor else 0 end) as recognized_minor,
        sum(case when account_type = 'DeferRevenue' then credit_minor - debit_minor else 0 end) as movement_minor
    from {{ ref('journal_entry_lines') }}
    where account_type in ('Income', 'DeferRevenue')
    group by legal_entity, currency, period
),

closed as (
    select
        *,
        sum(movement_minor) over (
            partition by legal_entity, currency order by period rows between unbounded preceding and current row
        ) as closing_minor
    from moved
)

select
    concat_ws('|', coalesce(legal_entity, ''), currency, coalesce(period, '')) as revenue_balance_key,
    legal_entity,
    currency,
    period,
    cast(recognized_minor as bigint) as recognized_minor,
    cast(closing_minor - movement_minor as bigint) as deferred_opening_minor,
    cast(movement_minor as bigint) as deferred_movement_minor,
    cast(closing_minor as bigint) as deferred_minor
from closed
