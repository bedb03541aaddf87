with erp as (
    select
        erp.erp_internal_id,
        cast(erp.erp_internal_id as bigint) as erp_number,
        erp.payment_id,
        billing.payment_id is not null as has_source,
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
)

select
    erp.erp_internal_id,
    erp.payment_id,
    case
        when erp.is_voided then 'voided'
        when ranked.preference = 1 then 'primary'
        when ranked.preference > 1 then 'duplicate'
        when erp.payment_id is null then 'bank_collected'
        else 'unsourced'
    end as copy_role,
    case when ranked.preference > 1 then ranked.standing_id end as duplicate_of
from erp
left join ranked on erp.erp_internal_id = ranked.erp_internal_id
