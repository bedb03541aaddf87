{{ config(alias='tax_codes', meta={'dagster': {'asset_key': ['canonical', 'tax_codes']}}) }}
-- Finance's own list (seed tax_codes) beside the ERP's codes of the same name.
with erp_codes as (
    select
        *,
        case when row_number() over (partition by name order by tax_code_id) = 1 then name end as tax_code
    from {{ ref('stg_netsuite__tax_codes') }}
)

select
    coalesce(codes.tax_code, erp_codes.tax_code, 'erp-' || erp_codes.tax_code_id) as tax_code,
    codes.legal_entity,
    coalesce(codes.country_code, erp_codes.country_code) as country_code,
    coalesce(codes.rate_percent, erp_codes.rate_percent) as rate_percent,
    codes.description,
    erp_codes.tax_code_id as erp_tax_code_id,
    erp_codes.rate_percent as erp_rate_percent,
    codes.tax_code is not null as is_configured,
    erp_codes.tax_code_id is not null as is_in_erp
from {{ ref('tax_codes') }} as codes
full outer join erp_codes on codes.tax_code = erp_codes.tax_code
