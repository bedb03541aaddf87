-- The matrix as it is in force on the day that the warehouse is built for, one row per attribute. It is looked at before
-- a night is built, when stg_control__build is still that of the night before: so it asks the source.
{{ config(materialized='view', meta={'turns': true}) }}
with versions as (
    select
        matrix.*,
        build.snapshot_date,
        -- a later row replaces an earlier one of the same two holders, whichever of them owned it before
        row_number() over (
            partition by
                matrix.entity,
                matrix.attribute,
                least(matrix.owner, coalesce(matrix.replica, '')),
                greatest(matrix.owner, coalesce(matrix.replica, ''))
            order by matrix.valid_from desc, matrix.comparison
        ) as recency
    from {{ ref('system_of_record') }} as matrix
    cross join (select cast(snapshot_date as date) as snapshot_date from {{ source('control', 'build') }}) as build
    where matrix.valid_from <= build.snapshot_date
),

in_force as (
    select
        *,
        status in ('compared', 'golden_only') as is_chosen,
        -- of a union everybody's value is golden, whether or not anybody stands in
        case when conflict_rule = 'UNION' then 1 else fallback end as place
    from versions
    where recency = 1 and (valid_to is null or valid_to >= snapshot_date)
)

select
    entity,
    attribute,
    min(owner) as owner,
    min(conflict_rule) as conflict_rule,
    max(valid_from) as valid_from,
    bool_or(is_chosen) as is_chosen,
    bool_or(status = 'compared') as is_compared,
    max(approval) as approval,
    min(drift_code) as drift_code,
    min(comparator) as comparator,
    {%- for role in ['crm', 'billing', 'erp', 'canonical'] %}
    min(
        case when owner = '{{ role }}' then 0 when replica = '{{ role }}' and is_chosen then place end
    ) as {{ role }}_rank,
    {%- endfor %}
    trim(
        {%- for role in ['crm', 'billing', 'erp', 'canonical'] %}
        coalesce(max(case when is_chosen and '{{ role }}' in (owner, replica) then '{{ role }} ' end), '')
        {{- ' ||' if not loop.last }}
        {%- endfor %}
    ) as holders,
    max(missing) as missing,
    min(why) as why
from in_force
group by entity, attribute
