-- Every line of an issued invoice has a schedule, and the periods of each schedule add up to it, to the minor unit.
with earned as (
    select schedule_key, sum(amount_minor) as amount_minor
    from {{ ref('revenue_schedule_lines') }}
    group by schedule_key
)

select
    lines.line_key,
    lines.amount_minor,
    schedules.amount_minor as schedule_minor,
    earned.amount_minor as earned_minor
from {{ ref('invoice_lines') }} as lines
inner join {{ ref('invoices') }} as invoices on lines.invoice_key = invoices.invoice_key
left join {{ ref('revenue_schedules') }} as schedules on lines.line_key = schedules.schedule_key
left join earned on schedules.schedule_key = earned.schedule_key
where
    invoices.status in ('open', 'partially_paid', 'paid', 'written_off')
    and (
        lines.amount_minor is distinct from schedules.amount_minor
        or lines.amount_minor is distinct from earned.amount_minor
    )
