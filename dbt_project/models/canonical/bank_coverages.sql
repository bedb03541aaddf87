-- Days of each account that statements cover without a break. What is booked in between is known whole.
with runs as (
    select
        *,
        sum(case when continuity in ('first', 'gap') then 1 else 0 end)
            over (partition by account order by from_date, to_date, number) as run_number
    from {{ ref('statement__bank') }}
),

processors as (
    select distinct account
    from {{ ref('statement_line__bank') }}
    where is_processor
)

select
    runs.account || '|' || cast(min(runs.from_date) as varchar) as coverage_key,
    runs.account,
    min(runs.currency) as currency,
    min(runs.from_date) as from_date,
    max(runs.to_date) as to_date,
    count(*) as statement_count,
    max(processors.account) is not null as takes_payouts
from runs
left join processors on runs.account = processors.account
group by runs.account, runs.run_number
