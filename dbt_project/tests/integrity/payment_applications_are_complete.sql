-- What is applied by billing's charges and by payments that only the ERP has is applied in the canonical table, per
-- payment and currency.
{% set conformed %}
    select currency, sum(applied_minor) as amount
    from {{ ref('payment_application__billing') }}
    where payment_record_id is null
    group by currency, payment_id
    union all
    select applications.currency, sum(applications.applied_minor) as amount
    from {{ ref('payment_application__erp') }} as applications
    inner join {{ ref('payments') }} as payments
        on applications.erp_internal_id = payments.erp_internal_id and payments.owner_role = 'erp'
    group by applications.currency, applications.erp_internal_id
{% endset %}
{% set canonical %}
    select currency, sum(applied_minor) as amount
    from {{ ref('payment_applications') }}
    group by currency, payment_key
{% endset %}
{{ unequal_totals(conformed, canonical) }}
