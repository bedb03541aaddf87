-- Everything that the snapshot shows to have happened, whenever it was first seen.
{% set columns = [
    'event_type', 'system', 'object', 'source_id', 'occurrence', 'occurred_at', 'subject_kind', 'subject_id',
    'canonical_customer_id', 'correlation_id', 'legal_entity', 'currency', 'amount_minor', 'before_json', 'after_json',
] %}
{% for model in [
    'happenings__customer', 'happenings__contract', 'happenings__change', 'happenings__subscription',
    'happenings__invoice', 'happenings__payment', 'happenings__reversal', 'happenings__ledger',
] %}
{{ '' if loop.first else 'union all' }}
select {{ columns | join(', ') }} from {{ ref(model) }}
{%- endfor %}
