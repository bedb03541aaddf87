-- A tax without a code is levied by the country of our company that sold.
with billing as (
    select
        lines.invoice_id,
        coalesce(lines.country_code, entities.country_code, 'unknown') as jurisdiction,
        cast(sum(lines.tax_minor) as bigint) as tax_minor,
        max(lines.rate_percent) as rate_percent,
        string_agg(distinct lines.tax_code, ',' order by lines.tax_code) as tax_codes
    from {{ ref('invoice_tax_line__billing') }} as lines
    left join {{ ref('legal_entities') }} as entities on lines.legal_entity = entities.legal_entity
    group by lines.invoice_id, coalesce(lines.country_code, entities.country_code, 'unknown')
),

erp as (
    select
        lines.erp_internal_id,
        coalesce(lines.country_code, entities.country_code, 'unknown') as jurisdiction,
        cast(sum(lines.tax_minor) as bigint) as tax_minor,
        max(lines.rate_percent) as rate_percent,
        string_agg(distinct lines.tax_code, ',' order by lines.tax_code) as tax_codes,
        -- what the codes make of their base, whatever tax was typed
        cast(case when count(*) = count(lines.taxable_minor * lines.rate_percent) then
            sum({{ whole_minor('lines.taxable_minor * lines.rate_percent * cast(0.01 as decimal(3, 2))') }})
        end as bigint) as rated_minor
    from {{ ref('invoice_tax_line__erp') }} as lines
    left join {{ ref('legal_entities') }} as entities on lines.legal_entity = entities.legal_entity
    group by lines.erp_internal_id, coalesce(lines.country_code, entities.country_code, 'unknown')
),

standing as (
    select
        invoice_id,
        erp_internal_id
    from {{ ref('invoice_copies') }}
    where copy_role = 'primary'
),

-- what the two charge for one country is one row; what is left of an invoice on both sides is, too: taxed here, posted there
billing_placed as (
    select
        billing.*,
        standing.erp_internal_id,
        case
            when erp.jurisdiction is not null then billing.jurisdiction
            else cast(row_number() over (
                partition by billing.invoice_id, erp.jurisdiction is null order by billing.jurisdiction
            ) as varchar)
        end as place
    from billing
    left join standing on billing.invoice_id = standing.invoice_id
    left join erp on standing.erp_internal_id = erp.erp_internal_id and billing.jurisdiction = erp.jurisdiction
),

erp_placed as (
    select
        erp.*,
        standing.invoice_id,
        case
            when billing.jurisdiction is not null then erp.jurisdiction
            else cast(row_number() over (
                partition by erp.erp_internal_id, billing.jurisdiction is null order by erp.jurisdiction
            ) as varchar)
        end as place
    from erp
    left join standing on erp.erp_internal_id = standing.erp_internal_id
    left join billing on standing.invoice_id = billing.invoice_id and erp.jurisdiction = billing.jurisdiction
),

taxed as (
    select
        coalesce(billing_placed.invoice_id, erp_placed.invoice_id) as invoice_id,
        coalesce(billing_placed.erp_internal_id, erp_placed.erp_internal_id) as erp_internal_id,
        coalesce(billing_placed.jurisdiction, erp_placed.jurisdiction) as jurisdiction,
        erp_placed.jurisdiction as erp_jurisdiction,
        billing_placed.tax_minor as billing_tax_minor,
        erp_placed.tax_minor as erp_tax_minor,
        billing_placed.rate_percent as billing_rate_percent,
        erp_placed.rate_percent as erp_rate_percent,
        billing_placed.tax_codes as billing_tax_codes,
        erp_placed.tax_codes as erp_tax_codes,
        erp_placed.rated_minor as erp_rated_minor
    from billing_placed
    full join erp_placed
        on billing_placed.invoice_id = erp_placed.invoice_id and billing_placed.place = erp_placed.place
),

compared as (
    select
        taxed.invoice_id,
        taxed.erp_internal_id,
        taxed.jurisdiction,
        taxed.erp_jurisdiction,
        coalesce(billing_invoice.canonical_customer_id, erp_invoice.canonical_customer_id) as canonical_id,
        coalesce(billing_invoice.correlation_id, erp_invoice.correlation_id) as correlation_id,
        coalesce(billing_invoice.legal_entity, erp_invoice.legal_entity) as legal_entity,
        billing_invoice.legal_entity as billing_legal_entity,
        erp_invoice.legal_entity as erp_legal_entity,
        coalesce(billing_invoice.currency, erp_invoice.currency) as currency,
        coalesce(billing_invoice.period, erp_invoice.period) as period,
        billing_invoice.issued_at,
        coalesce(billing_invoice.issued_at, billing_invoice.created_at, erp_invoice.created_at) as event_at,
        -- an invoice without tax of a jurisdiction has none of it there
        case when taxed.invoice_id is not null then coalesce(taxed.billing_tax_minor, 0) end as billing_tax_minor,
        case when taxed.erp_internal_id is not null then coalesce(taxed.erp_tax_minor, 0) end as erp_tax_minor,
        taxed.billing_rate_percent,
        taxed.erp_rate_percent,
        taxed.billing_tax_codes,
        taxed.erp_tax_codes,
        taxed.erp_rated_minor,
        greatest(coalesce(billing_invoice.line_count, 1), coalesce(erp_invoice.line_count, 1), 1) as line_count,
        case
            when taxed.erp_internal_id is null then 'invoice_not_in_erp'
            when taxed.invoice_id is null then 'invoice_not_in_billing'
            when billing_invoice.is_voided or erp_invoice.is_voided then 'void'
            when billing_invoice.currency <> erp_invoice.currency then 'currency_differs'
            -- then the net is what has to be put right first (INV-AMT-01)
            when billing_invoice.subtotal_minor <> erp_invoice.subtotal_minor then 'subtotal_differs'
        end as excluded_reason
    from taxed
    left join {{ ref('invoice__billing') }} as billing_invoice on taxed.invoice_id = billing_invoice.invoice_id
    left join {{ ref('invoice__erp') }} as erp_invoice on taxed.erp_internal_id = erp_invoice.erp_internal_id
),

apart as (
    select
        legal_entity,
        jurisdiction,
        count(*) as apart_count
    from compared
    where excluded_reason is null and abs(billing_tax_minor - erp_tax_minor) > line_count
    group by legal_entity, jurisdiction
)

select
    coalesce('stripe:' || invoice_id, 'netsuite:' || erp_internal_id) || '/' || compared.jurisdiction as row_key,
    'invoice_tax_line' as entity,
    canonical_id,
    correlation_id,
    invoice_id as billing_id,
    erp_internal_id as erp_id,
    invoice_id is not null as has_billing,
    erp_internal_id is not null as has_erp,
    compared.legal_entity,
    billing_legal_entity,
    erp_legal_entity,
    currency,
    period,
    billing_tax_minor as billing_amount_minor,
    erp_tax_minor as erp_amount_minor,
    excluded_reason,
    cast(null as bigint) as billing_coverage_seconds,
    {{ coverage('erp_coverage_seconds', 'issued_at', 'netsuite', 'transaction') }},
    event_at,
    compared.jurisdiction,
    billing_tax_minor,
    erp_tax_minor,
    billing_rate_percent,
    erp_rate_percent,
    billing_tax_codes,
    erp_tax_codes,
    erp_rated_minor,
    case
        when billing_tax_codes is null or erp_tax_codes is null then null
        when erp_jurisdiction <> compared.jurisdiction then 'other_country'
        -- codes of one rate, or of an amount too small to tell them apart, are as good as each other
        when billing_tax_codes <> erp_tax_codes and abs(billing_tax_minor - erp_rated_minor) > line_count then 'other_rate'
    end as code_fault,
    line_count,
    coalesce(apart.apart_count, 0) as apart_count
from compared
left join apart
    on compared.jurisdiction = apart.jurisdiction
    and compared.legal_entity is not distinct from apart.legal_entity
