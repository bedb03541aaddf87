-- Every financial field of an ERP document that was changed in the week before the snapshot, between which two values and by
-- whom. Others go back and forth in use: a status is submitted, rejected and submitted again.
with changes as (
    select
        notes.note_id,
        notes.transaction_id,
        notes.line_id,
        notes.field,
        notes.user_id,
        notes.noted_at,
        coalesce(notes.new_value, '') as new_value,
        least(coalesce(notes.old_value, ''), coalesce(notes.new_value, '')) as one_value,
        greatest(coalesce(notes.old_value, ''), coalesce(notes.new_value, '')) as other_value
    from {{ ref('stg_netsuite__system_notes') }} as notes
    inner join {{ ref('audited_fields') }} as fields on notes.field = fields.field
    where
        notes.old_value is distinct from notes.new_value
        and {{ seconds_between('notes.noted_at', watermark('netsuite', 'system_note')) }} < 86400 * {{ var('flapping_days') }}
),

swings as (
    select
        transaction_id,
        coalesce(line_id, '') as line_id,
        field,
        one_value,
        other_value,
        count(*) as change_count,
        count(distinct user_id) as writer_count,
        max_by(new_value, cast(note_id as bigint)) as last_value,
        max(noted_at) as changed_at
    from changes
    group by transaction_id, coalesce(line_id, ''), field, one_value, other_value
)

select
    concat_ws('/', 'netsuite:' || swings.transaction_id, nullif(swings.line_id, ''), swings.field)
    || ':' || swings.one_value || '|' || swings.other_value as row_key,
    'journal_entry' as entity,
    entries.canonical_customer_id as canonical_id,
    entries.correlation_id,
    swings.transaction_id as erp_id,
    true as has_erp,
    entries.legal_entity,
    entries.currency,
    entries.period,
    cast(0 as bigint) as erp_amount_minor,
    cast(null as varchar) as excluded_reason,
    cast(null as bigint) as erp_coverage_seconds,
    swings.changed_at as event_at,
    concat_ws('/', swings.field, nullif(swings.line_id, '')) as field,
    case when swings.last_value = swings.one_value then swings.other_value else swings.one_value end as former_value,
    swings.last_value,
    cast(swings.change_count as bigint) as change_count,
    cast(swings.writer_count as bigint) as writer_count
from swings
inner join {{ ref('journal_entries') }} as entries on swings.transaction_id = entries.journal_id
