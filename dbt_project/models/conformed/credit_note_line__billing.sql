select
    credit_note_line_id as source_id,
    'stripe' as source_system,
    credit_note_id,
    cast(null as varchar) as erp_internal_id,
    invoice_line_id,
    quantity,
    currency,
    gross_minor - discount_minor as amount_minor
from {{ ref('stg_stripe__credit_note_lines') }}
