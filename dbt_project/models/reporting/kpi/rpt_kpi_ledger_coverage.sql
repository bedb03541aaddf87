-- How much of what the ledger moved in the last twelve months lies on accounts whose balance a tie-out proves.
with build as (
    select {{ accounting_period(months_after(month_start('snapshot_date'), -11)) }} as first_period
    from {{ ref('stg_control__build') }}
),

tied as (
    -- TO-AR, TO-TAX, TO-DEF, TO-PSP
    select distinct legal_entity, account_number
    from {{ ref('ledger_accounts') }}
    where event_type in ('receivable', 'tax_payable', 'revenue_deferred', 'payment_clearing')
)

select
    coalesce(lines.legal_entity, 'unknown') as legal_entity,
    lines.currency,
    cast(sum(case when tied.account_number is null then 0 else lines.debit_minor + lines.credit_minor end) as bigint) as tied_minor,
    cast(sum(lines.debit_minor + lines.credit_minor) as bigint) as moved_minor
from {{ ref('journal_entry_lines') }} as lines
cross join build
left join tied on lines.legal_entity = tied.legal_entity and lines.account_number = tied.account_number
where lines.period >= build.first_period
group by coalesce(lines.legal_entity, 'unknown'), lines.currency
