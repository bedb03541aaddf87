-- A table: its JSON is read by several models. One row per item of a phase.
{{ config(materialized='table') }}

with phases as (
    select
        id as subscription_schedule_id,
        {{ stripe_list('phases') }} as phases,
        unnest(range(1, cast(coalesce(json_array_length(phases), 0) as bigint) + 1)) as phase_number
    from {{ source('stripe', 'subscription_schedule') }}
),

numbered as (
    select
        subscription_schedule_id,
        phase_number,
        phases[phase_number] as phase
    from phases
),

opened as (
    select
        subscription_schedule_id,
        phase_number,
        phase,
        {{ stripe_list("json_extract(phase, '$.items')") }} as items,
        unnest(
            range(1, cast(coalesce(json_array_length(json_extract(phase, '$.items')), 0) as bigint) + 1)
        ) as item_number
    from numbered
),

itemised as (
    select
        *,
        items[item_number] as item
    from opened
)

select
    subscription_schedule_id,
    cast(phase_number as bigint) as phase_number,
    cast(item_number as bigint) as item_number,
    {{ from_unix("json_extract_string(phase, '$.start_date')") }} as starts_at,
    {{ from_unix("json_extract_string(phase, '$.end_date')") }} as ends_at,
    {{ from_unix("json_extract_string(phase, '$.trial_end')") }} as trial_ends_at,
    json_extract_string(item, '$.price') as price_id,
    -- Stripe bills one unit where a phase says nothing
    coalesce(cast(json_extract_string(item, '$.quantity') as bigint), 1) as quantity,
    nullif(json_extract_string(item, '$.metadata.crm_contract_line_id'), '') as crm_contract_line_id,
    cast(json_extract(item, '$.discounts') as varchar) as discounts
from itemised
