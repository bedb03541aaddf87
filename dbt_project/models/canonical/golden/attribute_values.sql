{{ config(materialized='view') }}
{% set entities = [
    'customer', 'product', 'price', 'contract', 'contract_line', 'subscription', 'invoice', 'payment',
    'credit_note', 'refund',
] %}
{%- for entity in entities %}
select * from {{ ref(entity ~ '_values') }}
{%- if not loop.last %}
union all
{%- endif %}
{%- endfor %}
