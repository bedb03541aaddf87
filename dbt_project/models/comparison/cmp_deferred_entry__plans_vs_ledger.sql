-- Every document that moves deferred revenue, with what the revenue plans say that it should move, in the currency of the
-- books. What invoices and credit notes defer is judged line by line elsewhere; here it only stands to be tied out.
with ledger as (
    select
        journal_id,
        legal_entity,
        currency,
        cast(sum(credit_minor - debit_minor) as bigint) as ledger_minor
    from {{ ref('journal_entry_lines') }}
    where account_type = 'DeferRevenue'
    group by journal_id, legal_entity, currency
),

converted as (
    -- deferred revenue is no money: it leaves the books at the rate at which its document came
    select
        lines.revenue_plan_line_id,
        plans.transaction_id,
        case when lines.is_recognized then lines.journal_transaction_id end as run_id,
        cast(lines.amount as decimal(24, 4)) * cast(documents.exchange_rate as decimal(14, 8)) as amount
    from {{ ref('stg_netsuite__revenue_plan_lines') }} as lines
    inner join {{ ref('stg_netsuite__revenue_plans') }} as plans on lines.revenue_plan_id = plans.revenue_plan_id
    inner join {{ ref('stg_netsuite__transactions') }} as documents on plans.transaction_id = documents.transaction_id
),

planned as (
    select transaction_id as journal_id, sum(amount) as amount from converted group by transaction_id
    union all
    select run_id, -sum(amount) from converted where run_id is not null group by run_id
),

recomputed as (
    -- months of an entity in which plans and policies differ, or a plan is not run: their classes tell why a run is off
    select legal_entity, period
    from {{ ref('cmp_revenue_period__policy_vs_erp') }}
    where
        case
            when excluded_reason is null then abs(policy_amount_minor - erp_amount_minor) > 1
            else excluded_reason in (
                'invoice_not_in_erp', 'note_not_in_erp', 'total_differs', 'note_differs', 'line_not_in_erp', 'no_plan',
                'planned_twice', 'amount_differs'
            )
        end
    union
    select legal_entity, period from {{ ref('cmp_posting__event_vs_ledger') }}
    where document = 'recognition' and not has_ledger and excluded_reason is null
),

told_months as (
    select legal_entity, period from recomputed
    union
    -- what was booked late is recognised a month later
    select legal_entity, {{ accounting_period(months_after("cast(period || '-01' as date)", 1)) }} from recomputed
),

off_runs as (
    select distinct events.journal_id
    from {{ ref('revenue_events') }} as events
    inner join {{ ref('cmp_revenue_schedule__policy_vs_erp') }} as schedules
        on events.revenue_plan_id = schedules.erp_id and schedules.runs_on_minor <> 0
    where events.journal_id is not null
),

entries as (
    select
        journals.journal_id,
        journals.journal_type,
        journals.number,
        journals.canonical_customer_id,
        journals.correlation_id,
        journals.period,
        journals.posted_at,
        journals.debit_minor <> journals.credit_minor as is_unbalanced,
        ledger.legal_entity,
        ledger.currency,
        ledger.ledger_minor,
        {{ minor_units('planned.amount', 'units.minor_per_unit') }} as plans_minor,
        case
            when journals.journal_type <> 'journal' then journals.journal_type
            when planned.journal_id is not null then 'recognition'
            else 'other'
        end as movement
    from ledger
    inner join {{ ref('journal_entries') }} as journals on ledger.journal_id = journals.journal_id
    left join planned on ledger.journal_id = planned.journal_id
    left join {{ ref('currencies') }} as units on ledger.currency = units.currency
),

judged as (
    select
        entries.*,
        copies.duplicate_of,
        coalesce(abs(entries.ledger_minor - coalesce(entries.plans_minor, 0)) > 1, false) as is_apart,
        off_runs.journal_id is not null or told_months.period is not null as is_told_by_months
    from entries
    left join {{ ref('cmp_journal_entry__within_erp') }} as copies on entries.journal_id = copies.erp_id
    left join off_runs on entries.journal_id = off_runs.journal_id
    left join told_months on entries.legal_entity = told_months.legal_entity and entries.period = told_months.period
)

select
    'netsuite:' || judged.journal_id as row_key,
    'journal_entry' as entity,
    judged.canonical_customer_id as canonical_id,
    judged.correlation_id,
    judged.journal_id as erp_id,
    case when judged.plans_minor is not null then judged.journal_id end as plans_id,
    judged.journal_id as ledger_id,
    judged.plans_minor is not null as has_plans,
    true as has_ledger,
    judged.legal_entity,
    judged.currency,
    judged.period,
    cast(judged.plans_minor as bigint) as plans_amount_minor,
    judged.ledger_minor as ledger_amount_minor,
    case
        when judged.movement not in ('recognition', 'other') then 'document'
        when not judged.is_apart then null
        when judged.duplicate_of is not null then 'duplicate'
        when judged.is_unbalanced then 'unbalanced'
        when judged.movement = 'recognition' and judged.is_told_by_months then 'months_differ'
    end as excluded_reason,
    cast(null as bigint) as plans_coverage_seconds,
    cast(null as bigint) as ledger_coverage_seconds,
    judged.posted_at as event_at,
    judged.number as erp_number,
    judged.movement,
    coalesce(periods.is_closed, false) as is_closed
from judged
left join {{ ref('accounting_periods') }} as periods on judged.period = periods.period
