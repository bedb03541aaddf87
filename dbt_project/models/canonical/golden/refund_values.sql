{% set attributes = {
    'status': 'status',
    'refund_date': 'refund_date',
    'legal_entity': 'legal_entity',
    'currency': 'currency',
    'amount': 'amount_minor',
} %}
{{ config(materialized='view', meta={'entity': 'refund', 'attributes': attributes}) }}

with records as (
    {{ document_records('refund', attributes) }}
),

{{ values_by_the_matrix('refund', attributes) }}
