-- What moved the balance at the payment processor, and what moved its clearing account in the ledger. A charge, refund or
-- dispute stands against the ERP's document of it; fees stand with the payout that they were taken from, as deposits book them.
with transactions as (
    -- what the processor takes of itself has no source
    select *, coalesce(source_id, balance_transaction_id) as object_id
    from {{ ref('stg_stripe__balance_transactions') }}
    where balance_type = 'payments'
),

members as (
    select balance_transaction_id, max(payout_id) as payout_id
    from {{ ref('payout_member__billing') }}
    group by balance_transaction_id
),

documents as (
    select erp_internal_id, payment_id as object_id from {{ ref('payment__erp') }} where payment_id is not null
    union all
    select erp_internal_id, refund_id from {{ ref('refund__erp') }} where refund_id is not null
    union all
    select erp_internal_id, payout_id from {{ ref('deposit__erp') }} where payout_id is not null
    union all
    select erp_internal_id, dispute_id from {{ ref('dispute_entry__erp') }} where dispute_id is not null
),

clearing as (
    select distinct legal_entity, account_number
    from {{ ref('ledger_accounts') }}
    where event_type = 'payment_clearing'
),

postings as (
    select
        coalesce(lines.corrected_journal_id, lines.journal_id) as journal_id,
        lines.document_type,
        lines.transaction_currency,
        lines.period,
        sum(lines.transaction_debit_minor - lines.transaction_credit_minor) as amount_minor
    from {{ ref('journal_entry_lines') }} as lines
    inner join clearing
        on lines.account_number = clearing.account_number and lines.legal_entity = clearing.legal_entity
    group by 1, lines.document_type, lines.transaction_currency, lines.period
),

-- a payout is paid into the books by its deposit, and only once it is settled
unsettled as (
    select payout_id from {{ ref('payout__billing') }} where not is_settled
),

entries as (
    select
        'processor' as side,
        transactions.object_id as object_key,
        transactions.object_id as document_id,
        transactions.reporting_category as movement,
        transactions.currency,
        {{ accounting_period('transactions.created_at') }} as period,
        transactions.amount_minor,
        case when unsettled.payout_id is not null then 'payout_not_settled' end as excluded_reason
    from transactions
    left join unsettled on transactions.object_id = unsettled.payout_id
    union all
    select
        'processor',
        coalesce(members.payout_id, 'fee:' || transactions.object_id),
        coalesce(members.payout_id, transactions.object_id),
        'fee',
        transactions.currency,
        {{ accounting_period('transactions.created_at') }},
        -transactions.fee_minor,
        case
            when members.payout_id is null then 'not_paid_out'
            when unsettled.payout_id is not null then 'payout_not_settled'
        end
    from transactions
    left join members on transactions.balance_transaction_id = members.balance_transaction_id
    left join unsettled on members.payout_id = unsettled.payout_id
    where transactions.fee_minor <> 0
    union all
    select
        'ledger',
        coalesce(documents.object_id, 'erp:' || coalesce(postings.journal_id, documents.erp_internal_id)),
        coalesce(postings.journal_id, documents.erp_internal_id),
        coalesce(postings.document_type, 'not_posted'),
        postings.transaction_currency,
        postings.period,
        coalesce(postings.amount_minor, 0),
        null
    from postings
    full join documents on postings.journal_id = documents.erp_internal_id
)

select
    concat_ws('|', side, object_key, document_id, movement, coalesce(currency, ''), coalesce(period, '')) as entry_key,
    'payment_clearing' as control,
    side,
    object_key,
    document_id,
    movement,
    cast(null as varchar) as legal_entity,
    currency,
    period,
    cast(sum(amount_minor) as bigint) as amount_minor,
    max(excluded_reason) as excluded_reason
from entries
group by side, object_key, document_id, movement, currency, period
