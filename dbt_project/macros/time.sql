{# Stripe's unix seconds as a UTC instant. #}
{% macro from_unix(seconds) -%}
    make_timestamp(cast({{ seconds }} as bigint) * 1000000)
{%- endmacro %}

{# A text with an offset (Salesforce: 2026-01-31T10:00:00.000+0000; extraction: ...Z) as a UTC instant. #}
{% macro from_iso(text) -%}
    {{ return(adapter.dispatch('from_iso', 'tieout')(text)) }}
{%- endmacro %}

{% macro default__from_iso(text) -%}
    (cast({{ text }} as timestamp with time zone) at time zone 'UTC')
{%- endmacro %}

{% macro spark__from_iso(text) -%}
    cast(cast({{ text }} as timestamp with time zone) as timestamp)
{%- endmacro %}

{# The calendar day of a UTC instant in a named time zone (UTC when the name is null). #}
{% macro local_date(instant, time_zone) -%}
    {{ return(adapter.dispatch('local_date', 'tieout')(instant, time_zone)) }}
{%- endmacro %}

{% macro default__local_date(instant, time_zone) -%}
    cast((({{ instant }}) at time zone 'UTC') at time zone coalesce({{ time_zone }}, 'UTC') as date)
{%- endmacro %}

{% macro spark__local_date(instant, time_zone) -%}
    cast(convert_timezone('UTC', coalesce({{ time_zone }}, 'UTC'), {{ instant }}) as date)
{%- endmacro %}

{# The day of a later instant in the calendar of the first one: both at the same hour of UTC are whole days apart, whatever the
   clocks of the time zone did in between. #}
{% macro counted_date(first, instant, time_zone) -%}
    case
        when cast({{ first }} as time) = cast({{ instant }} as time)
            then {{ days_after(
                local_date(first, time_zone),
                'cast(' ~ days_between('cast(' ~ first ~ ' as date)', 'cast(' ~ instant ~ ' as date)') ~ ' as integer)'
            ) }}
        else {{ local_date(instant, time_zone) }}
    end
{%- endmacro %}

{# The UTC instant at which a calendar day starts in a named time zone (UTC when the name is null). #}
{% macro local_midnight(day, time_zone) -%}
    {{ return(adapter.dispatch('local_midnight', 'tieout')(day, time_zone)) }}
{%- endmacro %}

{% macro default__local_midnight(day, time_zone) -%}
    ((cast({{ day }} as timestamp) at time zone coalesce({{ time_zone }}, 'UTC')) at time zone 'UTC')
{%- endmacro %}

{% macro spark__local_midnight(day, time_zone) -%}
    convert_timezone(coalesce({{ time_zone }}, 'UTC'), 'UTC', cast({{ day }} as timestamp))
{%- endmacro %}

{% macro accounting_period(day) -%}
    strftime({{ day }}, '%Y-%m')
{%- endmacro %}

{% macro seconds_between(earlier, later) -%}
    date_diff('second', {{ earlier }}, {{ later }})
{%- endmacro %}

{# Up to when the current reading of one object covers its source (UTC); null when the object was never read. #}
{% macro watermark(system, object) -%}
    (
        select max(watermark_at)
        from {{ ref('stg_control__snapshots') }}
        where system = '{{ system }}' and object = '{{ object }}'
    )
{%- endmacro %}

{# For how many seconds a system could have known of something, as a column of that name: from an instant to the watermark of the
   object in which it would stand; of several objects the one counts that was read less far. Every reading makes it longer,
   of records that nobody touched too. So the table holds it up to 1970, and the view over it adds the time from there to the
   watermark (materializations.sql). Who compiles a model sees the whole, and so do unit tests, and Spark, which makes all anew. #}
{% macro coverage(name, since, system, object) -%}
    {%- set until = watermarks(system, object, *varargs) -%}
    {%- if is_held() -%}
        {{ seconds_between(since, epoch()) }} as {{ name }} /* until {{ ([name, system, object] + varargs | list) | join(' ') }} */
    {%- else -%}
        {{ seconds_between(since, until) }} as {{ name }}
    {%- endif -%}
{%- endmacro %}

{# Any other column of a table that the hour of the reading changes: the view works it out. `expression` names {facts} of the row,
   given by keyword, which is what the table holds, and watermarks by {system object}. #}
{% macro when_read(name, expression) -%}
    {%- set shown = namespace(text=expression) -%}
    {%- for system, object in modules.re.findall('\\{(\\w+) (\\w+)\\}', expression) | unique -%}
        {%- set shown.text = shown.text.replace('{' ~ system ~ ' ' ~ object ~ '}', watermark(system, object)) -%}
    {%- endfor -%}
    {%- for fact, value in kwargs.items() -%}
        {%- set by = "struct_extract(" ~ name ~ ", '" ~ fact ~ "')" if is_held() else '(' ~ value ~ ')' -%}
        {%- set shown.text = shown.text.replace('{' ~ fact ~ '}', by) -%}
    {%- endfor -%}
    {%- if is_held() -%}
        struct_pack({% for fact, value in kwargs.items() %}{{ fact }} := {{ value }}{{ ', ' if not loop.last }}{% endfor %}) as {{ name }} /* shown {{ name }}: {{ shown.text }} */
    {%- else -%}
        {{ shown.text }} as {{ name }}
    {%- endif -%}
{%- endmacro %}

{# Whether a table is made of which a view will show the rest. #}
{% macro is_held() -%}
    {{ return(target.type == 'duckdb' and model.resource_type == 'model' and flags.WHICH in ('build', 'run')) }}
{%- endmacro %}

{% macro epoch() -%}
    timestamp '1970-01-01'
{%- endmacro %}

{# Up to when all of these objects were read, each named by two words. #}
{% macro watermarks(system, object) -%}
    {%- if varargs -%}
        least({{ watermark(system, object) }}, {{ watermarks(*varargs) }})
    {%- else -%}
        {{ watermark(system, object) }}
    {%- endif -%}
{%- endmacro %}

{# Whole months from one day to a later one. #}
{% macro full_months(earlier, later) -%}
    cast(
        12 * (year({{ later }}) - year({{ earlier }})) + month({{ later }}) - month({{ earlier }})
        - case when day({{ later }}) < day({{ earlier }}) then 1 else 0 end
        as bigint
    )
{%- endmacro %}
