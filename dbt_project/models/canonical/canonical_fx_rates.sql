{{ config(alias='fx_rates', meta={'dagster': {'asset_key': ['canonical', 'fx_rates']}}) }}
-- Rates that documents were booked at (the ERP's table), and those that only reports are made with (seed fx_rates).
with erp_rates as (
    select
        'erp' as rate_type,
        base.currency as base_currency,
        transacted.currency as transaction_currency,
        rates.effective_date as valid_from,
        rates.rate,
        rates.exchange_rate_id as source_id,
        -- of two rates of one day the one entered last counts
        row_number() over (
            partition by rates.base_currency_id, rates.transaction_currency_id, rates.effective_date
            order by length(rates.exchange_rate_id) desc, rates.exchange_rate_id desc
        ) as recency
    from {{ ref('stg_netsuite__exchange_rates') }} as rates
    left join {{ ref('stg_netsuite__currencies') }} as base on rates.base_currency_id = base.currency_id
    left join {{ ref('stg_netsuite__currencies') }} as transacted
        on rates.transaction_currency_id = transacted.currency_id
),

rates as (
    select rate_type, base_currency, transaction_currency, valid_from, rate, source_id
    from erp_rates
    where recency = 1
    union all
    select
        'reporting' as rate_type,
        reporting_currency as base_currency,
        currency as transaction_currency,
        valid_from,
        cast(rate as decimal(28, 14)) as rate,
        cast(null as varchar) as source_id
    from {{ ref('fx_rates') }}
)

select
    concat_ws(
        '|', rate_type, coalesce(base_currency, ''), coalesce(transaction_currency, ''), cast(valid_from as varchar)
    ) as rate_key,
    rate_type,
    base_currency,
    transaction_currency,
    valid_from,
    {{ days_after('lead(valid_from) over (partition by rate_type, base_currency, transaction_currency order by valid_from)', -1) }} as valid_to,
    rate,
    source_id
from rates
