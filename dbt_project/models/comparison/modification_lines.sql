-- Lines of invoices that charge, or give back, what is left of a period because something changed in it, with the schedule
-- that the policies give each: together those of an invoice are one modification of what was sold.
select
    schedules.schedule_key,
    schedules.invoice_id,
    schedules.subscription_id,
    schedules.canonical_customer_id,
    schedules.correlation_id,
    schedules.legal_entity,
    schedules.currency,
    schedules.amount_minor,
    schedules.start_date
from {{ ref('revenue_schedules') }} as schedules
inner join {{ ref('invoice_line__billing') }} as lines on schedules.line_key = lines.invoice_line_id
where lines.is_proration and schedules.credit_note_key is null and schedules.amount_minor <> 0
