-- What a deposit puts into the bank: a line per payment, refund or dispute that it takes out of clearing, and the fees
-- that were kept back, which stand on expense accounts.
with primary_postings as (
    -- an account without further books does not name its only one
    select postings.*
    from {{ ref('stg_netsuite__transaction_accounting_lines') }} as postings
    inner join (
        select coalesce(min(accounting_book_id), '1') as accounting_book
        from {{ ref('stg_netsuite__accounting_books') }}
        where is_primary
    ) as primary_book on postings.accounting_book = primary_book.accounting_book
),

lines as (
    select
        lines.transaction_id,
        lines.line_id,
        lines.stripe_balance_transaction_id,
        lines.amount,
        transactions.currency_id,
        accounts.account_number,
        accounts.account_type
    from {{ ref('stg_netsuite__transaction_lines') }} as lines
    inner join {{ ref('stg_netsuite__transactions') }} as transactions
        on lines.transaction_id = transactions.transaction_id and transactions.transaction_type = 'deposit'
    left join primary_postings as postings
        on lines.transaction_id = postings.transaction_id and lines.line_id = postings.line_id
    left join {{ ref('stg_netsuite__accounts') }} as accounts on postings.account_id = accounts.account_id
    where not lines.is_main_line
),

members as (
    -- the payment or refund whose money the line takes up
    select
        next_transaction_id as transaction_id,
        next_line_id as line_id,
        min(previous_transaction_id) as member_internal_id
    from {{ ref('stg_netsuite__transaction_links') }}
    group by next_transaction_id, next_line_id
)

select
    lines.transaction_id || '-' || lines.line_id as source_id,
    'netsuite' as source_system,
    lines.transaction_id as erp_internal_id,
    lines.line_id,
    lines.stripe_balance_transaction_id as balance_transaction_id,
    members.member_internal_id,
    coalesce(lines.account_type in ('Expense', 'OthExpense', 'COGS'), false) as is_fee,
    lines.account_number,
    erp_currencies.currency,
    -- a deposit's lines stand on the other side of the bank's: what goes in is negative there
    {{ minor_units('-lines.amount', 'currencies.minor_per_unit') }} as gross_minor
from lines
left join members on lines.transaction_id = members.transaction_id and lines.line_id = members.line_id
left join {{ ref('stg_netsuite__currencies') }} as erp_currencies on lines.currency_id = erp_currencies.currency_id
left join {{ ref('currencies') }} as currencies on erp_currencies.currency = currencies.currency
