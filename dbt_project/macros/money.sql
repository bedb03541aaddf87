{# Amounts of vendors that send decimals, as whole minor units. `minor_per_unit` comes from the seed `currencies`
   (1 for JPY, 100 for USD, 1000 for KWD). Half a minor unit is rounded away from zero. #}
{% macro minor_units(amount, minor_per_unit) -%}
    cast(round(cast({{ amount }} as decimal(28, 8)) * {{ minor_per_unit }}, 0) as bigint)
{%- endmacro %}

{# A decimal divided by a whole number, to eight places, half rounded away from zero. DuckDB's `/` makes a DOUBLE of two
   decimals, and a double is never money; so the quotient is taken in whole numbers of 1e-8. Null when the divisor is
   null or zero. #}
{% macro exact_ratio(dividend, divisor) -%}
    cast(
        (
            2 * cast(cast({{ dividend }} as decimal(38, 8)) * 100000000 as hugeint)
            + case when {{ dividend }} < 0 then -1 else 1 end * cast({{ divisor }} as hugeint)
        ) // nullif(2 * cast({{ divisor }} as hugeint), 0)
        as decimal(38, 0)
    ) * cast(0.00000001 as decimal(9, 8))
{%- endmacro %}

{# A text as a decimal, with or without commas between the thousands; null where it is no number. #}
{% macro decimal_of(text) -%}
    try_cast(
        case
            when {{ text }} like '%,%.%' or ({{ text }} like '%,___' and {{ text }} not like '%.%')
                then replace({{ text }}, ',', '')
            else {{ text }}
        end as decimal(28, 8)
    )
{%- endmacro %}

{# Minor units of one currency in those of the books, at the rate of the document. #}
{% macro in_books(amount_minor, minor_per_unit, rate, books_minor_per_unit) -%}
    {{ minor_units(
        'cast(' ~ exact_ratio(amount_minor, minor_per_unit) ~ ' as decimal(24, 4)) * cast(' ~ rate ~ ' as decimal(14, 8))',
        books_minor_per_unit
    ) }}
{%- endmacro %}

{# A decimal number of minor units as a whole one, half rounded away from zero. #}
{% macro whole_minor(amount) -%}
    cast(round(cast({{ amount }} as decimal(38, 8)), 0) as bigint)
{%- endmacro %}

{# The product of a column of factors (not above 1) within a group, exact to twelve decimals. #}
{% macro product_of(factor) -%}
    list_reduce(
        list(cast({{ factor }} as decimal(18, 12))),
        lambda total, next_factor: cast(total * next_factor as decimal(18, 12)),
        cast(1 as decimal(18, 12))
    )
{%- endmacro %}

{# What `quantity` units cost in one tier that begins above `lower_bound` units (minor units, not rounded). Graduated: the
   units that fall into the tier, at its price, and its flat amount once one does. Volume: all units, in the one tier that
   holds the last of them. #}
{% macro tier_amount(quantity, tiers_mode, lower_bound, up_to, unit_amount, flat_amount) -%}
    case
        when {{ quantity }} <= {{ lower_bound }} then 0
        when {{ tiers_mode }} = 'volume' and {{ quantity }} > {{ up_to }} then 0
        when {{ tiers_mode }} = 'volume' then {{ quantity }} * {{ unit_amount }} + {{ flat_amount }}
        else (least({{ quantity }}, coalesce({{ up_to }}, {{ quantity }})) - {{ lower_bound }}) * {{ unit_amount }} + {{ flat_amount }}
    end
{%- endmacro %}

{# What one minor unit of each currency is worth in minor units of the reporting currency, as rate / minor_per_unit, by the seed
   fx_rates: the latest first. Who appends a condition on fx_rates.valid_from has the latest of those. #}
{% macro rates_by_recency() -%}
select
        fx_rates.currency,
        fx_rates.reporting_currency,
        fx_rates.rate * into_currency.minor_per_unit as rate,
        from_currency.minor_per_unit,
        row_number() over (partition by fx_rates.currency order by fx_rates.valid_from desc) as recency
    from {{ ref('fx_rates') }} as fx_rates
    inner join {{ ref('currencies') }} as from_currency on fx_rates.currency = from_currency.currency
    inner join {{ ref('currencies') }} as into_currency on fx_rates.reporting_currency = into_currency.currency
{%- endmacro %}
