-- A table: its JSON is read by several models. One row per line of a credit note.
{{ config(materialized='table') }}

{%- set line = {
    'id': 'VARCHAR',
    'type': 'VARCHAR',
    'invoice_line_item': 'VARCHAR',
    'quantity': 'VARCHAR',
    'amount': 'VARCHAR',
    'discount_amount': 'VARCHAR',
    'taxes': [{'amount': 'VARCHAR', 'tax_behavior': 'VARCHAR'}]
} %}

with lines as (
    select
        id as credit_note_id,
        upper(currency) as currency,
        unnest({{ json_shaped('lines', [line]) }}) as line
    from {{ source('stripe', 'credit_note') }}
)

select
    line.id as credit_note_line_id,
    credit_note_id,
    line.type as line_type,
    line.invoice_line_item as invoice_line_id,
    cast(line.quantity as bigint) as quantity,
    currency,
    cast(line.amount as bigint) - {{ stripe_tax_inside('line.taxes') }} as gross_minor,
    coalesce(cast(line.discount_amount as bigint), 0) as discount_minor
from lines
