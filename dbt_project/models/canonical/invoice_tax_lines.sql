with billing as (
    select
        source_id as tax_line_key,
        invoice_id as invoice_key,
        legal_entity,
        tax_code,
        country_code,
        rate_percent,
        tax_behavior,
        currency,
        taxable_minor,
        tax_minor
    from {{ ref('invoice_tax_line__billing') }}
),

erp_only as (
    select
        'erp-' || lines.source_id as tax_line_key,
        invoices.invoice_key,
        lines.legal_entity,
        lines.tax_code,
        lines.country_code,
        lines.rate_percent,
        lines.tax_behavior,
        lines.currency,
        lines.taxable_minor,
        lines.tax_minor
    from {{ ref('invoice_tax_line__erp') }} as lines
    inner join {{ ref('invoices') }} as invoices
        on lines.erp_internal_id = invoices.erp_internal_id and invoices.owner_role = 'erp'
)

select * from billing
union all
select * from erp_only
