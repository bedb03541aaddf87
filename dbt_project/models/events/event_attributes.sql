{{ config(materialized='view') }}

-- What is watched from one snapshot to the next, one row per attribute: where a source keeps no history of a change, the
-- difference between two nights is its only witness. `subject_id` is the commercial object that a part belongs to.
{% set watched = [
    ('salesforce', 'contract', 'contracts', 'contract_id', 'contract_id',
        ['status', 'start_date', 'end_date', 'billing_frequency']),
    ('salesforce', 'contract_line', 'contract_line__crm', 'contract_line_id', 'contract_id',
        ['product_code', 'quantity', 'unit_price', 'discount_percent', 'start_date', 'end_date']),
    ('salesforce', 'opportunity', 'event_renewals', 'opportunity_id', 'opportunity_id',
        ['stage', 'amount_minor', 'close_date']),
    ('stripe', 'subscription', 'subscriptions', 'subscription_id', 'subscription_id',
        ['status', 'is_cancelled_at_period_end', 'mrr_minor']),
    ('stripe', 'subscription_item', 'subscription_item__billing', 'item_id', 'subscription_id',
        ['product_code', 'quantity', 'unit_mrr_minor']),
] %}
{% for system, object, model, source_id, subject_id, attributes in watched %}
{%- set first_object = loop.first %}
{%- for attribute in attributes %}
{{ '' if first_object and loop.first else 'union all' }}
select
    '{{ system }}' as system, '{{ object }}' as object, {{ source_id }} as source_id, {{ subject_id }} as subject_id,
    '{{ attribute }}' as attribute, cast({{ attribute }} as varchar) as value, modified_at
from {{ ref(model) }}
{%- endfor %}
{%- endfor %}
