{# The members of a list column of Stripe (JSON text of a bare array) as a list of JSON values; null when absent. #}
{% macro stripe_list(column) -%}
    cast(json({{ column }}) as json[])
{%- endmacro %}

{# Sum of one whole-number field over a list column of Stripe; 0 for an empty or missing list. #}
{% macro stripe_list_sum(column, field) -%}
    {{ sum_of(json_shaped(column, [{field: 'VARCHAR'}]), field) }}
{%- endmacro %}

{# The same over a list of structs. #}
{% macro sum_of(members, field) -%}
    coalesce(
        cast(list_sum(list_transform({{ members }}, lambda member: cast(member.{{ field }} as bigint))) as bigint), 0
    )
{%- endmacro %}

{# How much of a Stripe line's amount is tax: what of its taxes the price holds already (tax_behavior inclusive). #}
{% macro stripe_tax_inside(taxes) -%}
    {{ sum_of("list_filter(" ~ taxes ~ ", lambda member: member.tax_behavior = 'inclusive')", 'amount') }}
{%- endmacro %}

{# What is left of a price after all percentage discounts of a list of Stripe discounts (structs), as a factor: 0.75 after
   25 %. #}
{% macro stripe_discount_factor(discounts) -%}
    list_reduce(
        list_transform(
            coalesce({{ discounts }}, []),
            lambda discount: cast(
                (100 - coalesce(cast(discount.source.coupon.percent_off as decimal(9, 6)), 0)) * 0.01 as decimal(18, 12)
            )
        ),
        lambda total, factor: cast(total * factor as decimal(18, 12)),
        cast(1 as decimal(18, 12))
    )
{%- endmacro %}

{# When the first of a list of Stripe discounts (structs) ends (unix seconds); null where none does. #}
{% macro stripe_discount_end(discounts) -%}
    list_min(list_transform({{ discounts }}, lambda discount: cast(discount."end" as bigint)))
{%- endmacro %}
