-- The later steps of ramps beside the phases that billing plans for them.
-- as_of_date is worked out when it is read: what holds it is made anew with each reading.
-- depends_on: {{ ref('stg_control__snapshots') }}
with steps as (
    select
        ramps.*,
        lines.as_of_date,
        -- the line itself: a step that lies ahead was signed long before it holds
        signed.effective_at as signed_at
    from {{ ref('contract_ramps') }} as ramps
    inner join {{ ref('contract_lines') }} as lines on ramps.contract_line_id = lines.contract_line_id
    inner join {{ ref('contract_line__crm') }} as signed on ramps.contract_line_id = signed.contract_line_id
    where ramps.ramp_step > 1
),

phases as (
    select
        subscription_id,
        contract_line_id,
        phase_number,
        min(start_date) as start_date,
        cast(sum(quantity) as bigint) as quantity,
        {{ whole_minor('sum(unit_mrr_minor * quantity)') }} as mrr_minor
    from {{ ref('subscription_phases') }}
    where schedule_status in ('active', 'not_started')
    group by subscription_id, contract_line_id, phase_number
),

planned as (
    -- what lasts through several phases begins with the first of them
    select
        subscription_id,
        contract_line_id,
        min(start_date) as start_date,
        min_by(quantity, phase_number) as quantity,
        min_by(mrr_minor, phase_number) as mrr_minor
    from phases
    group by subscription_id, contract_line_id
),

standing as (
    select
        subscription_id,
        product_code,
        cast(sum(quantity) as bigint) as quantity,
        {{ whole_minor('sum(unit_mrr_minor * quantity)') }} as mrr_minor
    from {{ ref('subscription_items') }}
    group by subscription_id, product_code
),

compared as (
    select
        steps.*,
        contracts.correlation_id,
        contracts.legal_entity,
        contracts.subscription_id,
        subscriptions.modified_at as billing_modified_at,
        planned.start_date as billing_start_date,
        coalesce(planned.quantity, standing.quantity) as billing_quantity,
        coalesce(planned.mrr_minor, standing.mrr_minor, 0) as billing_mrr_minor,
        coalesce(standing.mrr_minor, 0) as standing_mrr_minor,
        case
            when steps.end_date < steps.as_of_date then 'over'
            -- what it bills from then on is the line's, as cmp_contract_line__crm_vs_billing has it
            when
                steps.start_date <= steps.as_of_date
                and coalesce(planned.start_date <= steps.as_of_date, true) then 'begun'
        end as excluded_reason
    from steps
    inner join {{ ref('contracts') }} as contracts on steps.contract_id = contracts.contract_id
    inner join {{ ref('subscriptions') }} as subscriptions on contracts.subscription_id = subscriptions.subscription_id
    left join planned
        on
            contracts.subscription_id = planned.subscription_id
            and steps.contract_line_id = planned.contract_line_id
    left join standing
        on contracts.subscription_id = standing.subscription_id and steps.product_code = standing.product_code
    where contracts.is_won and contracts.status = 'activated' and subscriptions.status <> 'cancelled'
)

select
    'salesforce:' || contract_line_id as row_key,
    'contract_line' as entity,
    canonical_customer_id as canonical_id,
    correlation_id,
    contract_line_id as crm_id,
    subscription_id as billing_id,
    true as has_crm,
    true as has_billing,
    legal_entity,
    currency,
    cast(null as varchar) as period,
    mrr_minor as crm_amount_minor,
    billing_mrr_minor as billing_amount_minor,
    excluded_reason,
    {{ coverage('crm_coverage_seconds', 'billing_modified_at', 'salesforce', 'contract_line') }},
    {{ coverage('billing_coverage_seconds', 'signed_at', 'stripe', 'subscription_schedule') }},
    signed_at as event_at,
    contract_id,
    product_code,
    ramp_step,
    start_date as crm_start_date,
    billing_start_date,
    quantity as crm_quantity,
    billing_quantity,
    case
        when billing_start_date is null then 'missing'
        when billing_start_date <> start_date then 'other_start'
        when billing_quantity <> quantity then 'other_quantity'
        when abs(billing_mrr_minor - mrr_minor) > 1 then 'other_price'
    end as disagreement,
    {{ days_between('start_date', 'billing_start_date') }} as start_days,
    mrr_minor - standing_mrr_minor as step_minor,
    greatest(
        {{ full_months('greatest(start_date, as_of_date)', days_after('end_date', 1)) }}, 1
    ) as remaining_months,
    start_date <= as_of_date as has_begun
from compared
