-- The raw tables were loaded for the day that this build was asked for; without --vars nothing was asked.
select snapshot_date
from {{ ref('stg_control__build') }}
where snapshot_date <> {% if var('snapshot_date') %}date '{{ var('snapshot_date') }}'{% else %}snapshot_date{% endif %}
