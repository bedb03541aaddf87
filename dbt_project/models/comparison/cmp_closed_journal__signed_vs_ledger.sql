-- Every document of a period that was signed off, as it stood then beside what it is now.
with moved as (
    select
        journal_id,
        cast(coalesce(sum(change_minor) filter (where not is_of_line), 0) as bigint) as total_change_minor,
        cast(coalesce(sum(change_minor) filter (where is_of_line and change_minor > 0), 0) as bigint) as gained_minor,
        cast(coalesce(-sum(change_minor) filter (where is_of_line and change_minor < 0), 0) as bigint) as lost_minor,
        bool_or(not is_amount) as is_moved_whole,
        max(edited_at) as edited_at
    from (
        select
            journal_id,
            attribute,
            bool_and(is_amount) as is_amount,
            bool_and(is_of_line) as is_of_line,
            sum(change_minor) as change_minor,
            max(edited_at) as edited_at
        from {{ ref('journal_edits') }}
        where is_after_close
        group by journal_id, attribute
        -- what was changed back moves nothing
        having min_by(old_value, note_number) is distinct from max_by(new_value, note_number)
    ) as changes
    group by journal_id
),

documents as (
    select
        entries.*,
        currencies.currency as transaction_currency,
        {{ minor_units('transactions.total', 'units.minor_per_unit') }} as total_minor,
        periods.closed_at,
        entries.posted_at <= periods.closed_at as is_signed,
        moved.total_change_minor,
        moved.journal_id is not null as is_edited,
        moved.edited_at,
        case
            when moved.is_moved_whole then abs({{ minor_units('transactions.total', 'units.minor_per_unit') }})
            else greatest(abs(moved.total_change_minor), moved.gained_minor, moved.lost_minor)
        end as change_minor
    from {{ ref('journal_entries') }} as entries
    inner join {{ ref('stg_netsuite__transactions') }} as transactions on entries.journal_id = transactions.transaction_id
    inner join {{ ref('stg_netsuite__accounting_periods') }} as periods on transactions.period_id = periods.period_id
    left join moved on entries.journal_id = moved.journal_id
    left join {{ ref('stg_netsuite__currencies') }} as currencies on transactions.currency_id = currencies.currency_id
    left join {{ ref('currencies') }} as units on currencies.currency = units.currency
    where periods.is_closed
)

select
    'netsuite:' || journal_id as row_key,
    'journal_entry' as entity,
    canonical_customer_id as canonical_id,
    correlation_id,
    case when coalesce(is_signed, true) then journal_id end as signed_id,
    journal_id as ledger_id,
    journal_id as erp_id,
    coalesce(is_signed, true) as has_signed,
    true as has_ledger,
    legal_entity,
    coalesce(transaction_currency, currency) as currency,
    period,
    case when coalesce(is_signed, true) then total_minor - coalesce(total_change_minor, 0) end as signed_amount_minor,
    total_minor as ledger_amount_minor,
    case when closed_at is null then 'close_unknown' end as excluded_reason,
    cast(null as bigint) as signed_coverage_seconds,
    cast(null as bigint) as ledger_coverage_seconds,
    greatest(posted_at, edited_at) as event_at,
    number as erp_number,
    closed_at,
    is_edited,
    cast(case when coalesce(is_signed, true) then coalesce(change_minor, 0) else abs(total_minor) end as bigint) as change_minor
from documents
