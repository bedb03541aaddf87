with taxes as (
    select
        taxes.invoice_id || '-tax-' || taxes.position as source_id,
        taxes.*,
        invoices.legal_entity,
        invoices.line_count
    from {{ ref('stg_stripe__invoice_taxes') }} as taxes
    left join {{ ref('invoice__billing') }} as invoices on taxes.invoice_id = invoices.invoice_id
),

candidates as (
    select
        taxes.source_id,
        codes.tax_code,
        codes.country_code,
        codes.rate_percent,
        abs(
            taxes.tax_minor - {{ whole_minor('taxes.taxable_minor * codes.rate_percent * cast(0.01 as decimal(3, 2))') }}
        ) as difference_minor,
        codes.tax_code = entities.tax_code as is_default
    from taxes
    inner join {{ ref('tax_codes') }} as codes on taxes.legal_entity = codes.legal_entity
    left join {{ ref('legal_entities') }} as entities on taxes.legal_entity = entities.legal_entity
    -- a rate fits when it gives the tax to the minor unit, or to one for each line where lines were rounded one by one
    where
        abs(
            taxes.tax_minor - {{ whole_minor('taxes.taxable_minor * codes.rate_percent * cast(0.01 as decimal(3, 2))') }}
        ) <= greatest(taxes.line_count, 1)
),

nearest as (
    select
        *,
        row_number() over (
            partition by source_id order by difference_minor, case when is_default then 0 else 1 end, tax_code
        ) as preference
    from candidates
)

select
    taxes.source_id,
    'stripe' as source_system,
    taxes.invoice_id,
    cast(null as varchar) as erp_internal_id,
    taxes.legal_entity,
    nearest.tax_code,
    nearest.country_code,
    nearest.rate_percent,
    taxes.tax_rate_id,
    taxes.tax_behavior,
    taxes.currency,
    taxes.taxable_minor,
    taxes.tax_minor,
    {{ fingerprint(['nearest.tax_code', 'taxes.taxable_minor', 'taxes.tax_minor']) }} as fingerprint
from taxes
left join nearest on taxes.source_id = nearest.source_id and nearest.preference = 1
