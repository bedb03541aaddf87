-- The steps of ramps, each beside the one before it.
-- as_of_date is worked out when it is read: what holds it is made anew with each reading.
-- depends_on: {{ ref('stg_control__snapshots') }}
with steps as (
    select
        contract_line_id,
        contract_id,
        canonical_customer_id,
        product_code,
        ramp_step,
        ramp_step_count,
        start_date,
        end_date,
        quantity,
        unit_mrr_minor,
        {{ whole_minor('unit_mrr_minor * quantity') }} as mrr_minor,
        currency,
        as_of_date
    from {{ ref('contract_lines') }}
    where ramp_step is not null
)

select
    steps.contract_line_id,
    steps.contract_id,
    steps.canonical_customer_id,
    steps.product_code,
    steps.ramp_step,
    steps.ramp_step_count,
    steps.start_date,
    steps.end_date,
    steps.quantity,
    steps.quantity - earlier.quantity as quantity_change,
    steps.unit_mrr_minor,
    steps.mrr_minor,
    steps.mrr_minor - earlier.mrr_minor as mrr_change_minor,
    steps.currency,
    coalesce(steps.as_of_date between steps.start_date and steps.end_date, false) as is_in_force
from steps
left join steps as earlier
    on
        steps.contract_id = earlier.contract_id
        and steps.product_code is not distinct from earlier.product_code
        and steps.ramp_step = earlier.ramp_step + 1
        and {{ days_between('earlier.end_date', 'steps.start_date') }} = 1
