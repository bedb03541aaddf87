-- A table: its JSON is read by several models. One row per entry of an invoice's taxes, summed over its lines by Stripe.
{{ config(materialized='table') }}

with listed as (
    select
        id as invoice_id,
        upper(currency) as currency,
        {{ stripe_list('total_taxes') }} as taxes
    from {{ source('stripe', 'invoice') }}
),

numbered as (
    select *, unnest(range(1, cast(coalesce(array_length(taxes), 0) as bigint) + 1)) as position
    from listed
),

entries as (
    select *, taxes[position] as tax
    from numbered
)

select
    invoice_id,
    position,
    currency,
    json_extract_string(tax, '$.tax_rate_details.tax_rate') as tax_rate_id,
    json_extract_string(tax, '$.tax_behavior') as tax_behavior,
    json_extract_string(tax, '$.taxability_reason') as taxability_reason,
    cast(json_extract_string(tax, '$.taxable_amount') as bigint) as taxable_minor,
    cast(json_extract_string(tax, '$.amount') as bigint) as tax_minor
from entries
