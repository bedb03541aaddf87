-- What one minor unit of each currency is worth in minor units of the reporting currency, as rate / minor_per_unit: the
-- latest rate of the seed fx_rates that holds on the day of the build.
{{ config(materialized='view', meta={'turns': true}) }}
with dated as (
    {{ rates_by_recency() }}
    where fx_rates.valid_from <= (select max(cast(snapshot_date as date)) from {{ source('control', 'build') }})
)

select currency, reporting_currency, rate, minor_per_unit
from dated
where recency = 1
