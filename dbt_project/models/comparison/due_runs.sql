-- Up to which month recognition must have been run, by what was read of plans: a run has the first day behind its month.
{{ config(materialized='view', meta={'turns': true}) }}
select {{ month_start(days_after('cast(max(watermark_at) as date)', -1)) }} as last_run_date
from {{ ref('stg_control__snapshots') }}
where system = 'netsuite' and object = 'revenue_plan_line'
group by system, object
