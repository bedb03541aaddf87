-- What is applied by billing's charges and by payments that only the ERP has is applied in the canonical table, per
-- application and currency.
{% set conformed %}
    select currency, applied_minor as amount
    from {{ ref('payment_application__billing') }}
    where payment_record_id is null
    union all
    select applications.currency, applications.applied_minor as amount
    from {{ ref('payment_application__erp') }} as applications
    inner join {{ ref('payments') }} as payments
        on applications.erp_internal_id = payments.erp_internal_id and payments.owner_role = 'erp'
{% endset %}
{% set canonical %}
    select currency, applied_minor as amount
    from {{ ref('payment_applications') }}
{% endset %}
{{ unequal_totals(conformed, canonical) }}
