select
    transaction as transaction_id,
    transactionline as line_id,
    accountingbook as accounting_book,
    account as account_id,
    -- NetSuite fills debit or credit and leaves the other empty; amount is debit minus credit
    coalesce(cast(debit as decimal(28, 8)), case when credit is null and cast(amount as decimal(28, 8)) > 0 then cast(amount as decimal(28, 8)) end, 0) as debit,
    coalesce(cast(credit as decimal(28, 8)), case when debit is null and cast(amount as decimal(28, 8)) < 0 then -cast(amount as decimal(28, 8)) end, 0) as credit,
    coalesce(posting, 'F') = 'T' as is_posting
from {{ source('netsuite', 'transaction_accounting_line') }}
