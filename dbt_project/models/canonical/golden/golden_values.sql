{{ config(materialized='view') }}
-- Of a union all golden values are shown as one text; of anything else one value is golden, and its source is named.
select
    entity,
    canonical_id,
    attribute,
    {{ joined_distinct('value', 'is_golden') }} as golden_value,
    max(currency) as currency,
    case when max(conflict_rule) = 'UNION' then null else max(case when is_golden then role end) end as owner_role,
    case when max(conflict_rule) = 'UNION' then null else max(case when is_golden then system end) end as owner_system,
    case when max(conflict_rule) = 'UNION' then null else max(case when is_golden then source_id end) end as source_id,
    max(conflict_rule) as conflict_rule,
    coalesce(max(golden_because), 'none') as golden_because,
    max(matrix_valid_from) as matrix_valid_from,
    count(*) as candidate_count,
    coalesce(bool_or(lost_because <> 'same_value'), false) as is_contested
from {{ ref('attribute_values') }}
group by entity, canonical_id, attribute
