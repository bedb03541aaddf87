-- Billing counts a schedule on from its first instant by the hours of UTC; where clocks were put forward or back in between, the
-- same hour falls on the day before or after in the calendar of the legal entity. So the last day is counted on from the first;
-- a step in between begins on the day on which its first invoice is dated.
with phases as (
    select
        *,
        min(starts_at) over (partition by subscription_schedule_id) as first_at,
        max(ends_at) over (partition by subscription_schedule_id) as over_at
    from {{ ref('subscription_phase__billing') }}
)

select
    phases.source_id as subscription_phase_key,
    phases.subscription_schedule_id,
    phases.subscription_id,
    subscriptions.canonical_customer_id,
    coalesce(subscriptions.contract_id, phases.contract_id) as contract_id,
    phases.crm_contract_line_id as contract_line_id,
    phases.schedule_status,
    phases.phase_number,
    phases.item_number,
    phases.starts_at,
    phases.ends_at,
    {{ local_date('phases.starts_at', 'legal_entities.time_zone') }} as start_date,
    -- a phase ends when the next one begins: its last day is the one before
    case
        when phases.ends_at = phases.over_at
            then {{ days_after(counted_date('phases.first_at', 'phases.ends_at', 'legal_entities.time_zone'), -1) }}
        else {{ days_after(local_date('phases.ends_at', 'legal_entities.time_zone'), -1) }}
    end as end_date,
    phases.is_current,
    phases.product_code,
    phases.price_id,
    phases.quantity,
    phases.unit_mrr_minor,
    {{ whole_minor('phases.unit_mrr_minor * phases.quantity') }} as mrr_minor,
    phases.currency,
    phases.modified_at
from phases
left join {{ ref('subscriptions') }} as subscriptions on phases.subscription_id = subscriptions.subscription_id
left join {{ ref('legal_entities') }} as legal_entities
    on subscriptions.legal_entity = legal_entities.legal_entity
