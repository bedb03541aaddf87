-- One row: the day that the raw tables, and so the whole warehouse, are built for.
-- A table: a test of nothing but views would be left out with the views that stand.
{{ config(materialized='table') }}
select
    cast(snapshot_date as date) as snapshot_date,
    cast(built_at as timestamp) as built_at
from {{ source('control', 'build') }}
