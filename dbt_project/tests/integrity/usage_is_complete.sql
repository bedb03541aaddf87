-- All that was metered is canonical usage, to the last decimal, whether it is billed or not: per meter, each day once.
{% set published %}
    select meter_id as currency, max(quantity) as amount
    from {{ ref('usage__billing') }}
    group by meter_id, usage_id
{% endset %}
{{ unequal_totals("select meter_id as currency, quantity as amount from " ~ ref('stg_stripe__usages') ~ " where is_last_reading", published) }}
