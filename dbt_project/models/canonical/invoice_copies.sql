with erp as (
    select
        erp.erp_internal_id,
        cast(erp.erp_internal_id as bigint) as erp_number,
        erp.invoice_id,
        billing.invoice_id is not null as has_source,
        erp.customer_id,
        erp.currency,
        erp.total_minor,
        erp.invoice_date,
        erp.line_signature,
        erp.is_manual,
        erp.is_voided,
        erp.fingerprint
    from {{ ref('invoice__erp') }} as erp
    left join {{ ref('invoice__billing') }} as billing on erp.invoice_id = billing.invoice_id
),

ranked as (
    -- the copy that stands: a live one before one that is void or credited away, then the oldest
    select
        erp_internal_id,
        row_number() over (partition by invoice_id order by is_gone, erp_number) as preference,
        first_value(erp_internal_id) over (partition by invoice_id order by is_gone, erp_number) as standing_id
    from (
        select erp.*, erp.is_voided or credits.corrected_id is not null as is_gone
        from erp
        left join {{ ref('ledger_correction__erp') }} as credits
            on erp.erp_internal_id = credits.corrected_id and credits.kind = 'credit'
    ) as copies
    where has_source
),

resembling as (
    -- a live copy without billing id that says the same as another live invoice of about the same day;
    -- an original with a billing id stands before one without, then the older
    select
        copies.erp_internal_id,
        arg_min(originals.erp_internal_id, row(originals.invoice_id is null, originals.erp_number)) as standing_id
    from erp as copies
    inner join erp as originals
        on
            copies.customer_id = originals.customer_id
            and copies.currency = originals.currency
            and copies.total_minor = originals.total_minor
            and copies.line_signature = originals.line_signature
            and copies.erp_internal_id <> originals.erp_internal_id
    where
        copies.invoice_id is null
        and not copies.is_voided
        and not copies.is_manual
        and not originals.is_voided
        and not originals.is_manual
        and abs(date_diff('day', copies.invoice_date, originals.invoice_date)) <= {{ var('duplicate_window_days') }}
        and (originals.invoice_id is not null or originals.erp_number < copies.erp_number)
    group by copies.erp_internal_id
)

select
    erp.erp_internal_id,
    erp.invoice_id,
    case
        when ranked.preference = 1 then 'primary'
        when erp.is_voided then 'voided'
        when ranked.preference > 1 or resembling.standing_id is not null
            then case when credits.corrected_id is not null then 'credited' else 'duplicate' end
        when erp.is_manual then 'manual'
        when credits.corrected_id is not null then 'credited'
        else 'unsourced'
    end as copy_role,
    case
        when erp.is_voided or credits.corrected_id is not null then null
        when ranked.preference > 1 then ranked.standing_id
        else resembling.standing_id
    end as duplicate_of,
    case
        when erp.is_voided or credits.corrected_id is not null then null
        when ranked.preference > 1 then 'billing_id'
        when resembling.standing_id is not null then 'signature'
    end as duplicate_basis,
    erp.fingerprint
from erp
left join ranked on erp.erp_internal_id = ranked.erp_internal_id
left join resembling on erp.erp_internal_id = resembling.erp_internal_id
left join {{ ref('ledger_correction__erp') }} as credits
    on erp.erp_internal_id = credits.corrected_id and credits.kind = 'credit'
