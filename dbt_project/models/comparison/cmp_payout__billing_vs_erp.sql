with members as (
    -- what the payout consists of by balance transaction, on both sides
    select
        coalesce(paid.payout_id, deposited.payout_id) as payout_id,
        sum(paid.net_minor) as net_minor,
        sum(paid.fee_minor) as fee_minor,
        count(*) filter (where paid.gross_minor is distinct from deposited.gross_minor) as apart_count
    from {{ ref('payout_member__billing') }} as paid
    full join (
        select
            copies.payout_id,
            lines.balance_transaction_id,
            sum(lines.gross_minor) as gross_minor
        from {{ ref('deposit_line__erp') }} as lines
        inner join {{ ref('deposit_copies') }} as copies on lines.erp_internal_id = copies.erp_internal_id
        where copies.copy_role = 'primary' and not lines.is_fee and lines.gross_minor <> 0
        group by copies.payout_id, lines.balance_transaction_id
    ) as deposited
        on
            paid.payout_id = deposited.payout_id
            and paid.balance_transaction_id = deposited.balance_transaction_id
    group by coalesce(paid.payout_id, deposited.payout_id)
),

paired as (
    select
        billing.payout_id as billing_id,
        copies.erp_internal_id as erp_id,
        copies.copy_role,
        cast(null as varchar) as duplicate_of
    from {{ ref('payout__billing') }} as billing
    left join {{ ref('deposit_copies') }} as copies
        on billing.payout_id = copies.payout_id and copies.copy_role = 'primary'
),

erp_only as (
    select
        cast(null as varchar) as billing_id,
        erp_internal_id as erp_id,
        copy_role,
        duplicate_of
    from {{ ref('deposit_copies') }}
    where copy_role <> 'primary'
),

rows_of_both as (
    select * from paired
    union all
    select * from erp_only
)

select
    coalesce('stripe:' || billing.payout_id, 'netsuite:' || erp.erp_internal_id) as row_key,
    'payout' as entity,
    cast(null as varchar) as canonical_id,
    cast(null as varchar) as correlation_id,
    billing.payout_id as billing_id,
    erp.erp_internal_id as erp_id,
    billing.payout_id is not null as has_billing,
    erp.erp_internal_id is not null as has_erp,
    erp.legal_entity,
    coalesce(billing.currency, erp.currency) as currency,
    coalesce(erp.period, {{ accounting_period('billing.arrival_date') }}) as period,
    billing.amount_minor as billing_amount_minor,
    erp.net_minor as erp_amount_minor,
    case
        when rows_of_both.copy_role = 'voided' then 'erp_voided'
        when rows_of_both.copy_role = 'manual' then 'other_deposit'
        when not billing.is_settled and erp.erp_internal_id is null then 'not_arrived'
    end as excluded_reason,
    {{ coverage('billing_coverage_seconds', 'erp.created_at', 'stripe', 'payout') }},
    {{ coverage('erp_coverage_seconds', 'billing.sent_at', 'netsuite', 'transaction') }},
    {{ when_read(
        'due_coverage_seconds',
        'coalesce(' ~ seconds_between('{due_at}', '{netsuite transaction}')
        ~ ', ' ~ seconds_between('{in_erp_at}', '{stripe payout}') ~ ')',
        due_at='cast(' ~ business_days_after('billing.arrival_date', 2) ~ ' as timestamp)', in_erp_at='erp.created_at'
    ) }},
    coalesce(billing.sent_at, erp.created_at) as event_at,
    billing.status as billing_status,
    coalesce(billing.is_settled, false) as is_settled,
    coalesce(billing.is_reconciled, false) as is_reconciled,
    erp.number as erp_number,
    billing.currency as billing_currency,
    erp.currency as erp_currency,
    billing.arrival_date as billing_date,
    erp.deposit_date as erp_date,
    cast(case when billing.is_reconciled then coalesce(members.fee_minor, 0) end as bigint) as billing_fee_minor,
    erp.fee_minor as erp_fee_minor,
    cast(case when billing.is_reconciled then coalesce(members.net_minor, 0) end as bigint) as members_net_minor,
    cast(case when billing.is_reconciled then coalesce(members.net_minor, 0) - billing.amount_minor end as bigint)
        as composition_gap_minor,
    case when billing.is_reconciled then coalesce(members.apart_count, 0) end as members_apart_count,
    coalesce(rows_of_both.copy_role = 'duplicate', false) as is_erp_duplicate,
    rows_of_both.duplicate_of
from rows_of_both
left join {{ ref('payout__billing') }} as billing on rows_of_both.billing_id = billing.payout_id
left join {{ ref('deposit__erp') }} as erp on rows_of_both.erp_id = erp.erp_internal_id
left join members on rows_of_both.billing_id = members.payout_id
