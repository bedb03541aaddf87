-- Customer balances hold all that is open on issued invoices, once, and revenue balances all that the ledger posted to income and
-- deferred revenue: per currency.
with sides as (
    select 'open' as what, currency, amount_due_minor as amount_minor
    from {{ ref('invoices') }} where status in ('open', 'partially_paid')
    union all
    select 'open', currency, -open_minor from {{ ref('customer_balances') }}
    union all
    select 'posted', currency, credit_minor - debit_minor
    from {{ ref('journal_entry_lines') }} where account_type in ('Income', 'DeferRevenue')
    union all
    select 'posted', currency, -recognized_minor - deferred_movement_minor from {{ ref('revenue_balances') }}
)

select what, currency, sum(amount_minor) as amount_minor
from sides
group by what, currency
having sum(amount_minor) <> 0
