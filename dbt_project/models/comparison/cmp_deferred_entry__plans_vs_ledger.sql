-- Every posted document that moves deferred revenue, or of which revenue plans say that it should, in the currency of the
-- books. What invoices and credit notes defer is judged line by line elsewhere; here it only stands to be tied out.
with ledger as (
    -- what corrects an entry stands with it
    select
        coalesce(corrected_journal_id, journal_id) as journal_id,
        legal_entity,
        currency,
        cast(sum(credit_minor - debit_minor) as bigint) as ledger_minor,
        bool_or(corrected_journal_id is null) as has_own_lines
    from {{ ref('journal_entry_lines') }}
    where account_type = 'DeferRevenue'
    group by 1, legal_entity, currency
    -- what is taken back as a whole moves nothing
    having sum(credit_minor - debit_minor) <> 0 or max(corrected_journal_id) is null
),

runs as (
    select
        journal_id,
        currency
    from {{ ref('journal_entries') }}
    where journal_id in (select journal_transaction_id from {{ ref('revenue_plan_line__erp') }})
),

moved_between_books as (
    -- documents of which a run had recognised something before they went to the books of another company, in another currency
    select distinct
        plans.transaction_id,
        runs.currency
    from {{ ref('revenue_plan_line__erp') }} as lines
    inner join {{ ref('stg_netsuite__revenue_plans') }} as plans on lines.revenue_plan_id = plans.revenue_plan_id
    inner join runs on lines.journal_transaction_id = runs.journal_id
    inner join {{ ref('journal_entries') }} as own on plans.transaction_id = own.journal_id
    where lines.is_recognized and runs.currency <> own.currency
),

former_rates as (
    select
        moved.transaction_id,
        moved.currency,
        case when documents.currency_id = books.currency_id then 1 else max_by(rates.rate, rates.effective_date) end as rate
    from moved_between_books as moved
    inner join {{ ref('stg_netsuite__transactions') }} as documents on moved.transaction_id = documents.transaction_id
    inner join {{ ref('stg_netsuite__currencies') }} as books on moved.currency = books.currency
    left join {{ ref('stg_netsuite__exchange_rates') }} as rates
        on books.currency_id = rates.base_currency_id
        and documents.currency_id = rates.transaction_currency_id
        and rates.effective_date <= documents.transaction_date
    group by moved.transaction_id, moved.currency, documents.currency_id, books.currency_id
),

converted as (
    -- deferred revenue is no money: it leaves the books at the rate at which its document came into them
    select
        lines.revenue_plan_id,
        plans.transaction_id,
        case when lines.is_recognized then lines.journal_transaction_id end as run_id,
        cast(lines.amount as decimal(24, 4)) * cast(documents.exchange_rate as decimal(14, 8)) as amount,
        cast(lines.amount as decimal(24, 4))
        * cast(coalesce(former_rates.rate, documents.exchange_rate) as decimal(14, 8)) as run_amount
    from {{ ref('revenue_plan_line__erp') }} as lines
    inner join {{ ref('stg_netsuite__revenue_plans') }} as plans on lines.revenue_plan_id = plans.revenue_plan_id
    inner join {{ ref('stg_netsuite__transactions') }} as documents on plans.transaction_id = documents.transaction_id
    left join runs on lines.journal_transaction_id = runs.journal_id
    left join former_rates on plans.transaction_id = former_rates.transaction_id and runs.currency = former_rates.currency
),

planned as (
    select transaction_id as journal_id, sum(amount) as amount from converted group by transaction_id
    union all
    select run_id, -sum(run_amount) from converted where run_id is not null group by run_id
),

not_in_ledger as (
    -- nearly all are; corrections of an entry that is gone do not say its month
    select journal_id
    from planned
    where journal_id not in (
        select ledger.journal_id from ledger where ledger.has_own_lines and ledger.legal_entity is not null
    )
),

owners as (
    -- in whose books a document or a run is, where no account of deferred revenue says it
    {% for id in ['erp_internal_id', 'journal_id'] -%}
    select {{ id }} as journal_id, min(legal_entity) as legal_entity, max(period) as period
    from {{ ref('revenue_events') }}
    where {{ id }} in (select not_in_ledger.journal_id from not_in_ledger)
    group by {{ id }}
    {% if not loop.last %}union all{% endif %}
    {% endfor %}
),

told_months as (
    select legal_entity, period, sum(amount_minor) as told_minor
    from (
        select legal_entity, period, amount_minor from {{ ref('recognition_differences') }}
        union all
        -- what was booked late is recognised a month later
        select legal_entity, {{ accounting_period(months_after("cast(period || '-01' as date)", 1)) }}, amount_minor
        from {{ ref('recognition_differences') }}
    ) as months
    group by legal_entity, period
),

off_runs as (
    -- what plans of documents that were void by then put into a run
    select converted.run_id, sum(abs(converted.run_amount)) as amount
    from converted
    inner join {{ ref('cmp_revenue_schedule__policy_vs_erp') }} as schedules
        on converted.revenue_plan_id = schedules.erp_id and schedules.runs_on_minor <> 0
    where converted.run_id is not null
    group by converted.run_id
),

moved as (
    select
        coalesce(ledger.journal_id, planned.journal_id) as journal_id,
        coalesce(ledger.legal_entity, owners.legal_entity) as legal_entity,
        coalesce(ledger.currency, books.functional_currency) as currency,
        ledger.ledger_minor,
        planned.amount as planned_amount,
        planned.journal_id is not null as has_plans,
        owners.period as planned_period
    from ledger
    full outer join planned on ledger.journal_id = planned.journal_id
    left join owners on planned.journal_id = owners.journal_id
    left join {{ ref('legal_entities') }} as books on owners.legal_entity = books.legal_entity
),

entries as (
    select
        moved.journal_id,
        coalesce(journals.journal_type, transactions.transaction_type, 'journal') as journal_type,
        coalesce(journals.number, transactions.number) as number,
        journals.canonical_customer_id,
        coalesce(journals.correlation_id, transactions.correlation_id) as correlation_id,
        coalesce(journals.period, periods.period, moved.planned_period) as period,
        coalesce(journals.posted_at, transactions.created_at) as posted_at,
        coalesce(journals.debit_minor <> journals.credit_minor, false) as is_unbalanced,
        moved.legal_entity,
        moved.currency,
        moved.ledger_minor,
        moved.has_plans,
        {{ minor_units('moved.planned_amount', 'units.minor_per_unit') }} as plans_minor,
        {{ minor_units('off_runs.amount', 'units.minor_per_unit') }} as runs_on_minor,
        coalesce(periods.is_closed, false) as is_closed
    from moved
    left join {{ ref('journal_entries') }} as journals on moved.journal_id = journals.journal_id
    left join {{ ref('stg_netsuite__transactions') }} as transactions on moved.journal_id = transactions.transaction_id
    left join {{ ref('accounting_periods') }} as periods on transactions.period_id = periods.period_id
    left join {{ ref('currencies') }} as units on moved.currency = units.currency
    left join off_runs on moved.journal_id = off_runs.run_id
    -- what is void, or not approved yet, defers nothing
    where moved.ledger_minor is not null or coalesce(transactions.is_posting, true)
),

judged as (
    select
        entries.*,
        case
            when entries.journal_type <> 'journal' then entries.journal_type
            when entries.has_plans then 'recognition'
            else 'other'
        end as movement,
        copies.duplicate_of,
        abs(coalesce(entries.ledger_minor, 0) - coalesce(entries.plans_minor, 0)) as gap_minor,
        coalesce(told_months.told_minor, 0) + coalesce(entries.runs_on_minor, 0) as told_minor
    from entries
    left join {{ ref('cmp_journal_entry__within_erp') }} as copies
        on entries.journal_id = copies.erp_id and copies.duplicate_of is not null
    left join told_months on entries.legal_entity = told_months.legal_entity and entries.period = told_months.period
)

select
    'netsuite:' || judged.journal_id as row_key,
    'journal_entry' as entity,
    judged.canonical_customer_id as canonical_id,
    judged.correlation_id,
    judged.journal_id as erp_id,
    case when judged.has_plans then judged.journal_id end as plans_id,
    case when judged.ledger_minor is not null then judged.journal_id end as ledger_id,
    judged.has_plans,
    judged.ledger_minor is not null as has_ledger,
    judged.legal_entity,
    judged.currency,
    judged.period,
    cast(judged.plans_minor as bigint) as plans_amount_minor,
    judged.ledger_minor as ledger_amount_minor,
    case
        when judged.movement not in ('recognition', 'other') then 'document'
        when judged.gap_minor <= 1 then null
        when judged.duplicate_of is not null then 'duplicate'
        when judged.is_unbalanced then 'unbalanced'
        -- one minor unit is rounding, as where nothing differs
        when judged.movement = 'recognition' and judged.gap_minor <= judged.told_minor + 1 then 'months_differ'
    end as excluded_reason,
    cast(null as bigint) as plans_coverage_seconds,
    cast(null as bigint) as ledger_coverage_seconds,
    judged.posted_at as event_at,
    judged.number as erp_number,
    judged.movement,
    judged.is_closed
from judged
