select
    id as revenue_plan_line_id,
    revenueplan as revenue_plan_id,
    postingperiod as period_id,
    periodname as period,
    cast(amount as decimal(28, 8)) as amount,
    coalesce(isrecognized, 'F') = 'T' as is_recognized,
    journal as journal_transaction_id
from {{ source('netsuite', 'revenue_plan_line') }}
