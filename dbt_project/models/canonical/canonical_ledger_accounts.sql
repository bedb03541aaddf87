{{ config(alias='ledger_accounts', meta={'dagster': {'asset_key': ['canonical', 'ledger_accounts']}}) }}
-- The ERP's chart, with what finance maps to each account (seed ledger_accounts); a mapped account that the chart lacks
-- is a row too.
with mapped as (
    select
        account_number,
        min(account_name) as mapped_name,
        string_agg(distinct event_type, ', ' order by event_type) as mapped_events,
        count(*) as mapping_count
    from {{ ref('ledger_accounts') }}
    group by account_number
),

chart as (
    select
        *,
        -- a number that the chart has twice is mapped once: to the account in use
        case
            when row_number() over (partition by account_number order by is_inactive, account_id) = 1 then account_number
        end as mapped_number
    from {{ ref('stg_netsuite__accounts') }}
)

select
    coalesce(chart.account_id, 'seed-' || mapped.account_number) as account_key,
    coalesce(chart.account_number, mapped.account_number) as account_number,
    coalesce(chart.name, mapped.mapped_name) as name,
    chart.account_type,
    {{ account_class('chart.account_type') }} as account_class,
    chart.account_id as erp_account_id,
    coalesce(chart.is_inactive, false) as is_inactive,
    mapped.mapped_events,
    coalesce(mapped.mapping_count, 0) as mapping_count,
    chart.account_id is not null as is_in_erp,
    chart.modified_at
from chart
full outer join mapped on chart.mapped_number = mapped.account_number
