-- What each customer owes us, by our company and currency: open invoices by how long they are overdue on the day that the
-- warehouse is built for, less what was credited or paid and is applied to nothing.
with build as (
    select max(snapshot_date) as as_of_date
    from {{ ref('stg_control__build') }}
),

owed as (
    select
        invoices.canonical_customer_id,
        invoices.legal_entity,
        invoices.currency,
        invoices.amount_due_minor,
        {{ days_between('coalesce(invoices.due_date, invoices.invoice_date)', 'build.as_of_date') }} as days_overdue,
        0 as credit_minor,
        0 as cash_minor
    from {{ ref('invoices') }} as invoices
    cross join build
    where invoices.status in ('open', 'partially_paid')
),

applied as (
    select payment_key, sum(applied_minor) as used_minor
    from {{ ref('payment_applications') }}
    group by payment_key
),

repaid as (
    select payment_key, sum(amount_minor) as repaid_minor
    from {{ ref('refunds') }}
    where is_settled and payment_key is not null
    group by payment_key
),

entries as (
    select * from owed
    union all
    select canonical_customer_id, legal_entity, currency, 0, null, unapplied_minor, 0
    from {{ ref('credit_notes') }}
    where status <> 'void' and unapplied_minor <> 0
    union all
    -- what was applied and then paid back stays applied
    select
        payments.canonical_customer_id,
        payments.legal_entity,
        payments.currency,
        0,
        null,
        0,
        greatest(
            payments.amount_minor - coalesce(applied.used_minor, 0) - coalesce(repaid.repaid_minor, 0), 0
        )
    from {{ ref('payments') }} as payments
    left join applied on payments.payment_key = applied.payment_key
    left join repaid on payments.payment_key = repaid.payment_key
    where payments.is_settled
),

summed as (
    select
        canonical_customer_id,
        legal_entity,
        currency,
        sum(amount_due_minor) as open_minor,
        sum(case when coalesce(days_overdue, 0) <= 0 then amount_due_minor else 0 end) as not_due_minor,
        sum(case when days_overdue between 1 and 30 then amount_due_minor else 0 end) as overdue_1_to_30_minor,
        sum(case when days_overdue between 31 and 60 then amount_due_minor else 0 end) as overdue_31_to_60_minor,
        sum(case when days_overdue between 61 and 90 then amount_due_minor else 0 end) as overdue_61_to_90_minor,
        sum(case when days_overdue > 90 then amount_due_minor else 0 end) as overdue_over_90_minor,
        sum(credit_minor) as unapplied_credit_minor,
        sum(cash_minor) as unapplied_cash_minor
    from entries
    group by canonical_customer_id, legal_entity, currency
)

select
    concat_ws('|', coalesce(summed.canonical_customer_id, ''), coalesce(summed.legal_entity, ''), summed.currency)
        as customer_balance_key,
    summed.canonical_customer_id,
    summed.legal_entity,
    summed.currency,
    build.as_of_date,
    {%- for column in [
        'open_minor', 'not_due_minor', 'overdue_1_to_30_minor', 'overdue_31_to_60_minor', 'overdue_61_to_90_minor',
        'overdue_over_90_minor', 'unapplied_credit_minor', 'unapplied_cash_minor',
    ] %}
    cast(summed.{{ column }} as bigint) as {{ column }},
    {%- endfor %}
    cast(summed.open_minor - summed.not_due_minor as bigint) as overdue_minor,
    cast(summed.open_minor - summed.unapplied_credit_minor - summed.unapplied_cash_minor as bigint) as balance_minor
from summed
cross join build
where summed.open_minor <> 0 or summed.unapplied_credit_minor <> 0 or summed.unapplied_cash_minor <> 0
