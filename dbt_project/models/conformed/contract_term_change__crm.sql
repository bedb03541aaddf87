-- Moves of a contract's last day.
select
    change_id as source_id,
    'salesforce' as source_system,
    contract_id,
    changed_at,
    changed_by_id,
    cast(left(value_before, 10) as date) as end_date_before,
    cast(left(value_after, 10) as date) as end_date_after
from {{ ref('stg_salesforce__contract_histories') }}
where field = 'EndDate'
