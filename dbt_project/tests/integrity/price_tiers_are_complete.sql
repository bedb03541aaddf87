-- Every tier of every price is a canonical one, with its unit amount; those of the price book in units of the currency.
with billing as (
    {{ unequal_totals(
        "select prices.currency, tiers.unit_amount_minor as amount from " ~ ref('stg_stripe__price_tiers')
        ~ " as tiers left join " ~ ref('stg_stripe__prices') ~ " as prices on tiers.price_id = prices.price_id",
        "select currency, unit_amount_minor as amount from " ~ ref('price_tiers') ~ " where role = 'billing'"
    ) }}
),

crm as (
    select count(*) as tier_count from {{ ref('stg_salesforce__pricebook_entry_tiers') }}
),

kept as (
    select count(*) as tier_count from {{ ref('price_tiers') }} where role = 'crm' and is_current
)

select currency from billing
union all
select 'price book' as currency
from crm
cross join kept
where crm.tier_count <> kept.tier_count
