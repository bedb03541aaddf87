-- A price book entry is edited in place, and Salesforce keeps no history of it: its versions are those that the nights read.
-- A price holds from the edit that made it (the first that is known: from the entry's creation) until the edit that changed it
-- or took it out of use.
with versions as (
    select
        versions.*,
        -- what was read before the field had a contract may be anything
        {{ json_array_size('versions.tiers_json') }} > 0 as is_tiered,
        lag(versions.pricebook_entry_id) over one_entry is null
        or versions.unit_price is distinct from lag(versions.unit_price) over one_entry
        or versions.tiers_json is distinct from lag(versions.tiers_json) over one_entry
        or versions.currency is distinct from lag(versions.currency) over one_entry
        or versions.product_id is distinct from lag(versions.product_id) over one_entry
        or versions.is_active is distinct from lag(versions.is_active) over one_entry as is_change
    from {{ ref('stg_salesforce__pricebook_entry_versions') }} as versions
    inner join {{ ref('stg_salesforce__pricebook_entries') }} as entries
        on versions.pricebook_entry_id = entries.pricebook_entry_id
    window one_entry as (partition by versions.pricebook_entry_id order by versions.modified_at)
),

changes as (
    select
        *,
        row_number() over one_entry as place,
        lead(modified_at) over one_entry as changed_at,
        lead(is_active) over one_entry is not null as is_past
    from versions
    where is_change
    window one_entry as (partition by pricebook_entry_id order by modified_at)
),

held as (
    -- what was out of use was no price, unless nothing else is known of the entry
    select
        *,
        row_number() over (partition by pricebook_entry_id order by modified_at) as version_number,
        lead(pricebook_entry_id) over (partition by pricebook_entry_id order by modified_at) is null as is_current
    from changes
    where is_active or place = 1
)

select
    held.pricebook_entry_id as source_id,
    'salesforce' as source_system,
    held.version_number,
    held.is_current,
    products.product_code,
    held.currency,
    case when held.is_tiered then 'graduated' else 'per_unit' end as pricing_model,
    false as is_metered,
    cast(null as varchar) as meter_id,
    'month' as price_interval,
    cast(1 as bigint) as interval_count,
    case
        when not coalesce(held.is_tiered, false)
            then cast(cast(held.unit_price as decimal(20, 6)) * currencies.minor_per_unit as decimal(28, 12))
    end as unit_amount_minor,
    case
        when not coalesce(held.is_tiered, false)
            then cast(cast(held.unit_price as decimal(20, 6)) * currencies.minor_per_unit as decimal(38, 8))
    end as unit_month_minor,
    held.is_active and not held.is_past as is_active,
    case when held.place = 1 then held.created_at else held.modified_at end as valid_from,
    case when held.is_active then held.changed_at else held.modified_at end as valid_to,
    held.modified_at
from held
left join {{ ref('stg_salesforce__products') }} as products on held.product_id = products.product_id
left join {{ ref('currencies') }} as currencies on held.currency = currencies.currency
