with totals as (
    select
        journal_id,
        min(legal_entity) as legal_entity,
        min(currency) as currency,
        cast(sum(debit_minor) as bigint) as debit_minor,
        cast(sum(credit_minor) as bigint) as credit_minor,
        count(*) as line_count
    from {{ ref('journal_entry_line__erp') }}
    group by journal_id
)

select
    transactions.transaction_id as source_id,
    'netsuite' as source_system,
    transactions.transaction_id as journal_id,
    transactions.transaction_type as journal_type,
    transactions.number,
    crosswalk.canonical_customer_id,
    -- a payment belongs to the thread of the invoice that it settles
    coalesce(transactions.correlation_id, payments.correlation_id) as correlation_id,
    coalesce(periods.period, {{ accounting_period('transactions.transaction_date') }}) as period,
    totals.legal_entity,
    totals.currency,
    totals.debit_minor,
    totals.credit_minor,
    totals.line_count,
    transactions.transaction_date as entry_date,
    transactions.created_at as posted_at,
    transactions.modified_at,
    {{ fingerprint(['totals.debit_minor', 'totals.credit_minor', 'totals.line_count']) }} as fingerprint
from totals
inner join {{ ref('stg_netsuite__transactions') }} as transactions on totals.journal_id = transactions.transaction_id
left join {{ ref('payment__erp') }} as payments on totals.journal_id = payments.erp_internal_id
left join {{ ref('stg_netsuite__accounting_periods') }} as periods on transactions.period_id = periods.period_id
left join {{ source('identity', 'crosswalk') }} as crosswalk
    on crosswalk.system = 'netsuite' and transactions.customer_id = crosswalk.source_id
where transactions.is_posting
