with paired as (
    select
        billing.refund_id as billing_id,
        copies.erp_internal_id as erp_id,
        copies.copy_role,
        cast(null as varchar) as duplicate_of
    from {{ ref('refund__billing') }} as billing
    left join {{ ref('refund_copies') }} as copies
        on billing.refund_id = copies.refund_id and copies.copy_role = 'primary'
),

erp_only as (
    select
        cast(null as varchar) as billing_id,
        erp_internal_id as erp_id,
        copy_role,
        duplicate_of
    from {{ ref('refund_copies') }}
    where copy_role <> 'primary'
),

rows_of_both as (
    select * from paired
    union all
    select * from erp_only
),

provided as (
    -- what the provider paid back of a credit note
    select
        credit_note_id,
        min(refund_id) as refund_id
    from {{ ref('refund__billing') }}
    where is_settled and credit_note_id is not null
    group by credit_note_id
),

by_bank as (
    -- what the bank paid back of a credit note, one refund after the other, beyond what the note says went that way
    select
        erp.erp_internal_id,
        erp.amount_minor,
        provided.refund_id,
        sum(erp.amount_minor) over (
            partition by erp.credit_note_id order by cast(erp.erp_internal_id as bigint) rows unbounded preceding
        ) - notes.out_of_band_minor as beyond_minor
    from {{ ref('refund__erp') }} as erp
    inner join {{ ref('refund_copies') }} as copies on erp.erp_internal_id = copies.erp_internal_id
    inner join provided on erp.credit_note_id = provided.credit_note_id
    inner join {{ ref('credit_note__billing') }} as notes on erp.credit_note_id = notes.credit_note_id
    where copies.copy_role = 'manual'
),

{{ lost_and_credited() }},

taken as (
    -- what the charges of one invoice took together, without what banks took back
    select
        charges.invoice_id,
        sum(charges.amount_minor - coalesce(lost.lost_minor, 0)) as taken_minor
    from {{ ref('payment__billing') }} as charges
    left join lost on charges.payment_id = lost.payment_id
    where charges.is_settled and charges.invoice_id is not null
    group by charges.invoice_id
),

owed as (
    -- what they took beyond what the invoice asked for: it goes back without a credit, whichever charge gives it
    select
        taken.invoice_id,
        taken.taken_minor - invoices.total_minor + coalesce(credited_before_payment.credited_minor, 0) as owed_minor
    from taken
    inner join {{ ref('invoice__billing') }} as invoices on taken.invoice_id = invoices.invoice_id
    left join credited_before_payment on taken.invoice_id = credited_before_payment.invoice_id
),

uncredited as (
    -- refunds of one invoice, one after the other, beyond what they owe the customer anyway
    select
        refunds.refund_id,
        greatest(0, least(
            greatest(refunds.amount_minor - refunds.credited_minor, 0),
            sum(greatest(refunds.amount_minor - refunds.credited_minor, 0)) over (
                partition by coalesce(refunds.invoice_id, refunds.payment_id)
                order by refunds.created_at, refunds.refund_id rows unbounded preceding
            ) - greatest(coalesce(owed.owed_minor, 0), 0)
        )) as uncredited_minor
    from {{ ref('refund__billing') }} as refunds
    left join owed on refunds.invoice_id = owed.invoice_id
    where refunds.is_settled
),

given_back as (
    -- what the refunds of one charge gave back, one after the other, and what a dispute took besides
    select
        refunds.refund_id,
        refunds.amount_minor,
        sum(refunds.amount_minor) over (
            partition by refunds.payment_id order by refunds.created_at, refunds.refund_id rows unbounded preceding
        ) + coalesce(lost.lost_minor, 0) - payments.amount_minor as beyond_minor
    from {{ ref('refund__billing') }} as refunds
    inner join {{ ref('payment__billing') }} as payments on refunds.payment_id = payments.payment_id
    left join lost on refunds.payment_id = lost.payment_id
    where refunds.is_settled
)

select
    coalesce('stripe:' || billing.refund_id, 'netsuite:' || erp.erp_internal_id) as row_key,
    'refund' as entity,
    coalesce(billing.canonical_customer_id, erp.canonical_customer_id) as canonical_id,
    coalesce(billing.correlation_id, erp.correlation_id) as correlation_id,
    billing.refund_id as billing_id,
    erp.erp_internal_id as erp_id,
    billing.refund_id is not null as has_billing,
    erp.erp_internal_id is not null as has_erp,
    coalesce(billing.legal_entity, erp.legal_entity) as legal_entity,
    coalesce(billing.currency, erp.currency) as currency,
    coalesce(billing.period, erp.period) as period,
    billing.amount_minor as billing_amount_minor,
    erp.amount_minor as erp_amount_minor,
    case
        when rows_of_both.copy_role = 'voided' then 'erp_voided'
        when rows_of_both.copy_role = 'manual' and coalesce(by_bank.beyond_minor, 0) <= 0 then 'paid_by_bank'
        when not billing.is_settled and erp.erp_internal_id is null then 'not_settled'
    end as excluded_reason,
    {{ coverage('billing_coverage_seconds', 'erp.created_at', 'stripe', 'refund') }},
    {{ coverage('erp_coverage_seconds', 'billing.created_at', 'netsuite', 'transaction') }},
    {{ when_read(
        'missing_coverage_seconds',
        'coalesce(' ~ seconds_between('{in_billing_at}', '{netsuite transaction}')
        ~ ', ' ~ seconds_between('{in_erp_at}', '{stripe refund}') ~ ')',
        in_billing_at='billing.created_at', in_erp_at='erp.created_at'
    ) }},
    coalesce(billing.created_at, erp.created_at) as event_at,
    billing.status as billing_status,
    billing.is_settled,
    coalesce(billing.payment_id, erp.payment_id) as payment_id,
    coalesce(billing.credit_note_id, erp.credit_note_id) as credit_note_id,
    erp.number as erp_number,
    cast(coalesce(uncredited.uncredited_minor, 0) as bigint) as uncredited_minor,
    {{ coverage('credit_coverage_seconds', 'billing.created_at', 'stripe', 'credit_note') }},
    coalesce(rows_of_both.copy_role = 'duplicate', false) as is_erp_duplicate,
    coalesce(rows_of_both.duplicate_of, case when by_bank.beyond_minor > 0 then by_bank.refund_id end) as duplicate_of,
    cast(case
        when rows_of_both.copy_role = 'duplicate' then erp.amount_minor
        when by_bank.beyond_minor > 0 then least(by_bank.amount_minor, by_bank.beyond_minor)
        when given_back.beyond_minor > 0 then least(given_back.amount_minor, given_back.beyond_minor)
        else 0
    end as bigint) as excess_minor,
    case
        when rows_of_both.copy_role = 'duplicate' then 'entered_twice'
        when by_bank.beyond_minor > 0 then 'paid_by_bank_too'
        when given_back.beyond_minor > 0 then 'above_the_payment'
    end as excess_basis
from rows_of_both
left join {{ ref('refund__billing') }} as billing on rows_of_both.billing_id = billing.refund_id
left join {{ ref('refund__erp') }} as erp on rows_of_both.erp_id = erp.erp_internal_id
left join by_bank on rows_of_both.erp_id = by_bank.erp_internal_id
left join uncredited on rows_of_both.billing_id = uncredited.refund_id
left join given_back on rows_of_both.billing_id = given_back.refund_id
