with copies as (
    select
        erp_internal_id,
        copy_role
    from {{ ref('invoice_copies') }}
),

taken_back as (
    -- a window would take every column of the events through its sort
    select revenue_plan_id
    from {{ ref('revenue_event__erp') }}
    group by revenue_plan_id
    having bool_or(is_catch_up) and bool_and(is_recognized) and sum(amount_minor) = 0
),

events as (
    select
        events.*,
        -- only the copy that stands for the document earns anything
        case
            -- a line that lost its key is known by what it sells
            when copies.copy_role = 'primary' then coalesce(events.invoice_line_id, pairs.line_key)
            when copies.copy_role in ('manual', 'unsourced') then 'erp-' || events.erp_line_key
            when notes.credit_note_key is not null then events.invoice_line_id
        end as named_line_key,
        notes.credit_note_key
    from {{ ref('revenue_event__erp') }} as events
    left join copies on events.erp_internal_id = copies.erp_internal_id
    left join {{ ref('invoice_line_copies') }} as pairs on events.erp_line_key = pairs.erp_line_id
    left join {{ ref('credit_notes') }} as notes on events.erp_internal_id = notes.erp_internal_id
)

select
    events.revenue_event_id,
    events.revenue_plan_id,
    events.erp_internal_id,
    lines.line_key,
    events.credit_note_key,
    coalesce(events.credit_note_key || '/', '') || lines.line_key as schedule_key,
    events.invoice_id,
    events.canonical_customer_id,
    events.correlation_id,
    events.product_code,
    events.period,
    events.legal_entity,
    events.currency,
    events.amount_minor,
    events.is_recognized,
    events.journal_id,
    events.is_catch_up,
    events.revenue_plan_id in (select taken_back.revenue_plan_id from taken_back) as is_taken_back
from events
left join {{ ref('invoice_lines') }} as lines on events.named_line_key = lines.line_key
