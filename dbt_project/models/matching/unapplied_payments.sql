-- A duplicate would pay an invoice that nobody paid: PAY-DUP-01 looks after it.
with applied as (
    select
        erp_internal_id,
        sum(applied_minor) as applied_minor
    from {{ ref('payment_application__erp') }}
    group by erp_internal_id
),

settled as (
    -- which invoices billing says that the charge paid
    select
        payment_id,
        {{ list_gathered('invoice_id') }} as invoice_ids
    from {{ ref('payment_application__billing') }}
    group by payment_id
)

select
    payments.erp_internal_id as item_id,
    payments.currency,
    cast(payments.amount_minor - coalesce(applied.applied_minor, 0) as bigint) as amount_minor,
    payments.payment_date as item_date,
    payments.canonical_customer_id as party,
    settled.invoice_ids as reference_keys,
    {{ words_of('upper(transactions.memo)') }} as document_numbers,
    {{ list_of(['payments.correlation_id']) }} as group_keys
from {{ ref('payment__erp') }} as payments
inner join {{ ref('payment_copies') }} as copies on payments.erp_internal_id = copies.erp_internal_id
left join {{ ref('stg_netsuite__transactions') }} as transactions on payments.erp_internal_id = transactions.transaction_id
left join applied on payments.erp_internal_id = applied.erp_internal_id
left join settled on payments.payment_id = settled.payment_id
where copies.copy_role not in ('duplicate', 'voided') and payments.amount_minor > coalesce(applied.applied_minor, 0)
