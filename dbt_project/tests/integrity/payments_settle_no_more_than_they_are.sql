-- What a payment settles of invoices is not more than the payment.
select
    payments.payment_key,
    payments.amount_minor,
    sum(applications.applied_minor) as applied_minor
from {{ ref('payments') }} as payments
inner join {{ ref('payment_applications') }} as applications on payments.payment_key = applications.payment_key
group by payments.payment_key, payments.amount_minor
having sum(applications.applied_minor) > payments.amount_minor
