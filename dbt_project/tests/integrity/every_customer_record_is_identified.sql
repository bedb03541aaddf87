-- The crosswalk places exactly the customer records that identity was asked about, each once.
select
    records.system,
    records.source_id,
    crosswalk.system as crosswalk_system,
    crosswalk.source_id as crosswalk_source_id
from {{ ref('identity_records') }} as records
full outer join {{ source('identity', 'crosswalk') }} as crosswalk
    on records.system = crosswalk.system and records.source_id = crosswalk.source_id
where records.source_id is null or crosswalk.canonical_customer_id is null
