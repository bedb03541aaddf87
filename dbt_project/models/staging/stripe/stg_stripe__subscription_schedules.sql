select
    id as subscription_schedule_id,
    customer as customer_id,
    coalesce(subscription, released_subscription) as subscription_id,
    status,
    end_behavior,
    phases,
    cast(coalesce(json_array_length(phases), 0) as bigint) as phase_count,
    {{ from_unix('current_phase_start_date') }} as current_phase_start_at,
    {{ from_unix('current_phase_end_date') }} as current_phase_end_at,
    {{ from_unix('canceled_at') }} as canceled_at,
    {{ from_unix('completed_at') }} as completed_at,
    {{ from_unix('released_at') }} as released_at,
    nullif(metadata_crm_contract_id, '') as crm_contract_id,
    upper(metadata_legal_entity) as legal_entity,
    {{ from_unix('created') }} as created_at,
    coalesce({{ from_iso('_changed_at') }}, {{ from_unix('created') }}) as modified_at
from {{ source('stripe', 'subscription_schedule') }}
