-- What a live credit note credits of invoices that are earned is taken back by its schedules, and the periods of each add
-- up to it, to the minor unit.
{% set credited %}
    select lines.currency, -sum(lines.amount_minor) as amount
    from {{ ref('credit_note_lines') }} as lines
    inner join {{ ref('credit_notes') }} as notes on lines.credit_note_key = notes.credit_note_key
    left join {{ ref('invoices') }} as invoices on lines.invoice_key = invoices.invoice_key
    where
        notes.status <> 'void'
        and (invoices.invoice_key is null or invoices.status in ('open', 'partially_paid', 'paid', 'written_off'))
    group by lines.currency, lines.credit_note_key, lines.line_key
    having sum(lines.amount_minor) <> 0
{% endset %}
{% set taken_back %}
    select currency, sum(amount_minor) as amount
    from {{ ref('revenue_schedule_lines') }}
    where credit_note_key is not null
    group by currency, schedule_key
    having sum(amount_minor) <> 0
{% endset %}
{{ unequal_totals(credited, taken_back) }}
