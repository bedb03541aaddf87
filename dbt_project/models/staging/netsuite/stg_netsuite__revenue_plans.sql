select
    id as revenue_plan_id,
    sourcetransaction as transaction_id,
    sourceline as line_id,
    item as item_id,
    cast(amount as decimal(28, 8)) as amount,
    currency as currency_id,
    cast(startdate as date) as start_date,
    cast(enddate as date) as end_date,
    rule as recognition_rule
from {{ source('netsuite', 'revenue_plan') }}
