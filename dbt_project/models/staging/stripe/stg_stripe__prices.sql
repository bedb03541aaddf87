select
    id as price_id,
    product as product_id,
    upper(currency) as currency,
    -- prices finer than one minor unit have no unit_amount, only its decimal form
    coalesce(cast(unit_amount_decimal as decimal(28, 12)), cast(unit_amount as decimal(28, 12))) as unit_amount_minor,
    recurring_interval as price_interval,
    coalesce(recurring_interval_count, 1) as interval_count,
    coalesce(billing_scheme, 'per_unit') as billing_scheme,
    tiers_mode,
    coalesce(recurring_usage_type, 'licensed') as usage_type,
    recurring_meter as meter_id,
    coalesce(active, false) as is_active,
    {{ from_unix('created') }} as created_at,
    coalesce({{ from_iso('_changed_at') }}, {{ from_unix('created') }}) as modified_at
from {{ source('stripe', 'price') }}
