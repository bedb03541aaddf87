-- Everything that paid a Stripe invoice is a canonical application of a charge, or came beside Stripe: then the ERP's
-- payment stands for the money.
{% set staged %}
    select currency, amount_minor as amount
    from {{ ref('stg_stripe__invoice_payments') }}
    where status = 'paid'
{% endset %}
{% set accounted %}
    select currency, applied_minor as amount
    from {{ ref('payment_application__billing') }}
{% endset %}
{{ unequal_totals(staged, accounted) }}
