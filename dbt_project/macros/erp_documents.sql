{# CTEs that say of an ERP document what only its lines and its set-up rows know: legal entity, currency and period.
   `document_facts` has one row per transaction of a type; amounts of the document are whole minor units by
   `minor_per_unit`. #}
{% macro erp_document_facts(transaction_type) -%}
document_subsidiary as (
    select
        transaction_id,
        min(subsidiary_id) as subsidiary_id
    from {{ ref('stg_netsuite__transaction_lines') }}
    group by transaction_id
),

document_facts as (
    select
        transactions.*,
        coalesce(periods.period, {{ accounting_period('transactions.transaction_date') }}) as period,
        subsidiaries.legal_entity,
        erp_currencies.currency,
        currencies.minor_per_unit,
        -- credits come with the sign of their effect on what the customer owes, or without: their amount has none.
        -- A deposit that takes out of the bank more than it puts in is negative
        {{ minor_units(
            'transactions.total' if transaction_type == 'deposit' else 'abs(transactions.total)', 'currencies.minor_per_unit'
        ) }} as total_minor
    from {{ ref('stg_netsuite__transactions') }} as transactions
    left join document_subsidiary on transactions.transaction_id = document_subsidiary.transaction_id
    left join {{ ref('stg_netsuite__subsidiaries') }} as subsidiaries
        on document_subsidiary.subsidiary_id = subsidiaries.subsidiary_id
    left join {{ ref('stg_netsuite__currencies') }} as erp_currencies
        on transactions.currency_id = erp_currencies.currency_id
    left join {{ ref('currencies') }} as currencies on erp_currencies.currency = currencies.currency
    left join {{ ref('stg_netsuite__accounting_periods') }} as periods on transactions.period_id = periods.period_id
    where transactions.transaction_type = '{{ transaction_type }}'
)
{%- endmacro %}

{# The vendor's id of the billing record that an ERP document mirrors: its own field, else the external id, which our
   posting service and most connectors key the copy by. #}
{% macro mirrored_id(column, external_id, prefix) -%}
coalesce({{ column }}, case when {{ external_id }} like '{{ prefix }}\_%' escape '\' then {{ external_id }} end)
{%- endmacro %}

{# What each ERP document of one kind is to billing, by the billing id `key` that it names: the oldest live one stands,
   a voided one records nothing. `made_by_hand` is the role of a document that names no billing record. #}
{% macro erp_copies(erp, billing, key, made_by_hand) -%}
with erp as (
    select
        erp.erp_internal_id,
        cast(erp.erp_internal_id as bigint) as erp_number,
        erp.{{ key }},
        billing.{{ key }} is not null as has_source,
        erp.is_voided
    from {{ erp }} as erp
    left join {{ billing }} as billing on erp.{{ key }} = billing.{{ key }}
),

ranked as (
    select
        erp_internal_id,
        row_number() over (partition by {{ key }} order by erp_number) as preference,
        first_value(erp_internal_id) over (partition by {{ key }} order by erp_number) as standing_id
    from erp
    where has_source and not is_voided
)

select
    erp.erp_internal_id,
    erp.{{ key }},
    case
        when erp.is_voided then 'voided'
        when ranked.preference = 1 then 'primary'
        when ranked.preference > 1 then 'duplicate'
        when erp.{{ key }} is null then '{{ made_by_hand }}'
        else 'unsourced'
    end as copy_role,
    case when ranked.preference > 1 then ranked.standing_id end as duplicate_of
from erp
left join ranked on erp.erp_internal_id = ranked.erp_internal_id
{%- endmacro %}
