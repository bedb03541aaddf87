-- What payments settle of invoices: charges by billing, what only the ERP collected by the ERP. Billing's own note of
-- money that came beside it (a payment record) is left out: the ERP's payment stands for that money.
with billing as (
    select
        applications.source_id as application_key,
        applications.payment_id as payment_key,
        applications.invoice_id as invoice_key,
        'billing' as owner_role,
        applications.legal_entity,
        applications.currency,
        applications.applied_minor,
        applications.applied_at,
        applications.correlation_id,
        applications.modified_at
    from {{ ref('payment_application__billing') }} as applications
    where applications.payment_id is not null
),

erp_only as (
    select
        'erp-' || applications.source_id as application_key,
        payments.payment_key,
        -- a duplicate or voided copy of an invoice is no invoice of its own
        coalesce(invoices.invoice_key, copies.invoice_id, 'erp-' || applications.invoice_erp_internal_id) as invoice_key,
        'erp' as owner_role,
        applications.legal_entity,
        applications.currency,
        applications.applied_minor,
        applications.applied_at,
        applications.correlation_id,
        applications.modified_at
    from {{ ref('payment_application__erp') }} as applications
    inner join {{ ref('payments') }} as payments
        on applications.erp_internal_id = payments.erp_internal_id and payments.owner_role = 'erp'
    left join {{ ref('invoices') }} as invoices
        on applications.invoice_erp_internal_id = invoices.erp_internal_id
    left join {{ ref('invoice_copies') }} as copies
        on applications.invoice_erp_internal_id = copies.erp_internal_id and invoices.invoice_key is null
)

select * from billing
union all
select * from erp_only
