select
    lines.invoice_line_id as source_id,
    'stripe' as source_system,
    lines.invoice_line_id,
    lines.invoice_id,
    products.product_code,
    lines.quantity,
    {{ local_date('lines.service_start_at', 'legal_entities.time_zone') }} as service_start_date,
    -- a period ends at the instant at which the next one starts, whose first day is not this one's any more
    greatest(
        {{ local_date('lines.service_start_at', 'legal_entities.time_zone') }},
        {{ days_after(local_date('lines.service_end_at', 'legal_entities.time_zone'), -1) }}
    ) as service_end_date,
    lines.currency,
    lines.gross_minor - lines.discount_minor as amount_minor,
    lines.tax_minor,
    {{ fingerprint([
        'products.product_code', 'lines.quantity', 'lines.gross_minor', 'lines.discount_minor',
        'lines.service_start_at', 'lines.service_end_at',
    ]) }} as fingerprint
from {{ ref('stg_stripe__invoice_lines') }} as lines
left join {{ ref('stg_stripe__products') }} as products on lines.product_id = products.product_id
left join {{ ref('invoice__billing') }} as invoices on lines.invoice_id = invoices.invoice_id
left join {{ ref('legal_entities') }} as legal_entities on invoices.legal_entity = legal_entities.legal_entity
