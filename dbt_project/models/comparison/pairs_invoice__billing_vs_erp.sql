with pairs as (
    select
        billing.invoice_id as billing_id,
        copies.erp_internal_id as erp_id,
        true as has_billing,
        copies.erp_internal_id is not null as has_erp,
        coalesce(billing.fingerprint = copies.fingerprint, false) as is_alike,
        copies.copy_role,
        cast(null as varchar) as duplicate_of,
        cast(null as varchar) as duplicate_basis,
        billing.legal_entity,
        billing.currency,
        billing.period,
        billing.total_minor as amount_minor
    from {{ ref('invoice__billing') }} as billing
    left join {{ ref('invoice_copies') }} as copies
        on billing.invoice_id = copies.invoice_id and copies.copy_role = 'primary'
    union all
    select
        null,
        erp_internal_id,
        false,
        true,
        false,
        copy_role,
        duplicate_of,
        duplicate_basis,
        null,
        null,
        null,
        null
    from {{ ref('invoice_copies') }}
    where copy_role <> 'primary'
)

select
    {{ billing_or_erp_key() }} as row_key,
    *
from pairs
