{{ config(materialized='view') }}

-- Opportunities to renew or extend what an account has already bought: those created after an earlier one was won.
with first_won as (
    select
        account_id,
        min(signed_at) as won_at
    from {{ ref('contracts') }}
    where is_won
    group by account_id
)

select
    opportunities.opportunity_id,
    opportunities.account_id,
    crosswalk.canonical_customer_id,
    opportunities.stage_name as stage,
    opportunities.currency,
    {{ minor_units('opportunities.amount', 'currencies.minor_per_unit') }} as amount_minor,
    opportunities.close_date,
    opportunities.modified_at
from {{ ref('stg_salesforce__opportunities') }} as opportunities
inner join first_won on opportunities.account_id = first_won.account_id
left join {{ ref('currencies') }} as currencies on opportunities.currency = currencies.currency
left join {{ source('identity', 'crosswalk') }} as crosswalk
    on crosswalk.system = 'salesforce' and opportunities.account_id = crosswalk.source_id
where
    opportunities.created_at > first_won.won_at
    -- one that asks for the paper of what is billed already sells nothing more
    and coalesce(opportunities.q2c_key, '') not like 'unpapered\_%' escape '\'
    and coalesce(opportunities.q2c_key, '') not like 'amendment\_%' escape '\'
