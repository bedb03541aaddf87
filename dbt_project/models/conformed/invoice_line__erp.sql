with invoices as (
    select
        transactions.transaction_id,
        currencies.currency,
        currencies.minor_per_unit
    from {{ ref('stg_netsuite__transactions') }} as transactions
    left join {{ ref('stg_netsuite__currencies') }} as erp_currencies
        on transactions.currency_id = erp_currencies.currency_id
    left join {{ ref('currencies') }} as currencies on erp_currencies.currency = currencies.currency
    where transactions.transaction_type = 'invoice'
)

select
    invoices.transaction_id || '-' || lines.line_id as source_id,
    'netsuite' as source_system,
    invoices.transaction_id as erp_internal_id,
    lines.stripe_line_id as invoice_line_id,
    case when lines.is_tax_line then 'tax' else 'item' end as line_type,
    items.product_code,
    cast(lines.quantity as bigint) as quantity,
    lines.service_start_date,
    lines.service_end_date,
    invoices.currency,
    -- NetSuite shows revenue and tax lines of an invoice as negative amounts
    {{ minor_units('-lines.amount', 'invoices.minor_per_unit') }} as amount_minor,
    {{ fingerprint([
        'items.product_code', 'lines.quantity', 'lines.amount', 'lines.service_start_date',
        'lines.service_end_date',
    ]) }} as fingerprint
from {{ ref('stg_netsuite__transaction_lines') }} as lines
inner join invoices on lines.transaction_id = invoices.transaction_id
left join {{ ref('stg_netsuite__items') }} as items on lines.item_id = items.item_id
-- the main line repeats the total; lines without an item that are no tax lines carry rounding in base currency
where not lines.is_main_line and (lines.is_tax_line or lines.item_id is not null)
