select
    source_id || ':' || version_number as price_version_key,
    source_id as price_id,
    version_number,
    is_current,
    'crm' as role,
    product_code,
    currency,
    pricing_model,
    is_metered,
    meter_id,
    price_interval,
    interval_count,
    unit_amount_minor,
    unit_month_minor,
    is_active,
    valid_from,
    valid_to
from {{ ref('price_version__crm') }}
union all
select
    source_id || ':' || version_number as price_version_key,
    source_id as price_id,
    version_number,
    is_current,
    'billing' as role,
    product_code,
    currency,
    pricing_model,
    is_metered,
    meter_id,
    price_interval,
    interval_count,
    unit_amount_minor,
    unit_month_minor,
    is_active,
    valid_from,
    valid_to
from {{ ref('price_version__billing') }}
