{# CTEs that say what lessens the charges of an invoice, and the invoice itself: `lost` has what banks took back of a
   charge in disputes that were lost, `credited_before_payment` what was credited of an invoice while it was open. #}
{% macro lost_and_credited() -%}
lost as (
    select
        payment_id,
        sum(withdrawn_minor - reinstated_minor) as lost_minor
    from {{ ref('dispute__billing') }}
    where status = 'lost'
    group by payment_id
),

credited_before_payment as (
    select
        invoice_id,
        sum(applied_to_invoice_minor) as credited_minor
    from {{ ref('credit_note__billing') }}
    group by invoice_id
)
{%- endmacro %}
