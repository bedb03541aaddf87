-- Clearing is what deposits take the money of payouts from. All that goes in or out names what it is of: a charge, a refund,
-- a dispute or a payout. What names nothing stays for ever, since no payout will ever take it up.
with clearing as (
    select distinct account_number
    from {{ ref('deposit_line__erp') }}
    where balance_transaction_id is not null and not is_fee
),

posted as (
    -- a reversal stands with what it takes back
    select
        coalesce(lines.corrected_journal_id, lines.journal_id) as journal_id,
        lines.account_number,
        min(lines.legal_entity) as legal_entity,
        min(lines.currency) as currency,
        cast(sum(lines.debit_minor) - sum(lines.credit_minor) as bigint) as net_minor
    from {{ ref('journal_entry_line__erp') }} as lines
    inner join clearing on lines.account_number = clearing.account_number
    group by 1, lines.account_number
),

of_members as (
    -- a deposit that lost its payout still names what it consists of
    select distinct erp_internal_id
    from {{ ref('deposit_line__erp') }}
    where balance_transaction_id is not null
),

identified as (
    select
        payments.erp_internal_id,
        payments.is_voided,
        case when payments.payment_id is null and copies.copy_role <> 'duplicate' then 'payment_by_hand' end as fault
    from {{ ref('payment__erp') }} as payments
    inner join {{ ref('payment_copies') }} as copies on payments.erp_internal_id = copies.erp_internal_id
    union all
    select erp_internal_id, is_voided, case when refund_id is null then 'refund_by_hand' end
    from {{ ref('refund__erp') }}
    union all
    select
        deposits.erp_internal_id,
        deposits.is_voided,
        case when deposits.payout_id is null and of_members.erp_internal_id is null then 'deposit_by_hand' end
    from {{ ref('deposit__erp') }} as deposits
    left join of_members on deposits.erp_internal_id = of_members.erp_internal_id
    union all
    select erp_internal_id, is_voided, cast(null as varchar)
    from {{ ref('dispute_entry__erp') }}
)

select
    'netsuite:' || posted.journal_id || '/' || posted.account_number as row_key,
    'journal_entry' as entity,
    entries.canonical_customer_id as canonical_id,
    entries.correlation_id,
    posted.journal_id as erp_id,
    true as has_erp,
    posted.legal_entity,
    posted.currency,
    entries.period,
    posted.net_minor as erp_amount_minor,
    case when coalesce(identified.is_voided, false) then 'erp_voided' when posted.net_minor = 0 then 'nothing_left' end
        as excluded_reason,
    {{ coverage('erp_coverage_seconds', 'entries.posted_at', 'netsuite', 'transaction') }},
    entries.posted_at as event_at,
    entries.number as erp_number,
    entries.journal_type,
    entries.entry_date,
    posted.account_number,
    case when identified.erp_internal_id is null then 'journal_by_hand' else identified.fault end as fault,
    {{ coverage(
        'clear_coverage_seconds',
        'cast(' ~ days_after('entries.entry_date', 7) ~ ' as timestamp)',
        'netsuite', 'transaction'
    ) }}
from posted
inner join {{ ref('journal_entries') }} as entries on posted.journal_id = entries.journal_id
left join identified on posted.journal_id = identified.erp_internal_id
