with paired as (
    select
        billing.payment_id as billing_id,
        copies.erp_internal_id as erp_id,
        copies.copy_role,
        cast(null as varchar) as duplicate_of,
        cast(null as varchar) as duplicate_basis
    from {{ ref('payment__billing') }} as billing
    left join {{ ref('payment_copies') }} as copies
        on billing.payment_id = copies.payment_id and copies.copy_role = 'primary'
),

erp_only as (
    select
        cast(null as varchar) as billing_id,
        erp_internal_id as erp_id,
        copy_role,
        duplicate_of,
        duplicate_basis
    from {{ ref('payment_copies') }}
    where copy_role <> 'primary'
),

rows_of_both as (
    select * from paired
    union all
    select * from erp_only
),

{{ lost_and_credited() }},

credited as (
    -- what went back of a charge for a credit: the invoice asks for as much less
    select
        payment_id,
        sum(credited_minor) as credited_minor
    from {{ ref('refund__billing') }}
    where is_settled
    group by payment_id
),

kept as (
    -- what a charge neither gave back nor lost to a dispute
    select
        charges.payment_id,
        charges.invoice_id,
        charges.paid_at,
        charges.amount_minor - charges.refunded_minor - coalesce(lost.lost_minor, 0) as kept_minor,
        coalesce(credited.credited_minor, 0) as credited_minor
    from {{ ref('payment__billing') }} as charges
    left join lost on charges.payment_id = lost.payment_id
    left join credited on charges.payment_id = credited.payment_id
    where charges.is_settled and charges.invoice_id is not null
),

charged as (
    -- beside what the charges of its invoice before it paid of the total, with what was credited of them since
    select
        payment_id,
        invoice_id,
        kept_minor,
        sum(kept_minor + credited_minor) over (
            partition by invoice_id order by paid_at, payment_id rows between unbounded preceding and 1 preceding
        ) as paid_before_minor,
        lag(payment_id) over (partition by invoice_id order by paid_at, payment_id) as charged_before
    from kept
),

beyond as (
    select
        charged.payment_id,
        charged.charged_before,
        charged.kept_minor,
        charged.paid_before_minor + charged.kept_minor + coalesce(credited_before_payment.credited_minor, 0)
        - invoices.total_minor as beyond_minor
    from charged
    inner join {{ ref('invoice__billing') }} as invoices on charged.invoice_id = invoices.invoice_id
    left join credited_before_payment on charged.invoice_id = credited_before_payment.invoice_id
    where charged.charged_before is not null and charged.kept_minor > 0
),

overcharged as (
    select
        payment_id,
        charged_before,
        least(kept_minor, beyond_minor) as overcharged_minor
    from beyond
    where beyond_minor > 0
),

asked as (
    -- what the ledger asks for; where nothing was paid of it, also what billing does
    select asking.item_id, asking.party, asking.currency, asking.item_date, asking.amount_minor
    from {{ ref('open_invoices') }} as asking
    union
    select asking.item_id, asking.party, asking.currency, asking.item_date, billed.total_minor
    from {{ ref('open_invoices') }} as asking
    inner join {{ ref('invoice__erp') }} as posted
        on asking.item_id = posted.erp_internal_id and asking.amount_minor = posted.total_minor
    inner join {{ ref('invoice__billing') }} as billed on posted.invoice_id = billed.invoice_id
),

fitting as (
    -- what the bank collected and pays nothing yet, as much as an open invoice of the customer asks for: in the ledger, which
    -- rounds line by line, or in billing, which sent it. Money whose own invoice the ledger lacks waits for that one
    select
        unapplied.item_id as erp_id,
        max(unapplied.amount_minor) as unapplied_minor
    from {{ ref('unapplied_payments') }} as unapplied
    inner join asked as asking
        on
            unapplied.party = asking.party
            and unapplied.currency = asking.currency
            and unapplied.amount_minor = asking.amount_minor
            and asking.item_date between {{ days_after('unapplied.item_date', -90) }} and unapplied.item_date
    left join {{ ref('unposted_invoices') }} as unposted
        on
            unapplied.party = unposted.party
            and unapplied.currency = unposted.currency
            and unapplied.amount_minor = unposted.amount_minor
            and unposted.item_date <= unapplied.item_date
    where unposted.item_id is null
    group by unapplied.item_id
),

fees as (
    select
        source_id as payment_id,
        sum(fee_minor) as fee_minor
    from {{ ref('stg_stripe__balance_transactions') }}
    where balance_transaction_type in ('charge', 'payment')
    group by source_id
),

returned as (
    -- what was collected and went back to the customer's bank
    select
        source_id as payment_id,
        max(created_at) as returned_at
    from {{ ref('stg_stripe__balance_transactions') }}
    where balance_transaction_type = 'payment_failure_refund'
    group by source_id
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
        when rows_of_both.copy_role = 'bank_collected' and fitting.erp_id is null then 'bank_collected'
        when rows_of_both.copy_role = 'voided' then 'erp_voided'
        when not billing.is_settled and erp.erp_internal_id is null then 'not_settled'
    end as excluded_reason,
    {{ coverage('billing_coverage_seconds', 'erp.created_at', 'stripe', 'charge') }},
    {{ coverage('erp_coverage_seconds', 'coalesce(billing.paid_at, billing.created_at)', 'netsuite', 'transaction') }},
    coalesce(billing.paid_at, billing.created_at, erp.paid_at) as event_at,
    coalesce(billing.invoice_id, erp.invoice_id) as invoice_id,
    billing.status as billing_status,
    erp.status as erp_status,
    erp.number as erp_number,
    billing.paid_at as billing_paid_at,
    coalesce(rows_of_both.copy_role = 'duplicate', false) as is_erp_duplicate,
    rows_of_both.duplicate_of,
    rows_of_both.duplicate_basis,
    billing.legal_entity as billing_legal_entity,
    erp.legal_entity as erp_legal_entity,
    billing.currency as billing_currency,
    erp.currency as erp_currency,
    cast(fees.fee_minor as bigint) as billing_fee_minor,
    cast(coalesce(overcharged.overcharged_minor, 0) as bigint) as overcharged_minor,
    overcharged.charged_before,
    cast(case when rows_of_both.copy_role = 'bank_collected' then fitting.unapplied_minor end as bigint) as unapplied_minor,
    {{ coverage(
        'apply_coverage_seconds',
        'cast(' ~ business_days_after('erp.payment_date', 2) ~ ' as timestamp)',
        'netsuite', 'transaction'
    ) }},
    fees.payment_id is not null as was_collected,
    {{ coverage('return_coverage_seconds', 'coalesce(returned.returned_at, billing.modified_at)', 'netsuite', 'transaction') }}
from rows_of_both
left join {{ ref('payment__billing') }} as billing on rows_of_both.billing_id = billing.payment_id
left join {{ ref('payment__erp') }} as erp on rows_of_both.erp_id = erp.erp_internal_id
left join overcharged on rows_of_both.billing_id = overcharged.payment_id
left join fees on rows_of_both.billing_id = fees.payment_id
left join returned on rows_of_both.billing_id = returned.payment_id
left join fitting on rows_of_both.erp_id = fitting.erp_id
left join {{ ref('legal_entities') }} as legal_entities on billing.legal_entity = legal_entities.legal_entity
