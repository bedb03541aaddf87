-- One row per refund that a credit note names: what of the note went back to the customer by it.
{{ config(materialized='table') }}

with links as (
    select
        id as credit_note_id,
        upper(currency) as currency,
        unnest({{ stripe_list('refunds') }}) as link
    from {{ source('stripe', 'credit_note') }}
)

select
    credit_note_id,
    json_extract_string(link, '$.refund') as refund_id,
    currency,
    cast(json_extract_string(link, '$.amount_refunded') as bigint) as amount_minor
from links
where json_extract_string(link, '$.refund') is not null
