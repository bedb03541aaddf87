{# What stood there before the first change of a group, and after the last one. `min_by` and `max_by` skip null, which is a
   value like any other here; texts of staging are never empty. #}
{% macro value_before(old_value, number) -%}
    nullif(min_by(coalesce({{ old_value }}, ''), {{ number }}), '')
{%- endmacro %}

{% macro value_after(new_value, number) -%}
    nullif(max_by(coalesce({{ new_value }}, ''), {{ number }}), '')
{%- endmacro %}

{# What changes of a document moved, never negative, of rows by attribute (`change_minor`, `line_minor`, `is_of_line`): all of it,
   `total_minor`, where the whole was moved otherwise than by an amount, or a line that nobody knows any more; else the change of
   the total or, where that is more, what lines gained or lost, or what stands on lines that were moved as a whole. #}
{% macro moved_minor(where, total_minor) -%}
    case
        when bool_or(change_minor is null and (not is_of_line or line_minor is null)) filter (where {{ where }})
            then abs(max({{ total_minor }}))
        else greatest(
            coalesce(max(abs(change_minor)) filter (where {{ where }} and not is_of_line), 0),
            coalesce(sum(change_minor) filter (where {{ where }} and is_of_line and change_minor > 0), 0),
            coalesce(-sum(change_minor) filter (where {{ where }} and is_of_line and change_minor < 0), 0),
            coalesce(sum(line_minor) filter (where {{ where }} and change_minor is null and line_minor > 0), 0),
            coalesce(-sum(line_minor) filter (where {{ where }} and change_minor is null and line_minor < 0), 0)
        )
    end
{%- endmacro %}
