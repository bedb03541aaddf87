select
    lines.transaction_id || '-' || lines.line_id as source_id,
    'netsuite' as source_system,
    notes.credit_note_id,
    notes.erp_internal_id,
    lines.stripe_line_id as invoice_line_id,
    cast(lines.quantity as bigint) as quantity,
    notes.currency,
    -- revenue that is taken back stands on the other side of an invoice's
    {{ minor_units('lines.amount', 'currencies.minor_per_unit') }} as amount_minor
from {{ ref('stg_netsuite__transaction_lines') }} as lines
inner join {{ ref('credit_note__erp') }} as notes on lines.transaction_id = notes.erp_internal_id
left join {{ ref('currencies') }} as currencies on notes.currency = currencies.currency
-- lines without a foreign amount carry rounding and exchange differences in base currency
where not lines.is_main_line and not lines.is_tax_line and lines.amount <> 0
