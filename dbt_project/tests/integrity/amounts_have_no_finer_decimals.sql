-- No ERP amount is finer than its currency's minor unit, so that turning amounts into whole minor units loses nothing.
select transactions.transaction_id, transactions.total
from {{ ref('stg_netsuite__transactions') }} as transactions
inner join {{ ref('stg_netsuite__currencies') }} as erp_currencies on transactions.currency_id = erp_currencies.currency_id
inner join {{ ref('currencies') }} as currencies on erp_currencies.currency = currencies.currency
where transactions.total * currencies.minor_per_unit <> round(transactions.total * currencies.minor_per_unit, 0)
