-- Disputes by the payment provider, with the journals by which the ERP follows them.
with mirrored as (
    select
        dispute_id,
        min(erp_internal_id) filter (where stage = 'opened') as erp_internal_id,
        min(erp_internal_id) filter (where stage <> 'opened') as closing_erp_internal_id
    from {{ ref('dispute_entry__erp') }}
    where not is_voided
    group by dispute_id
)

select
    billing.dispute_id as dispute_key,
    billing.dispute_id,
    mirrored.erp_internal_id,
    mirrored.closing_erp_internal_id,
    'billing' as owner_role,
    billing.payment_id as payment_key,
    billing.invoice_id as invoice_key,
    billing.canonical_customer_id,
    billing.status,
    billing.reason,
    billing.opened_at,
    billing.closed_at,
    billing.evidence_due_at,
    billing.legal_entity,
    billing.currency,
    billing.amount_minor,
    billing.withdrawn_minor,
    billing.fee_minor,
    billing.reinstated_minor,
    billing.net_minor,
    billing.correlation_id,
    billing.modified_at
from {{ ref('dispute__billing') }} as billing
left join mirrored on billing.dispute_id = mirrored.dispute_id
