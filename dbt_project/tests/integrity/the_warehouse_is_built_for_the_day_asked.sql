-- The raw tables were loaded for the day that this build was asked for. The variable TIEOUT_SNAPSHOT_DATE of the environment
-- does as well as --vars, and unlike these a new value of it does not make dbt parse the whole project again.
{% set asked = var('snapshot_date') or env_var('TIEOUT_SNAPSHOT_DATE', '') %}
select snapshot_date
from {{ ref('stg_control__build') }}
where snapshot_date <> {% if asked %}cast('{{ asked }}' as date){% else %}snapshot_date{% endif %}
