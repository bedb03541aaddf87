with paired as (
    select
        billing.payment_id as billing_id,
        copies.erp_internal_id as erp_id,
        copies.copy_role,
        cast(null as varchar) as duplicate_of
    from {{ ref('payment__billing') }} as billing
    left join {{ ref('payment_copies') }} as copies
        on billing.payment_id = copies.payment_id and copies.copy_role = 'primary'
),

erp_only as (
    select
        cast(null as varchar) as billing_id,
        erp_internal_id as erp_id,
        copy_role,
        duplicate_of
    from {{ ref('payment_copies') }}
    where copy_role <> 'primary'
),

rows_of_both as (
    select * from paired
    union all
    select * from erp_only
)

select
    coalesce('stripe:' || billing.payment_id, 'netsuite:' || erp.erp_internal_id) as row_key,
    'payment' as entity,
    coalesce(billing.canonical_customer_id, erp.canonical_customer_id) as canonical_id,
    coalesce(billing.correlation_id, erp.correlation_id) as correlation_id,
    billing.payment_id as billing_id,
    erp.erp_internal_id as erp_id,
    billing.payment_id is not null as has_billing,
    erp.erp_internal_id is not null as has_erp,
    coalesce(billing.legal_entity, erp.legal_entity) as legal_entity,
    coalesce(billing.currency, erp.currency) as currency,
    coalesce(erp.period, {{ accounting_period(local_date('billing.paid_at', 'legal_entities.time_zone')) }}) as period,
    billing.amount_minor as billing_amount_minor,
    erp.amount_minor as erp_amount_minor,
    case
        when rows_of_both.copy_role = 'bank_collected' then 'bank_collected'
        when rows_of_both.copy_role = 'voided' then 'erp_voided'
        when not billing.is_settled and erp.erp_internal_id is null then 'not_settled'
    end as excluded_reason,
    {{ seconds_between('erp.created_at', watermark('stripe', 'charge')) }} as billing_coverage_seconds,
    {{ seconds_between(
        'coalesce(billing.paid_at, billing.created_at)', watermark('netsuite', 'transaction')
    ) }} as erp_coverage_seconds,
    coalesce(billing.paid_at, billing.created_at, erp.paid_at) as event_at,
    coalesce(billing.invoice_id, erp.invoice_id) as invoice_id,
    billing.status as billing_status,
    erp.number as erp_number,
    billing.paid_at as billing_paid_at,
    coalesce(rows_of_both.copy_role = 'duplicate', false) as is_erp_duplicate,
    rows_of_both.duplicate_of
from rows_of_both
left join {{ ref('payment__billing') }} as billing on rows_of_both.billing_id = billing.payment_id
left join {{ ref('payment__erp') }} as erp on rows_of_both.erp_id = erp.erp_internal_id
left join {{ ref('legal_entities') }} as legal_entities on billing.legal_entity = legal_entities.legal_entity
