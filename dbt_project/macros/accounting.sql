{# What kind of account a NetSuite account type is: asset, liability, equity, income, expense or statistical; null for a
   type that is not known. #}
{% macro account_class(account_type) -%}
    case
        when {{ account_type }} in (
            'Bank', 'AcctRec', 'OthCurrAsset', 'FixedAsset', 'OthAsset', 'DeferExpense', 'UnbilledRec'
        ) then 'asset'
        when {{ account_type }} in ('AcctPay', 'CredCard', 'OthCurrLiab', 'LongTermLiab', 'DeferRevenue') then 'liability'
        when {{ account_type }} = 'Equity' then 'equity'
        when {{ account_type }} in ('Income', 'OthIncome') then 'income'
        when {{ account_type }} in ('COGS', 'Expense', 'OthExpense') then 'expense'
        when {{ account_type }} in ('Stat', 'NonPosting') then 'statistical'
    end
{%- endmacro %}

{# A day so many days later; earlier when negative. #}
{% macro days_after(day, days) -%}
    {{ return(adapter.dispatch('days_after', 'tieout')(day, days)) }}
{%- endmacro %}

{% macro default__days_after(day, days) -%}
    cast({{ day }} + {{ days }} as date)
{%- endmacro %}

{% macro spark__days_after(day, days) -%}
    date_add({{ day }}, cast({{ days }} as integer))
{%- endmacro %}

{# Whole days from one day to a later one. #}
{% macro days_between(earlier, later) -%}
    date_diff('day', {{ earlier }}, {{ later }})
{%- endmacro %}

{# The first day of a day's month. #}
{% macro month_start(day) -%}
    cast(date_trunc('month', {{ day }}) as date)
{%- endmacro %}

{# The first day of a month so many months later. #}
{% macro months_after(first_of_month, months) -%}
    {{ return(adapter.dispatch('months_after', 'tieout')(first_of_month, months)) }}
{%- endmacro %}

{% macro default__months_after(first_of_month, months) -%}
    cast({{ first_of_month }} + to_months(cast({{ months }} as integer)) as date)
{%- endmacro %}

{% macro spark__months_after(first_of_month, months) -%}
    add_months({{ first_of_month }}, cast({{ months }} as integer))
{%- endmacro %}

{# A query of the whole numbers from 0 to 1199, the months of a century, in its column `number`. #}
{% macro whole_numbers() -%}
    select ones.n + 10 * tens.n + 100 * hundreds.n as number
    from (values (0), (1), (2), (3), (4), (5), (6), (7), (8), (9)) as ones (n)
    cross join (values (0), (1), (2), (3), (4), (5), (6), (7), (8), (9)) as tens (n)
    cross join (
        values (0), (1), (2), (3), (4), (5), (6), (7), (8), (9), (10), (11)
    ) as hundreds (n)
{%- endmacro %}

{# The day of the week from Monday (1) to Sunday (7). #}
{% macro weekday(day) -%}
    isodow({{ day }})
{%- endmacro %}

{# A day so many business days later, up to five; holidays count as business days. #}
{% macro business_days_after(day, days) -%}
    {{ days_after(
        day,
        days ~ ' + case when ' ~ weekday(day) ~ ' = 6 then 1 when ' ~ weekday(day) ~ ' between ' ~ (6 - days)
        ~ ' and 5 then 2 else 0 end'
    ) }}
{%- endmacro %}
