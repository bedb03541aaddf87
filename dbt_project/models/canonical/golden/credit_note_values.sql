{% set attributes = {
    'number': 'number',
    'status': 'status',
    'credit_date': 'credit_date',
    'legal_entity': 'legal_entity',
    'currency': 'currency',
    'subtotal': 'subtotal_minor',
    'tax': 'tax_minor',
    'total': 'total_minor',
} %}
{{ config(materialized='view', meta={'entity': 'credit_note', 'attributes': attributes}) }}

with records as (
    {{ document_records('credit_note', attributes) }}
),

{{ values_by_the_matrix('credit_note', attributes) }}
