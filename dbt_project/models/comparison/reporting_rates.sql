-- What one minor unit of each currency is worth in minor units of the reporting currency, as rate / minor_per_unit: the
-- latest rate of the seed fx_rates that holds on the day of the build.
{{ config(materialized='view', meta={'turns': true}) }}
with dated as (
    select
        fx_rates.currency,
        fx_rates.reporting_currency,
        fx_rates.rate * into_currency.minor_per_unit as rate,
        from_currency.minor_per_unit,
        row_number() over (partition by fx_rates.currency order by fx_rates.valid_from desc) as recency
    from {{ ref('fx_rates') }} as fx_rates
    inner join {{ ref('currencies') }} as from_currency on fx_rates.currency = from_currency.currency
    inner join {{ ref('currencies') }} as into_currency on fx_rates.reporting_currency = into_currency.currency
    where fx_rates.valid_from <= (select max(cast(snapshot_date as date)) from {{ source('control', 'build') }})
)

select currency, reporting_currency, rate, minor_per_unit
from dated
where recency = 1
