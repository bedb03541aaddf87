with billing as (
    select
        invoice_line_id as line_key,
        invoice_id as invoice_key,
        product_code,
        quantity,
        service_start_date,
        service_end_date,
        currency,
        amount_minor
    from {{ ref('invoice_line__billing') }}
),

erp_only as (
    select
        'erp-' || lines.source_id as line_key,
        invoices.invoice_key,
        lines.product_code,
        lines.quantity,
        lines.service_start_date,
        lines.service_end_date,
        lines.currency,
        lines.amount_minor
    from {{ ref('invoice_line__erp') }} as lines
    inner join {{ ref('invoices') }} as invoices
        on lines.erp_internal_id = invoices.erp_internal_id and invoices.owner_role = 'erp'
    where lines.line_type = 'item'
)

select * from billing
union all
select * from erp_only
