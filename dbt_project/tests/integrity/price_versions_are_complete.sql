-- Every price of Stripe and every entry of the price book is one canonical price, in its current version.
with sources as (
    select 'billing' as role, price_id from {{ ref('stg_stripe__prices') }}
    union all
    select 'crm' as role, pricebook_entry_id from {{ ref('stg_salesforce__pricebook_entries') }}
)

select
    coalesce(sources.role, versions.role) as role,
    coalesce(sources.price_id, versions.price_id) as price_id
from sources
full outer join (select * from {{ ref('price_versions') }} where is_current) as versions
    on sources.role = versions.role and sources.price_id = versions.price_id
where sources.price_id is null or versions.price_id is null
