{# Which slip of basis two prices of one unit are apart by, as the first over the second; null where it is none of them, or
   where they are equal. A ratio is no money: within a thousandth, as a double. `quantity` may be null. #}
{% macro named_ratio(price, other, quantity) -%}
    case
        {% for name, ratio in [
            ('times_12', '12'), ('over_12', '1 / 12'), ('times_3', '3'), ('over_3', '1 / 3'), ('times_100', '100'),
            ('over_100', '1 / 100'), ('times_24', '24'), ('over_24', '1 / 24'), ('times_36', '36'), ('over_36', '1 / 36'),
            ('times_days', '365 / 12'), ('over_days', '12 / 365'),
            ('times_quantity', quantity), ('over_quantity', '1 / nullif(' ~ quantity ~ ', 0)')
        ] -%}
        when
            abs(cast({{ price }} as double) - cast({{ other }} as double) * {{ ratio }})
            <= 0.001 * abs(cast({{ other }} as double) * {{ ratio }})
            {% if 'quantity' in name %}and {{ quantity }} > 1 {% endif %}then '{{ name }}'
        {% endfor %}
    end
{%- endmacro %}

{# A decimal as text, without the noughts at its end. #}
{% macro plain_number(number) -%}
    rtrim(rtrim(cast(cast({{ number }} as decimal(38, 8)) as varchar), '0'), '.')
{%- endmacro %}
