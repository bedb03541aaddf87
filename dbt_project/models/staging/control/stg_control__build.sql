-- One row: the day that the raw tables, and so the whole warehouse, are built for.
{{ config(materialized='table') }}
select
    cast(snapshot_date as date) as snapshot_date,
    cast(built_at as timestamp) as built_at
from {{ source('control', 'build') }}
