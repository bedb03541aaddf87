{# How golden values are chosen by the matrix. Everything that depends on the matrix is read from
   canonical.attribute_owners at run time; a macro only knows which holders and attributes there are. #}

{# Where a record stands among all candidates for one attribute of one thing: the lowest number is golden; null means
   that it never is. Signed paper comes first (PAPER), then the owner (rank 0) and those who stand in for it, and within
   one holder the newest write (LATEST) or else the preferred record. The numbers of one attribute are all different. #}
{% macro golden_preference(rule, rank, is_signed, record_rank, recency_rank) -%}
    case when {{ rule }} = 'PAPER' and not {{ is_signed }} then 1000000000000 else 0 end
    + {{ rank }} * 1000000000
    + case when {{ rule }} = 'LATEST' then {{ recency_rank }} else {{ record_rank }} end
{%- endmacro %}

{# The rank of a record's holder among those of the attribute; `prefix` names the columns of attribute_owners. #}
{% macro holder_rank(role, prefix) -%}
    case {{ role }}
        when 'crm' then {{ prefix }}crm_rank
        when 'billing' then {{ prefix }}billing_rank
        when 'erp' then {{ prefix }}erp_rank
        when 'canonical' then {{ prefix }}canonical_rank
    end
{%- endmacro %}

{# One row with what the matrix says on each attribute of an entity: <attribute>_conflict_rule and <attribute>_<role>_rank. #}
{% macro owners_in_one_row(entity, attributes) -%}
    select
        {%- for attribute in attributes %}
        {%- for column in ['conflict_rule', 'crm_rank', 'billing_rank', 'erp_rank', 'canonical_rank'] %}
        max(case when attribute = '{{ attribute }}' then {{ column }} end) as {{ attribute }}_{{ column }},
        {%- endfor %}
        {%- endfor %}
        count(*) as attribute_count
    from {{ ref('attribute_owners') }}
    where entity = '{{ entity }}'
{%- endmacro %}

{# The golden value of one attribute over all records of one thing, from what owners_in_one_row says. #}
{% macro golden(attribute, is_signed='true', record_rank='record_rank', recency_rank='recency_rank') -%}
    min_by(
        {{ attribute }},
        {{ golden_preference(
            attribute ~ '_conflict_rule', holder_rank('role', attribute ~ '_'), is_signed, record_rank, recency_rank
        ) }}
    ) filter (where {{ attribute }} is not null and {{ holder_rank('role', attribute ~ '_') }} is not null)
{%- endmacro %}

{# A text reduced to its letters and digits, lower case and of plain width: as the comparator `text` of the rules sees it. #}
{% macro folded(text) -%}
    regexp_replace(lower({{ plain_width(text) }}), '[^\p{L}\p{M}\p{N}]+', '', 'g')
{%- endmacro %}

{# The records of a document for `values_by_the_matrix`: what the payment provider issued, and the ERP's copies of it (voided
   ones are dead). The document has the id <entity>_id, its copies stand in <entity>_copies. #}
{% macro document_records(entity, attributes) -%}
    select
        'billing' as role,
        source_system as system,
        source_id,
        {{ entity }}_id as canonical_id,
        true as is_signed,
        true as is_preferred,
        true as is_active,
        modified_at,
        {{ attributes.values() | join(', ') }}
    from {{ ref(entity ~ '__billing') }}
    union all
    select
        'erp' as role,
        records.source_system as system,
        records.source_id,
        case
            when copies.copy_role in ('manual', 'unsourced') then 'erp-' || records.erp_internal_id
            else records.{{ entity }}_id
        end as canonical_id,
        true as is_signed,
        copies.copy_role <> 'duplicate' as is_preferred,
        not records.is_voided as is_active,
        records.modified_at,
        {% for column in attributes.values() %}records.{{ column }}{{ ', ' if not loop.last }}{% endfor %}
    from {{ ref(entity ~ '__erp') }} as records
    inner join {{ ref(entity ~ '_copies') }} as copies on records.erp_internal_id = copies.erp_internal_id
    where copies.copy_role not in ('voided', 'of_copy')
{%- endmacro %}

{# CTEs and the final select of a model <entity>_values: every value that any holder gives any attribute of a thing, which of
   them is golden, and why the others are not. `records` names a CTE of one row per record: canonical_id, role, system,
   source_id, is_signed, is_preferred, is_active, modified_at, currency, and the columns of `attributes` (attribute ->
   column). Records meet the matrix in one join, as data; no attribute is joined on its own. #}
{% macro values_by_the_matrix(entity, attributes, records='records') -%}
{%- set money = [] -%}
{%- for attribute, column in attributes.items() if column.endswith('_minor') or column.endswith('_amount') -%}
    {%- do money.append("'" ~ attribute ~ "'") -%}
{%- endfor -%}
candidates as (
    select
        owners.entity,
        records.canonical_id,
        owners.attribute,
        records.role,
        records.system,
        records.source_id,
        case owners.attribute
            {%- for attribute, column in attributes.items() %}
            when '{{ attribute }}' then cast(records.{{ column }} as varchar)
            {%- endfor %}
        end as value,
        case when owners.attribute in ({{ (money or ["''"]) | join(', ') }}) then records.currency end as currency,
        records.modified_at,
        owners.conflict_rule,
        owners.comparator,
        owners.valid_from,
        records.is_signed,
        records.is_preferred,
        records.is_active,
        {{ holder_rank('records.role', 'owners.') }} as holder_rank,
        -- what was issued without a value has none: a copy stands in only for a document that the owner does not have
        owners.conflict_rule = 'FROZEN' and min({{ holder_rank('records.role', 'owners.') }}) over (
            partition by records.canonical_id, owners.attribute
        ) = 0 as is_issued_by_owner
    from {{ records }} as records
    cross join {{ ref('attribute_owners') }} as owners
    where
        owners.entity = '{{ entity }}'
        and owners.holders like '%' || records.role || '%'
        and records.canonical_id is not null
),

ranked as (
    select
        *,
        row_number() over (
            partition by canonical_id, attribute, role order by is_preferred desc, is_active desc, source_id
        ) as record_rank,
        row_number() over (
            partition by canonical_id, attribute, role
            order by is_active desc, modified_at desc nulls last, is_preferred desc, source_id
        ) as recency_rank,
        case when comparator = 'text' then {{ folded('value') }} else value end as comparable
    from candidates
    where value is not null
),

preferred as (
    select
        *,
        case
            when is_issued_by_owner and holder_rank > 0 then null
            else {{ golden_preference('conflict_rule', 'holder_rank', 'is_signed', 'record_rank', 'recency_rank') }}
        end as preference
    from ranked
),

beside_the_first as (
    select
        *,
        min(preference) over (partition by canonical_id, attribute) as first_preference,
        first_value(comparable) over (
            partition by canonical_id, attribute order by preference nulls last
        ) as first_comparable,
        first_value(role) over (partition by canonical_id, attribute order by preference nulls last) as first_role
    from preferred
),

judged as (
    select
        *,
        preference is not null and (conflict_rule = 'UNION' or preference = first_preference) as is_golden
    from beside_the_first
)

select
    entity,
    canonical_id,
    attribute,
    role,
    system,
    source_id,
    value,
    currency,
    modified_at,
    is_golden,
    case
        when not is_golden then null
        when conflict_rule = 'UNION' then 'union'
        when conflict_rule = 'CALC' then 'calculated'
        when holder_rank > 0 then 'stand_in'
        when conflict_rule = 'FROZEN' then 'as_issued'
        when conflict_rule = 'LATEST' then 'latest_write'
        when conflict_rule = 'PAPER' then case when is_signed then 'signed' else 'unsigned' end
        else 'owner'
    end as golden_because,
    case
        when is_golden then null
        when first_preference is not null and comparable = first_comparable then 'same_value'
        when conflict_rule = 'CALC' then 'copy_of_calculated'
        when first_preference is null and not is_issued_by_owner then 'no_stand_in'
        when first_preference is not null and role = first_role then case when conflict_rule = 'LATEST' then 'older_write' else 'other_record' end
        when conflict_rule = 'FROZEN' then 'differs_from_issued'
        when conflict_rule = 'PAPER' then 'not_the_paper'
        else 'not_owner'
    end as lost_because,
    conflict_rule,
    valid_from as matrix_valid_from
from judged
{%- endmacro %}

{# The distinct values of a group in the order of their text, as one text. #}
{% macro joined_distinct(value, condition) -%}
    {{ return(adapter.dispatch('joined_distinct', 'tieout')(value, condition)) }}
{%- endmacro %}

{% macro default__joined_distinct(value, condition) -%}
    string_agg(distinct {{ value }}, ', ' order by {{ value }}) filter (where {{ condition }})
{%- endmacro %}

{# Spark 4.3 cannot plan several listagg(distinct) of one query. #}
{% macro spark__joined_distinct(value, condition) -%}
    nullif(array_join(sort_array(collect_set(case when {{ condition }} then {{ value }} end)), ', '), '')
{%- endmacro %}
