-- Every ERP payment in another currency than that of the books: the exchange difference that the stored rates of payment and
-- invoices give, beside the one that was posted. All in the currency of the books.
with settled as (
    select
        links.next_transaction_id as payment_id,
        links.previous_transaction_id as invoice_id,
        links.amount,
        cast(links.amount as decimal(24, 4)) * cast(invoices.exchange_rate as decimal(14, 8)) as base_amount,
        payments.payment_id is null or told.payment_id is not null as is_as_billed
    from {{ ref('stg_netsuite__transaction_links') }} as links
    inner join {{ ref('payment__erp') }} as payments on links.next_transaction_id = payments.erp_internal_id
    inner join {{ ref('stg_netsuite__transactions') }} as invoices
        on links.previous_transaction_id = invoices.transaction_id
    left join (
        select distinct payment_id, invoice_id from {{ ref('payment_application__billing') }}
    ) as told on payments.payment_id = told.payment_id and invoices.stripe_invoice_id = told.invoice_id
    where links.link_type = 'payment'
),

applied as (
    select
        settled.payment_id,
        sum(settled.amount) as amount,
        count(*) as application_count,
        bool_and(settled.is_as_billed) as is_as_billed,
        bool_or(coalesce(claims.currency <> entries.currency, false)) as is_of_other_books,
        sum({{ minor_units('settled.base_amount', 'units.minor_per_unit') }}) as base_minor
    from settled
    inner join {{ ref('journal_entries') }} as entries on settled.payment_id = entries.journal_id
    left join {{ ref('journal_entries') }} as claims on settled.invoice_id = claims.journal_id
    left join {{ ref('currencies') }} as units on entries.currency = units.currency
    group by settled.payment_id
),

posted as (
    select
        lines.journal_id,
        cast(sum(lines.credit_minor - lines.debit_minor) as bigint) as gain_minor
    from {{ ref('journal_entry_lines') }} as lines
    inner join (
        select distinct legal_entity, account_number from {{ ref('ledger_accounts') }}
        where event_type = 'exchange_difference'
    ) as accounts on lines.legal_entity = accounts.legal_entity and lines.account_number = accounts.account_number
    group by lines.journal_id
),

payments as (
    select
        payments.*,
        entries.currency as book_currency,
        entries.period as book_period,
        entries.posted_at,
        transactions.total,
        applied.amount as applied_amount,
        coalesce(applied.application_count, 0) as application_count,
        applied.is_as_billed,
        coalesce(applied.is_of_other_books, false) as is_of_other_books,
        {{ minor_units(
            'cast(transactions.total as decimal(24, 4)) * cast(transactions.exchange_rate as decimal(14, 8))',
            'units.minor_per_unit'
        ) }} - applied.base_minor as due_minor,
        coalesce(posted.gain_minor, 0) as gain_minor
    from {{ ref('payment__erp') }} as payments
    inner join {{ ref('journal_entries') }} as entries on payments.erp_internal_id = entries.journal_id
    inner join {{ ref('stg_netsuite__transactions') }} as transactions
        on payments.erp_internal_id = transactions.transaction_id
    left join applied on payments.erp_internal_id = applied.payment_id
    left join posted on payments.erp_internal_id = posted.journal_id
    left join {{ ref('currencies') }} as units on entries.currency = units.currency
    where payments.currency <> entries.currency
)

select
    'netsuite:' || erp_internal_id as row_key,
    'journal_entry' as entity,
    canonical_customer_id as canonical_id,
    correlation_id,
    erp_internal_id as erp_id,
    erp_internal_id as rates_id,
    erp_internal_id as ledger_id,
    true as has_rates,
    true as has_ledger,
    legal_entity,
    book_currency as currency,
    book_period as period,
    cast(due_minor as bigint) as rates_amount_minor,
    gain_minor as ledger_amount_minor,
    case
        when is_voided then 'erp_voided'
        -- the rate of the invoice is one into the currency of those
        when is_of_other_books then 'of_other_books'
        when coalesce(applied_amount, 0) <> total then 'not_applied_whole'
        when not is_as_billed then 'applied_otherwise'
    end as excluded_reason,
    cast(null as bigint) as rates_coverage_seconds,
    cast(null as bigint) as ledger_coverage_seconds,
    posted_at as event_at,
    number as erp_number,
    currency as payment_currency,
    cast(application_count as bigint) as application_count
from payments
