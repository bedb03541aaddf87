-- Every document of a period that was signed off, as it stood then beside what it is now; and of each such period what was moved
-- out of it since.
with edits as (
    select * from {{ ref('journal_edits') }} where attribute = 'period'
),

closed_periods as (
    select * from {{ ref('stg_netsuite__accounting_periods') }} where is_closed
),

touched as (
    select journal_id, old_period_id as period_id from edits where old_period_id is not null
    union
    select journal_id, new_period_id from edits where new_period_id is not null
),

first_moves as (
    -- the first change after a period's close says where the document stood at the close
    select
        touched.journal_id,
        touched.period_id,
        edits.old_period_id,
        edits.edited_at,
        row_number() over (partition by touched.journal_id, touched.period_id order by edits.note_number) as turn
    from touched
    inner join closed_periods on touched.period_id = closed_periods.period_id
    inner join edits on touched.journal_id = edits.journal_id and edits.edited_at > closed_periods.closed_at
),

stood as (
    select
        journal_id,
        period_id,
        edited_at,
        coalesce(old_period_id = period_id, false) as is_signed
    from first_moves
    where turn = 1
),

changes as (
    select
        journal_id,
        attribute,
        bool_and(is_of_line) as is_of_line,
        case when bool_and(change_minor is not null) then sum(change_minor) end as change_minor,
        max(line_minor) as line_minor,
        max(edited_at) as edited_at
    from {{ ref('journal_edits') }}
    where is_after_close and attribute <> 'period'
    group by journal_id, attribute
    -- what was changed back moves nothing
    having {{ value_before('old_value', 'note_number') }} is distinct from {{ value_after('new_value', 'note_number') }}
),

entries as (
    select
        entries.*,
        transactions.period_id,
        currencies.currency as transaction_currency,
        {{ minor_units('transactions.total', 'units.minor_per_unit') }} as total_minor
    from {{ ref('journal_entries') }} as entries
    inner join {{ ref('stg_netsuite__transactions') }} as transactions on entries.journal_id = transactions.transaction_id
    left join {{ ref('stg_netsuite__currencies') }} as currencies on transactions.currency_id = currencies.currency_id
    left join {{ ref('currencies') }} as units on currencies.currency = units.currency
),

moved as (
    select
        changes.journal_id,
        cast(coalesce(sum(changes.change_minor) filter (where not changes.is_of_line), 0) as bigint) as total_change_minor,
        {{ moved_minor('true', 'entries.total_minor') }} as change_minor,
        max(changes.edited_at) as edited_at
    from changes
    inner join entries on changes.journal_id = entries.journal_id
    group by changes.journal_id
),

documents as (
    select
        entries.*,
        'netsuite:' || entries.journal_id as row_key,
        entries.period as closed_period,
        closed_periods.closed_at,
        coalesce(stood.is_signed, entries.posted_at <= closed_periods.closed_at, true) as is_signed,
        true as has_ledger,
        coalesce(not stood.is_signed and entries.posted_at <= closed_periods.closed_at, false) as is_moved,
        moved.total_change_minor,
        moved.journal_id is not null as is_edited,
        greatest(moved.edited_at, stood.edited_at) as edited_at,
        moved.change_minor
    from entries
    inner join closed_periods on entries.period_id = closed_periods.period_id
    left join stood on entries.journal_id = stood.journal_id and entries.period_id = stood.period_id
    left join moved on entries.journal_id = moved.journal_id
    union all
    select
        entries.*,
        'netsuite:' || entries.journal_id || '/' || closed_periods.period_id,
        closed_periods.period,
        closed_periods.closed_at,
        true,
        false,
        true,
        cast(null as bigint),
        true,
        stood.edited_at,
        abs(entries.total_minor)
    from entries
    inner join stood on entries.journal_id = stood.journal_id and stood.is_signed
    inner join closed_periods on stood.period_id = closed_periods.period_id
    where entries.period_id is distinct from stood.period_id and entries.posted_at <= closed_periods.closed_at
)

select
    row_key,
    'journal_entry' as entity,
    canonical_customer_id as canonical_id,
    correlation_id,
    case when is_signed then journal_id end as signed_id,
    case when has_ledger then journal_id end as ledger_id,
    journal_id as erp_id,
    is_signed as has_signed,
    has_ledger,
    legal_entity,
    coalesce(transaction_currency, currency) as currency,
    closed_period as period,
    case when is_signed then total_minor - coalesce(total_change_minor, 0) end as signed_amount_minor,
    case when has_ledger then total_minor end as ledger_amount_minor,
    case when closed_at is null then 'close_unknown' end as excluded_reason,
    cast(null as bigint) as signed_coverage_seconds,
    cast(null as bigint) as ledger_coverage_seconds,
    greatest(posted_at, edited_at) as event_at,
    number as erp_number,
    closed_at,
    is_edited,
    is_moved,
    cast(case when is_signed then coalesce(change_minor, 0) else abs(total_minor) end as bigint) as change_minor
from documents
