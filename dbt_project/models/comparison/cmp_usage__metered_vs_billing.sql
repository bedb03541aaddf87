-- What was used in each billed period by the meter, beside the units that its invoice bills.
select
    'stripe:' || ratings.line_key as row_key,
    'usage' as entity,
    ratings.canonical_customer_id as canonical_id,
    invoices.correlation_id,
    case when ratings.metered_quantity is not null then ratings.line_key end as metered_id,
    ratings.line_key as billing_id,
    ratings.metered_quantity is not null as has_metered,
    true as has_billing,
    invoices.legal_entity,
    ratings.currency,
    billing.period,
    ratings.rated_minor as metered_amount_minor,
    ratings.billed_minor as billing_amount_minor,
    case when ratings.metered_quantity is null then 'nothing_metered' end as excluded_reason,
    cast(null as bigint) as metered_coverage_seconds,
    {{ coverage('billing_coverage_seconds', 'billing.issued_at', 'stripe', 'usage') }},
    billing.issued_at as event_at,
    ratings.item_id,
    ratings.product_code,
    ratings.metered_quantity,
    ratings.billed_quantity,
    ratings.billed_rated_minor,
    ratings.line_count
from {{ ref('usage_ratings') }} as ratings
inner join {{ ref('invoices') }} as invoices on ratings.invoice_key = invoices.invoice_key
inner join {{ ref('invoice__billing') }} as billing on ratings.invoice_key = billing.invoice_id
