-- One row per record that its source merged away, with the record that lives on after all merges.
select
    system,
    object,
    key as source_id,
    merged_into as surviving_id
from {{ source('control', 'merged') }}
