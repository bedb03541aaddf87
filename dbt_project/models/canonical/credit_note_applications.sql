-- What credit notes settle of invoices: by billing for its notes, by the ERP for notes that only the ERP has.
with billing as (
    select
        applications.source_id as application_key,
        applications.credit_note_id as credit_note_key,
        invoices.invoice_key,
        applications.method,
        'billing' as owner_role,
        applications.legal_entity,
        applications.currency,
        applications.applied_minor,
        applications.applied_at,
        applications.correlation_id
    from {{ ref('credit_note_application__billing') }} as applications
    inner join {{ ref('invoices') }} as invoices on applications.invoice_id = invoices.invoice_id
),

erp_only as (
    select
        'erp-' || applications.source_id as application_key,
        notes.credit_note_key,
        coalesce(invoices.invoice_key, copies.invoice_id, 'erp-' || applications.invoice_erp_internal_id) as invoice_key,
        'invoice' as method,
        'erp' as owner_role,
        applications.legal_entity,
        applications.currency,
        applications.applied_minor,
        notes.issued_at as applied_at,
        applications.correlation_id
    from {{ ref('credit_note_application__erp') }} as applications
    inner join {{ ref('credit_notes') }} as notes
        on applications.erp_internal_id = notes.erp_internal_id and notes.owner_role = 'erp'
    left join {{ ref('invoices') }} as invoices
        on applications.invoice_erp_internal_id = invoices.erp_internal_id
    left join {{ ref('invoice_copies') }} as copies
        on applications.invoice_erp_internal_id = copies.erp_internal_id and invoices.invoice_key is null
)

select * from billing
union all
select * from erp_only
