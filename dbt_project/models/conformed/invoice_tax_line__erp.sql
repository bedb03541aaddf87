with invoices as (
    select
        transactions.transaction_id,
        erp_invoices.invoice_id,
        erp_invoices.legal_entity,
        currencies.currency,
        currencies.minor_per_unit
    from {{ ref('stg_netsuite__transactions') }} as transactions
    left join {{ ref('invoice__erp') }} as erp_invoices on transactions.transaction_id = erp_invoices.erp_internal_id
    left join {{ ref('stg_netsuite__currencies') }} as erp_currencies
        on transactions.currency_id = erp_currencies.currency_id
    left join {{ ref('currencies') }} as currencies on erp_currencies.currency = currencies.currency
    where transactions.transaction_type = 'invoice'
),

taxable as (
    select
        transaction_id,
        tax_code_id,
        sum(amount) as amount
    from {{ ref('stg_netsuite__transaction_lines') }}
    where not is_main_line and not is_tax_line and item_id is not null
    group by transaction_id, tax_code_id
)

select
    invoices.transaction_id || '-' || lines.line_id as source_id,
    'netsuite' as source_system,
    invoices.invoice_id,
    invoices.transaction_id as erp_internal_id,
    invoices.legal_entity,
    codes.name as tax_code,
    codes.country_code,
    codes.rate_percent,
    cast(null as varchar) as tax_rate_id,
    'exclusive' as tax_behavior,
    invoices.currency,
    -- NetSuite shows revenue and tax lines of an invoice as negative amounts
    {{ minor_units('-taxable.amount', 'invoices.minor_per_unit') }} as taxable_minor,
    {{ minor_units('-lines.amount', 'invoices.minor_per_unit') }} as tax_minor,
    {{ fingerprint(['codes.name', 'taxable.amount', 'lines.amount']) }} as fingerprint
from {{ ref('stg_netsuite__transaction_lines') }} as lines
inner join invoices on lines.transaction_id = invoices.transaction_id
left join taxable
    on lines.transaction_id = taxable.transaction_id and lines.tax_code_id is not distinct from taxable.tax_code_id
left join {{ ref('stg_netsuite__tax_codes') }} as codes on lines.tax_code_id = codes.tax_code_id
where lines.is_tax_line and not lines.is_main_line
