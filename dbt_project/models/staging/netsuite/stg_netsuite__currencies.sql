-- A table: a test of nothing but views would be left out with the views that stand.
{{ config(materialized='table') }}
select
    id as currency_id,
    upper(symbol) as currency,
    cast(cast(currencyprecision as decimal(9, 2)) as bigint) as exponent
from {{ source('netsuite', 'currency') }}
