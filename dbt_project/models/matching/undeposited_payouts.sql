select paid.*
from {{ ref('paid_payouts') }} as paid
inner join {{ ref('payouts') }} as payouts on paid.item_id = payouts.payout_id
where payouts.erp_internal_id is null
