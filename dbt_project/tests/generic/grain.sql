{# The model has one row per value of its key, and the key is never null. Returns the keys that break this. #}
{% test grain(model, columns) %}
{{ config(tags=['grain']) }}
select {{ columns | join(', ') }}, count(*) as copies
from {{ model }}
group by {{ columns | join(', ') }}
having count(*) > 1 {%- for column in columns %} or {{ column }} is null {%- endfor %}
{% endtest %}
