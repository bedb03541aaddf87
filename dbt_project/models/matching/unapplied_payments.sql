-- A table: few rows of many joins, which two comparisons would otherwise hold in memory beside their own.
{{ config(materialized='table') }}

-- A duplicate would pay an invoice that nobody paid: PAY-DUP-01 looks after it. What went back to the customer pays
-- nothing either.
with taken as (
    select
        erp_internal_id,
        applied_minor as taken_minor
    from {{ ref('payment_application__erp') }}
    union all
    select
        payments.erp_internal_id,
        {{ minor_units('abs(links.amount)', 'currencies.minor_per_unit') }}
    from {{ ref('stg_netsuite__transaction_links') }} as links
    inner join {{ ref('payment__erp') }} as payments on links.previous_transaction_id = payments.erp_internal_id
    inner join {{ ref('refund__erp') }} as refunds on links.next_transaction_id = refunds.erp_internal_id
    inner join {{ ref('currencies') }} as currencies on payments.currency = currencies.currency
    where links.link_type = 'payment' and refunds.is_settled
),

taken_in_sum as (
    select
        erp_internal_id,
        sum(taken_minor) as taken_minor
    from taken
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
    cast(payments.amount_minor - coalesce(taken_in_sum.taken_minor, 0) as bigint) as amount_minor,
    payments.payment_date as item_date,
    payments.canonical_customer_id as party,
    settled.invoice_ids as reference_keys,
    {{ words_of('upper(transactions.memo)') }} as document_numbers,
    {{ list_of(['payments.correlation_id']) }} as group_keys
from {{ ref('payment__erp') }} as payments
inner join {{ ref('payment_copies') }} as copies on payments.erp_internal_id = copies.erp_internal_id
left join {{ ref('stg_netsuite__transactions') }} as transactions on payments.erp_internal_id = transactions.transaction_id
left join taken_in_sum on payments.erp_internal_id = taken_in_sum.erp_internal_id
left join settled on payments.payment_id = settled.payment_id
where copies.copy_role not in ('duplicate', 'voided') and payments.amount_minor > coalesce(taken_in_sum.taken_minor, 0)
