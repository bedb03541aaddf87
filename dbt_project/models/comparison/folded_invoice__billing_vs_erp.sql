{{ config(materialized='table') }}

-- Hashes alone are joined: they are a small part of what keys and attributes would take.
with compared as (
    select
        billing.invoice_id as billing_id,
        billing.legal_entity,
        billing.currency,
        billing.period,
        billing.total_minor as amount_minor,
        copies.fingerprint is not null as is_alike
    from {{ ref('invoice__billing') }} as billing
    left join (
        select
            {{ fingerprint(['invoice_id']) }} as key_hash,
            fingerprint
        from {{ ref('invoice_copies') }}
        where copy_role = 'primary'
    ) as copies
        on
            billing.fingerprint = copies.fingerprint
            and {{ fingerprint(['billing.invoice_id']) }} = copies.key_hash
)

{{ folded_pairs('compared', 'billing_id', 'stripe:') }}
