-- Per customer and currency the bars lead from what the CRM shows to what billing sells, and on to what the ledger recognised.
with sides as (
    select 'billing' as reached, canonical_customer_id, currency, case step when 6 then -arr_minor else arr_minor end as arr_minor
    from {{ ref('rpt_arr_bridge') }} where step <= 6
    union all
    select
        'recognised', canonical_customer_id, currency,
        case step when 6 then 0 when 11 then -arr_minor else arr_minor end
    from {{ ref('rpt_arr_bridge') }}
)

select reached, canonical_customer_id, currency, sum(arr_minor) as arr_minor
from sides
group by reached, canonical_customer_id, currency
having sum(arr_minor) <> 0
