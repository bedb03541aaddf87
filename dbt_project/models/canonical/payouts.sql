-- Payouts by the payment provider, and deposits of the ERP that name a payout which the provider does not know.
with members as (
    select
        payout_id,
        sum(gross_minor) as gross_minor,
        sum(fee_minor) as fee_minor,
        count(*) as member_count
    from {{ ref('payout_member__billing') }}
    group by payout_id
),

billing as (
    select
        billing.payout_id as payout_key,
        billing.payout_id,
        copies.erp_internal_id,
        'billing' as owner_role,
        billing.status,
        billing.is_settled,
        billing.is_automatic,
        billing.is_reconciled,
        billing.sent_at,
        billing.arrival_date,
        billing.arrived_at,
        deposits.legal_entity,
        billing.currency,
        case when billing.is_reconciled then cast(coalesce(members.gross_minor, 0) as bigint) end as gross_minor,
        case when billing.is_reconciled then cast(coalesce(members.fee_minor, 0) as bigint) end as fee_minor,
        billing.amount_minor as net_minor,
        coalesce(members.member_count, 0) as member_count,
        billing.trace_id,
        billing.modified_at
    from {{ ref('payout__billing') }} as billing
    left join members on billing.payout_id = members.payout_id
    left join {{ ref('deposit_copies') }} as copies
        on billing.payout_id = copies.payout_id and copies.copy_role = 'primary'
    left join {{ ref('deposit__erp') }} as deposits on copies.erp_internal_id = deposits.erp_internal_id
),

erp_only as (
    select
        'erp-' || erp.erp_internal_id as payout_key,
        cast(null as varchar) as payout_id,
        erp.erp_internal_id,
        'erp' as owner_role,
        'paid' as status,
        true as is_settled,
        false as is_automatic,
        false as is_reconciled,
        erp.created_at as sent_at,
        erp.deposit_date as arrival_date,
        erp.created_at as arrived_at,
        erp.legal_entity,
        erp.currency,
        erp.gross_minor,
        erp.fee_minor,
        erp.net_minor,
        erp.member_count,
        cast(null as varchar) as trace_id,
        erp.modified_at
    from {{ ref('deposit__erp') }} as erp
    inner join {{ ref('deposit_copies') }} as copies on erp.erp_internal_id = copies.erp_internal_id
    where copies.copy_role = 'unsourced'
)

select * from billing
union all
select * from erp_only
