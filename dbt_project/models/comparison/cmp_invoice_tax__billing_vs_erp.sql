-- A tax without a code is levied by the country of our company that sold.
with billing as (
    select
        lines.invoice_id,
        coalesce(lines.country_code, entities.country_code, 'unknown') as jurisdiction,
        cast(sum(lines.tax_minor) as bigint) as tax_minor,
        max(lines.rate_percent) as rate_percent
    from {{ ref('invoice_tax_line__billing') }} as lines
    left join {{ ref('legal_entities') }} as entities on lines.legal_entity = entities.legal_entity
    group by lines.invoice_id, coalesce(lines.country_code, entities.country_code, 'unknown')
),

erp as (
    select
        lines.erp_internal_id,
        coalesce(lines.country_code, entities.country_code, 'unknown') as jurisdiction,
        cast(sum(lines.tax_minor) as bigint) as tax_minor,
        max(lines.rate_percent) as rate_percent
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

taxed as (
    select
        billing.invoice_id,
        standing.erp_internal_id,
        billing.jurisdiction
    from billing
    left join standing on billing.invoice_id = standing.invoice_id
    union
    select
        standing.invoice_id,
        erp.erp_internal_id,
        erp.jurisdiction
    from erp
    left join standing on erp.erp_internal_id = standing.erp_internal_id
),

compared as (
    select
        taxed.invoice_id,
        taxed.erp_internal_id,
        taxed.jurisdiction,
        coalesce(billing_invoice.canonical_customer_id, erp_invoice.canonical_customer_id) as canonical_id,
        coalesce(billing_invoice.correlation_id, erp_invoice.correlation_id) as correlation_id,
        coalesce(billing_invoice.legal_entity, erp_invoice.legal_entity) as legal_entity,
        coalesce(billing_invoice.currency, erp_invoice.currency) as currency,
        coalesce(billing_invoice.period, erp_invoice.period) as period,
        billing_invoice.issued_at,
        coalesce(billing_invoice.issued_at, billing_invoice.created_at, erp_invoice.created_at) as event_at,
        -- an invoice without tax of a jurisdiction has none of it there
        case when taxed.invoice_id is not null then coalesce(billing.tax_minor, 0) end as billing_tax_minor,
        case when taxed.erp_internal_id is not null then coalesce(erp.tax_minor, 0) end as erp_tax_minor,
        billing.rate_percent as billing_rate_percent,
        erp.rate_percent as erp_rate_percent,
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
    left join billing on taxed.invoice_id = billing.invoice_id and taxed.jurisdiction = billing.jurisdiction
    left join erp on taxed.erp_internal_id = erp.erp_internal_id and taxed.jurisdiction = erp.jurisdiction
    left join {{ ref('invoice__billing') }} as billing_invoice on taxed.invoice_id = billing_invoice.invoice_id
    left join {{ ref('invoice__erp') }} as erp_invoice on taxed.erp_internal_id = erp_invoice.erp_internal_id
)

select
    coalesce('stripe:' || invoice_id, 'netsuite:' || erp_internal_id) || '/' || jurisdiction as row_key,
    'invoice_tax_line' as entity,
    canonical_id,
    correlation_id,
    invoice_id as billing_id,
    erp_internal_id as erp_id,
    invoice_id is not null as has_billing,
    erp_internal_id is not null as has_erp,
    legal_entity,
    currency,
    period,
    billing_tax_minor as billing_amount_minor,
    erp_tax_minor as erp_amount_minor,
    excluded_reason,
    cast(null as bigint) as billing_coverage_seconds,
    {{ seconds_between('issued_at', watermark('netsuite', 'transaction')) }} as erp_coverage_seconds,
    event_at,
    jurisdiction,
    billing_tax_minor,
    erp_tax_minor,
    billing_rate_percent,
    erp_rate_percent,
    line_count,
    count(*) filter (where excluded_reason is null and abs(billing_tax_minor - erp_tax_minor) > line_count) over (
        partition by legal_entity, jurisdiction
    ) as apart_count
from compared
