-- The books: every posting entry, and every month of revenue that a journal recognised. Revenue is posted in the ERP: its
-- plan line is the evidence, the schedule line that it fulfils is what the event is about.
select
    'journal_posted' as event_type,
    'netsuite' as system,
    'transaction' as object,
    journal_id as source_id,
    '1' as occurrence,
    posted_at as occurred_at,
    'journal_entry' as subject_kind,
    journal_id as subject_id,
    canonical_customer_id,
    correlation_id,
    legal_entity,
    currency,
    debit_minor as amount_minor,
    cast(null as varchar) as before_json,
    {{ json_of({
        'journal_type': 'journal_type', 'number': 'number', 'period': 'period', 'debit_minor': 'debit_minor',
        'credit_minor': 'credit_minor', 'line_count': 'line_count',
    }) }} as after_json
from {{ ref('journal_entries') }}

union all

select
    'revenue_schedule_posted',
    'netsuite',
    'revenue_plan_line',
    revenue.revenue_event_id,
    '1',
    entries.posted_at,
    case when schedule.schedule_line_key is null then 'revenue_event' else 'revenue_schedule_line' end,
    coalesce(schedule.schedule_line_key, revenue.revenue_event_id),
    revenue.canonical_customer_id,
    revenue.correlation_id,
    revenue.legal_entity,
    revenue.currency,
    revenue.amount_minor,
    {{ json_of({'is_recognized': 'false'}) }},
    {{ json_of({
        'is_recognized': 'true', 'period': 'revenue.period', 'journal_id': 'revenue.journal_id',
        'product_code': 'revenue.product_code', 'amount_minor': 'revenue.amount_minor',
        'schedule_minor': 'schedule.amount_minor',
    }) }}
from {{ ref('revenue_events') }} as revenue
left join {{ ref('journal_entries') }} as entries on revenue.journal_id = entries.journal_id
left join {{ ref('revenue_schedule_lines') }} as schedule
    on revenue.schedule_key = schedule.schedule_key and revenue.period = schedule.period
where revenue.is_recognized
