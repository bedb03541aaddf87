-- What bills use that the invoice of its period left out, takes back what it billed too much, or puts its price right (by no units), and says
-- so by its metadata: an invoice item that waits for the next invoice, or is on one. It counts from the night on which it waits; on a void invoice it bills nothing any more.
with taken_up as (
    select
        lines.invoice_item_id,
        lines.invoice_id,
        lines.gross_minor,
        invoices.is_voided,
        -- one that a deleted draft gave back may come onto another invoice
        row_number() over (partition by lines.invoice_item_id order by invoices.created_at desc, lines.invoice_id desc) as recency
    from {{ ref('stg_stripe__invoice_lines') }} as lines
    inner join {{ ref('invoice__billing') }} as invoices on lines.invoice_id = invoices.invoice_id
    where lines.invoice_item_id is not null
)

select
    items.invoice_item_id as source_id,
    'stripe' as source_system,
    items.usage_line_id as corrected_line_key,
    items.usage_units as quantity,
    items.currency,
    -- an item may be changed without an event; the line that came of it is what is charged
    coalesce(taken_up.gross_minor, items.amount_minor) as amount_minor,
    taken_up.invoice_id
from {{ ref('stg_stripe__invoiceitems') }} as items
left join taken_up on items.invoice_item_id = taken_up.invoice_item_id and taken_up.recency = 1
where
    items.usage_line_id is not null
    and items.usage_units is not null
    and not coalesce(taken_up.is_voided, false)
