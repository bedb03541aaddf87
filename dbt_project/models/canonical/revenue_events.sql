select
    revenue_event_id,
    revenue_plan_id,
    erp_internal_id,
    invoice_id,
    canonical_customer_id,
    correlation_id,
    product_code,
    period,
    legal_entity,
    currency,
    amount_minor,
    is_recognized,
    journal_id
from {{ ref('revenue_event__erp') }}
