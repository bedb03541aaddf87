select
    id as meter_id,
    display_name,
    event_name,
    status,
    default_aggregation_formula as aggregation,
    event_time_window,
    {{ from_unix('status_transitions_deactivated_at') }} as deactivated_at,
    {{ from_unix('created') }} as created_at,
    coalesce({{ from_iso('_changed_at') }}, {{ from_unix('updated') }}, {{ from_unix('created') }}) as modified_at
from {{ source('stripe', 'meter') }}
