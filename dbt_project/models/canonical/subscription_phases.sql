-- Billing counts a schedule on from its first instant by the hours of UTC; where clocks were put forward or back in between, the
-- same hour falls on the day before or after in the calendar of the legal entity. So days are counted on from the first one.
with phases as (
    select
        *,
        min(starts_at) over (partition by subscription_schedule_id) as first_at
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
    {{ counted_date('phases.first_at', 'phases.starts_at', 'legal_entities.time_zone') }} as start_date,
    -- a phase ends when the next one begins: its last day is the one before
    {{ days_after(counted_date('phases.first_at', 'phases.ends_at', 'legal_entities.time_zone'), -1) }} as end_date,
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
