-- A price book entry holds from its creation until it is taken out of use.
select
    entries.pricebook_entry_id as source_id,
    'salesforce' as source_system,
    products.product_code,
    entries.currency,
    case when tiered.pricebook_entry_id is not null then 'graduated' else 'per_unit' end as pricing_model,
    false as is_metered,
    cast(null as varchar) as meter_id,
    'month' as price_interval,
    cast(1 as bigint) as interval_count,
    case
        when tiered.pricebook_entry_id is null
            then cast(cast(entries.unit_price as decimal(20, 6)) * currencies.minor_per_unit as decimal(28, 12))
    end as unit_amount_minor,
    case
        when tiered.pricebook_entry_id is null
            then cast(cast(entries.unit_price as decimal(20, 6)) * currencies.minor_per_unit as decimal(38, 8))
    end as unit_month_minor,
    entries.is_active,
    entries.created_at as valid_from,
    case when not entries.is_active then entries.modified_at end as valid_to
from {{ ref('stg_salesforce__pricebook_entries') }} as entries
left join {{ ref('stg_salesforce__products') }} as products on entries.product_id = products.product_id
left join {{ ref('currencies') }} as currencies on entries.currency = currencies.currency
left join (
    select distinct pricebook_entry_id from {{ ref('stg_salesforce__pricebook_entry_tiers') }}
) as tiered on entries.pricebook_entry_id = tiered.pricebook_entry_id
