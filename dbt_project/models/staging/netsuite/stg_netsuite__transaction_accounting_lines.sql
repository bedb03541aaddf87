-- NetSuite fills debit or credit and leaves the other empty; where it fills neither, amount (debit minus credit) tells.
with lines as (
    select
        transaction as transaction_id,
        transactionline as line_id,
        accountingbook as accounting_book,
        account as account_id,
        cast(amount as decimal(28, 8)) as amount,
        cast(debit as decimal(28, 8)) as debit,
        cast(credit as decimal(28, 8)) as credit,
        coalesce(posting, 'F') = 'T' as is_posting
    from {{ source('netsuite', 'transaction_accounting_line') }}
)

select
    transaction_id,
    line_id,
    accounting_book,
    account_id,
    coalesce(debit, case when credit is null and amount > 0 then amount end, 0) as debit,
    coalesce(credit, case when debit is null and amount < 0 then -amount end, 0) as credit,
    is_posting
from lines
