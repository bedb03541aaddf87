with erp as (
    select
        erp.erp_internal_id,
        cast(erp.erp_internal_id as bigint) as erp_number,
        erp.payment_id,
        billing.payment_id is not null as has_source,
        erp.customer_id,
        erp.currency,
        erp.amount_minor,
        erp.payment_date,
        erp.invoice_count,
        erp.is_voided
    from {{ ref('payment__erp') }} as erp
    left join {{ ref('payment__billing') }} as billing on erp.payment_id = billing.payment_id
),

ranked as (
    -- the oldest live payment stands; a voided one records nothing
    select
        erp_internal_id,
        row_number() over (partition by payment_id order by erp_number) as preference,
        first_value(erp_internal_id) over (partition by payment_id order by erp_number) as standing_id
    from erp
    where has_source and not is_voided
),

resembling as (
    -- a payment that names no charge and pays no invoice, as much and about the same day as one that stands for a charge of
    -- the customer: one that pays an invoice of its own is money of its own
    select
        copies.erp_internal_id,
        cast(min(originals.erp_number) as varchar) as standing_id
    from erp as copies
    inner join erp as originals
        on
            copies.customer_id = originals.customer_id
            and copies.currency = originals.currency
            and copies.amount_minor = originals.amount_minor
    where
        copies.payment_id is null
        and copies.invoice_count = 0
        and not copies.is_voided
        and originals.has_source
        and not originals.is_voided
        and abs(date_diff('day', copies.payment_date, originals.payment_date))
        <= {{ var('payment_duplicate_window_days') }}
    group by copies.erp_internal_id
)

select
    erp.erp_internal_id,
    erp.payment_id,
    case
        when erp.is_voided then 'voided'
        when ranked.preference = 1 then 'primary'
        when ranked.preference > 1 or resembling.standing_id is not null then 'duplicate'
        when erp.payment_id is null then 'bank_collected'
        else 'unsourced'
    end as copy_role,
    case when ranked.preference > 1 then ranked.standing_id else resembling.standing_id end as duplicate_of,
    case
        when ranked.preference > 1 then 'charge_id'
        when resembling.standing_id is not null then 'signature'
    end as duplicate_basis
from erp
left join ranked on erp.erp_internal_id = ranked.erp_internal_id
left join resembling on erp.erp_internal_id = resembling.erp_internal_id
