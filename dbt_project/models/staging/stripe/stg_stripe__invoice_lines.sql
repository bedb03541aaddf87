-- A table: its JSON is read by several models. One row per line of an invoice.
{{ config(materialized='table') }}

with lines as (
    select
        id as invoice_id,
        upper(currency) as currency,
        unnest({{ stripe_list('lines') }}) as line
    from {{ source('stripe', 'invoice') }}
),

amounts as (
    select
        invoice_id,
        currency,
        line,
        cast(json_extract_string(line, '$.amount') as bigint)
        - {{ stripe_tax_inside("json_extract(line, '$.taxes')") }} as gross_minor,
        {{ stripe_list_sum("json_extract(line, '$.discount_amounts')", 'amount') }} as discount_minor,
        {{ stripe_list_sum("json_extract(line, '$.taxes')", 'amount') }} as tax_minor
    from lines
)

select
    json_extract_string(line, '$.id') as invoice_line_id,
    invoice_id,
    json_extract_string(line, '$.pricing.price_details.product') as product_id,
    json_extract_string(line, '$.pricing.price_details.price') as price_id,
    json_extract_string(line, '$.parent.subscription_item_details.subscription_item') as subscription_item_id,
    json_extract_string(line, '$.parent.invoice_item_details.invoice_item') as invoice_item_id,
    -- what is charged or given back for a part of a period, because something changed in it
    coalesce(
        cast(json_extract_string(line, '$.parent.subscription_item_details.proration') as boolean),
        cast(json_extract_string(line, '$.parent.invoice_item_details.proration') as boolean),
        false
    ) as is_proration,
    json_extract_string(line, '$.description') as description,
    cast(json_extract_string(line, '$.quantity') as bigint) as quantity,
    {{ from_unix("json_extract_string(line, '$.period.start')") }} as service_start_at,
    {{ from_unix("json_extract_string(line, '$.period.end')") }} as service_end_at,
    currency,
    gross_minor,
    discount_minor,
    tax_minor
from amounts
