{{ config(alias='legal_entities', meta={'dagster': {'asset_key': ['canonical', 'legal_entities']}}) }}
-- Finance's own list rules (seed legal_entities); the ERP's subsidiaries stand beside it, those that it does not name too.
with subsidiaries as (
    select
        subsidiaries.subsidiary_id,
        subsidiaries.name,
        subsidiaries.country_code,
        subsidiaries.time_zone,
        currencies.currency,
        case
            when row_number() over (partition by subsidiaries.legal_entity order by subsidiaries.subsidiary_id) = 1
                then subsidiaries.legal_entity
        end as legal_entity
    from {{ ref('stg_netsuite__subsidiaries') }} as subsidiaries
    left join {{ ref('stg_netsuite__currencies') }} as currencies on subsidiaries.currency_id = currencies.currency_id
)

select
    coalesce(entities.legal_entity, subsidiaries.legal_entity, 'erp-' || subsidiaries.subsidiary_id) as legal_entity,
    coalesce(entities.name, subsidiaries.name) as name,
    coalesce(entities.country_code, subsidiaries.country_code) as country_code,
    coalesce(entities.time_zone, subsidiaries.time_zone) as time_zone,
    coalesce(entities.functional_currency, subsidiaries.currency) as functional_currency,
    entities.tax_code as default_tax_code,
    subsidiaries.subsidiary_id as erp_subsidiary_id,
    subsidiaries.name as erp_name,
    subsidiaries.time_zone as erp_time_zone,
    subsidiaries.currency as erp_currency,
    entities.legal_entity is not null as is_configured,
    subsidiaries.subsidiary_id is not null as is_in_erp
from {{ ref('legal_entities') }} as entities
full outer join subsidiaries on entities.legal_entity = subsidiaries.legal_entity
