-- A table: its JSON is read by several models. One row per line of a credit note.
{{ config(materialized='table') }}

with lines as (
    select
        id as credit_note_id,
        upper(currency) as currency,
        unnest({{ stripe_list('lines') }}) as line
    from {{ source('stripe', 'credit_note') }}
)

select
    json_extract_string(line, '$.id') as credit_note_line_id,
    credit_note_id,
    json_extract_string(line, '$.type') as line_type,
    json_extract_string(line, '$.invoice_line_item') as invoice_line_id,
    cast(json_extract_string(line, '$.quantity') as bigint) as quantity,
    currency,
    cast(json_extract_string(line, '$.amount') as bigint)
    - {{ stripe_tax_inside("json_extract(line, '$.taxes')") }} as gross_minor,
    coalesce(cast(json_extract_string(line, '$.discount_amount') as bigint), 0) as discount_minor
from lines
