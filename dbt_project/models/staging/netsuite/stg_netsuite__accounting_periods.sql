select
    id as period_id,
    periodname as name,
    cast(startdate as date) as start_date,
    cast(enddate as date) as end_date,
    {{ accounting_period('cast(startdate as date)') }} as period,
    coalesce(isquarter, 'F') = 'F' and coalesce(isyear, 'F') = 'F' as is_month,
    coalesce(closed, 'F') = 'T' as is_closed,
    coalesce(arlocked, 'F') = 'T' as is_receivables_locked,
    cast(closedondate as timestamp) as closed_at
from {{ source('netsuite', 'accounting_period') }}
