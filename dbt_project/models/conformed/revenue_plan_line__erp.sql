-- Lines of revenue plans, and beside them what journals `catchup_<plan>_...` of ours recognise of a plan: each of their lines on
-- deferred revenue says in its memo, `<plan>|<period>`, of which month it is. What is taken back itself catches up nothing.
with catch_ups as (
    select
        transactions.transaction_id,
        transactions.currency_id
    from {{ ref('stg_netsuite__transactions') }} as transactions
    left join {{ ref('ledger_correction__erp') }} as reversals
        on transactions.transaction_id = reversals.corrected_id and reversals.kind = 'reversal'
    where
        transactions.transaction_type = 'journal'
        and transactions.is_posting
        and not transactions.is_voided
        and transactions.external_id like 'catchup\_%' escape '\'
        and reversals.source_id is null
),

deferred as (
    -- one line of a document has as many postings as there are accounting books
    select distinct
        postings.transaction_id,
        postings.line_id
    from {{ ref('stg_netsuite__transaction_accounting_lines') }} as postings
    inner join {{ ref('stg_netsuite__accounts') }} as accounts on postings.account_id = accounts.account_id
    where accounts.account_type = 'DeferRevenue'
)

select
    revenue_plan_line_id as source_id,
    'netsuite' as source_system,
    revenue_plan_line_id,
    revenue_plan_id,
    period_id,
    period,
    amount,
    is_recognized,
    journal_transaction_id,
    false as is_catch_up
from {{ ref('stg_netsuite__revenue_plan_lines') }}
union all
select
    lines.transaction_id || '-' || lines.line_id,
    'netsuite',
    lines.transaction_id || '-' || lines.line_id,
    plans.revenue_plan_id,
    cast(null as varchar),
    split_part(lines.memo, '|', 2),
    lines.amount,
    true,
    lines.transaction_id,
    true
from catch_ups
inner join {{ ref('stg_netsuite__transaction_lines') }} as lines on catch_ups.transaction_id = lines.transaction_id
inner join deferred on lines.transaction_id = deferred.transaction_id and lines.line_id = deferred.line_id
inner join {{ ref('stg_netsuite__revenue_plans') }} as plans
    on split_part(lines.memo, '|', 1) = plans.revenue_plan_id and catch_ups.currency_id = plans.currency_id
-- in a filter DuckDB cannot take apart what is null on every line
where lines.memo like '%|____-__'
