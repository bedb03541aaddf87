-- From the annual recurring revenue that the CRM shows of a customer, bar by bar, to what billing sells and to what the
-- ledger recognised of subscriptions in the last month that is over, times twelve. A row is a record behind a bar.
-- A table: a test of nothing but views would be left out with the views that stand.
{{ config(materialized='table') }}
with build as (
    select {{ accounting_period(months_after(month_start('snapshot_date'), -1)) }} as last_period
    from {{ ref('stg_control__build') }}
),

lines as (
    select
        *,
        cast(listed_arr_minor - net_arr_minor as bigint) as off_minor
    from {{ ref('signed_annual_values') }}
),

shown as (
    -- what is signed less what is shown of it, by account and currency
    select
        account_id,
        currency,
        max(canonical_customer_id) as canonical_customer_id,
        cast(sum(minor) as bigint) as arr_minor
    from (
        select account_id, currency, canonical_customer_id, listed_arr_minor as minor from lines
        union all
        select crm_id, currency, canonical_id, -crm_amount_minor from {{ ref('cmp_account_arr__crm_vs_contracts') }}
    ) as both_sides
    group by account_id, currency
),

contracted as (
    select
        contract_id,
        min(canonical_customer_id) as canonical_customer_id,
        min(currency) as currency,
        cast(sum(net_arr_minor) as bigint) as arr_minor
    from lines
    where is_in_force
    group by contract_id
),

standing as (
    -- of each subscription the contract in force that it names or, after a renewal, that names it
    select
        subscriptions.subscription_id,
        coalesce(max(named.contract_id), min(linked.contract_id)) as contract_id
    from {{ ref('subscriptions') }} as subscriptions
    left join contracted as named on subscriptions.contract_id = named.contract_id
    left join {{ ref('contracts') }} as contracts on subscriptions.subscription_id = contracts.subscription_id
    left join contracted as linked on contracts.contract_id = linked.contract_id
    group by subscriptions.subscription_id
),

sold as (
    -- whoever is billed, it counts with the customer that signed
    select
        subscriptions.subscription_id,
        contracted.contract_id,
        case
            when contracted.contract_id is null then subscriptions.canonical_customer_id
            else contracted.canonical_customer_id
        end as canonical_customer_id,
        subscriptions.currency,
        subscriptions.channel,
        subscriptions.status,
        case when subscriptions.status in ('active', 'past_due') then 12 * subscriptions.mrr_minor else 0 end as arr_minor
    from {{ ref('subscriptions') }} as subscriptions
    inner join standing on subscriptions.subscription_id = standing.subscription_id
    left join contracted
        on standing.contract_id = contracted.contract_id and subscriptions.currency = contracted.currency
),

executed as (
    select
        contract_id,
        bool_or(status in ('trial', 'paused')) as is_free,
        cast(sum(arr_minor) as bigint) as arr_minor
    from sold
    where contract_id is not null
    group by contract_id
),

earned as (
    select
        schedules.subscription_id,
        cast(sum(case when schedules.policy = 'usage' then lines.amount_minor else 0 end) as bigint) as usage_minor,
        cast(sum(case when schedules.policy = 'usage' then 0 else lines.amount_minor end) as bigint) as due_minor,
        cast(sum(lines.erp_recognised_minor) as bigint) as recognised_minor
    from {{ ref('revenue_schedule_lines') }} as lines
    inner join {{ ref('revenue_schedules') }} as schedules on lines.schedule_key = schedules.schedule_key
    inner join build on lines.period = build.last_period
    where schedules.subscription_id is not null
    group by schedules.subscription_id
),

months as (
    select
        sold.subscription_id,
        sold.canonical_customer_id,
        sold.currency,
        sold.arr_minor,
        coalesce(mrr_months.arr_minor, 0) as month_arr_minor,
        coalesce(earned.usage_minor, 0) as usage_minor,
        coalesce(earned.due_minor, 0) as due_minor,
        coalesce(earned.recognised_minor, 0) as recognised_minor
    from sold
    cross join build
    left join {{ ref('mrr_months') }} as mrr_months
        on sold.subscription_id = mrr_months.subscription_id and build.last_period = mrr_months.period
    left join earned on sold.subscription_id = earned.subscription_id
),

bars as (
    select
        1 as step,
        'crm' as bar,
        canonical_id as canonical_customer_id,
        currency,
        'account' as source,
        crm_id as source_id,
        crm_amount_minor as arr_minor
    from {{ ref('cmp_account_arr__crm_vs_contracts') }}
    union all
    select
        2,
        case
            when accounts.crm_id is null then 'account_unknown'
            when accounts.excluded_reason = 'not_kept' then 'not_kept'
            when accounts.excluded_reason = 'other_currencies' then 'fx'
            else 'unexplained'
        end,
        shown.canonical_customer_id,
        shown.currency,
        'account',
        shown.account_id,
        shown.arr_minor
    from shown
    left join {{ ref('cmp_account_arr__crm_vs_contracts') }} as accounts on shown.account_id = accounts.crm_id
    union all
    select 3, 'not_started', canonical_customer_id, currency, 'contract_line', contract_line_id, -listed_arr_minor
    from lines
    where not is_in_force
    union all
    select 4, 'discounts', canonical_customer_id, currency, 'contract_line', contract_line_id, -off_minor
    from lines
    where is_in_force
    union all
    select
        5,
        case
            when executed.contract_id is null then 'not_billed'
            when executed.arr_minor = 0 and executed.is_free then 'free'
            else 'billed_otherwise'
        end,
        contracted.canonical_customer_id,
        contracted.currency,
        'contract',
        contracted.contract_id,
        coalesce(executed.arr_minor, 0) - contracted.arr_minor
    from contracted
    left join executed on contracted.contract_id = executed.contract_id
    union all
    select
        5,
        case when channel = 'self_serve' then 'self_serve' else 'not_signed' end,
        canonical_customer_id,
        currency,
        'subscription',
        subscription_id,
        arr_minor
    from sold
    where contract_id is null
    union all
    select 7, 'timing', canonical_customer_id, currency, 'subscription', subscription_id, month_arr_minor - arr_minor
    from months
    union all
    select 8, 'usage', canonical_customer_id, currency, 'subscription', subscription_id, 12 * usage_minor
    from months
    union all
    -- a month of more or fewer days, a part of a month, a credit
    select 9, 'days', canonical_customer_id, currency, 'subscription', subscription_id, 12 * due_minor - month_arr_minor
    from months
    union all
    select
        10,
        'ledger',
        canonical_customer_id,
        currency,
        'subscription',
        subscription_id,
        12 * (recognised_minor - usage_minor - due_minor)
    from months
    union all
    select 6, 'billing', canonical_customer_id, currency, 'subscription', subscription_id, arr_minor
    from sold
    union all
    select 11, 'recognised', canonical_customer_id, currency, 'subscription', subscription_id, 12 * recognised_minor
    from months
)

select
    concat_ws('|', cast(step as varchar), source_id, currency) as bar_key,
    canonical_customer_id,
    currency,
    step,
    bar,
    source,
    source_id,
    cast(arr_minor as bigint) as arr_minor
from bars
where arr_minor <> 0
