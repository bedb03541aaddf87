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
),

taxes as (
    -- where one code has several tax lines, each is levied on its part of the base: the parts add up to it
    select
        *,
        sum(abs(amount)) over (
            partition by transaction_id, tax_code_id order by line_id rows between unbounded preceding and current row
        ) as upto_tax,
        sum(abs(amount)) over (partition by transaction_id, tax_code_id) as all_tax
    from {{ ref('stg_netsuite__transaction_lines') }}
    where is_tax_line and not is_main_line
),

bases as (
    select
        taxes.*,
        invoices.invoice_id,
        invoices.legal_entity,
        invoices.currency,
        -- NetSuite shows revenue and tax lines of an invoice as negative amounts
        {{ minor_units('-taxes.amount', 'invoices.minor_per_unit') }} as tax_minor,
        {{ minor_units('-taxable.amount', 'invoices.minor_per_unit') }} as base_minor,
        {{ minor_units('taxes.upto_tax', 'invoices.minor_per_unit') }} as upto_minor,
        {{ minor_units('taxes.all_tax', 'invoices.minor_per_unit') }} as all_minor
    from taxes
    inner join invoices on taxes.transaction_id = invoices.transaction_id
    left join taxable
        on taxes.transaction_id = taxable.transaction_id and taxes.tax_code_id is not distinct from taxable.tax_code_id
),

shared as (
    select
        *,
        case when all_minor = 0 then base_minor else {{ earned_share('base_minor', 'upto_minor', 'all_minor') }} end as upto_base_minor
    from bases
),

parts as (
    select
        *,
        upto_base_minor - coalesce(
            lag(upto_base_minor) over (partition by transaction_id, tax_code_id order by line_id), 0
        ) as taxable_minor
    from shared
)

select
    lines.transaction_id || '-' || lines.line_id as source_id,
    'netsuite' as source_system,
    lines.invoice_id,
    lines.transaction_id as erp_internal_id,
    lines.legal_entity,
    codes.name as tax_code,
    codes.country_code,
    codes.rate_percent,
    cast(null as varchar) as tax_rate_id,
    'exclusive' as tax_behavior,
    lines.currency,
    lines.taxable_minor,
    lines.tax_minor,
    {{ fingerprint(['codes.name', 'lines.taxable_minor', 'lines.tax_minor']) }} as fingerprint
from parts as lines
left join {{ ref('stg_netsuite__tax_codes') }} as codes on lines.tax_code_id = codes.tax_code_id
