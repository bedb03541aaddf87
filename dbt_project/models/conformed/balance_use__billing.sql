-- What invoices took from customers' balances, and by which credit it stood there: of the credits of a balance the oldest is
-- used first. Of the balance's movements we read what credit notes put there and what each invoice found and left; what an
-- invoice found beyond that came from elsewhere (an adjustment, money paid ahead), and is no note's.
with invoices as (
    select
        *,
        ending_balance_minor - starting_balance_minor as used_minor
    from {{ ref('stg_stripe__invoices') }}
    where finalized_at is not null and (starting_balance_minor <> 0 or ending_balance_minor <> 0)
),

movements as (
    select
        customer_id,
        currency,
        issued_at as moved_at,
        balance_minor as amount_minor
    from {{ ref('credit_note__billing') }}
    where balance_minor > 0
    union all
    -- a void invoice gave back what it took
    select
        customer_id,
        currency,
        voided_at as moved_at,
        used_minor as amount_minor
    from invoices
    where stripe_status = 'void' and voided_at is not null
),

timeline as (
    select
        customer_id,
        currency,
        moved_at,
        0 as is_invoice,
        cast(null as varchar) as invoice_id,
        amount_minor,
        cast(null as bigint) as found_minor,
        cast(null as bigint) as left_minor
    from movements
    union all
    select customer_id, currency, finalized_at, 1, invoice_id, 0, -starting_balance_minor, -ending_balance_minor
    from invoices
),

summed as (
    select
        *,
        sum(amount_minor) over (
            partition by customer_id, currency order by moved_at, is_invoice, found_minor desc, invoice_id
            rows between unbounded preceding and current row
        ) as known_minor
    from timeline
),

adjusted as (
    -- what the balance gained (or lost) beside the known movements since the invoice before
    select
        *,
        lag(moved_at) over one_balance as before_at,
        found_minor - coalesce(lag(left_minor) over one_balance, 0)
        - (known_minor - coalesce(lag(known_minor) over one_balance, 0)) as other_minor
    from summed
    where is_invoice = 1
    window one_balance as (partition by customer_id, currency order by moved_at, found_minor desc, invoice_id)
),

credits as (
    select
        customer_id,
        currency,
        issued_at as credited_at,
        2 as place,
        credit_note_id,
        credit_note_id as record_id,
        balance_minor as amount_minor
    from {{ ref('credit_note__billing') }}
    where balance_minor > 0
    union all
    -- when it came is not known: it counts from the invoice before, so that no note pays for what it may not have paid
    select customer_id, currency, coalesce(before_at, timestamp '1970-01-01 00:00:00'), 1, null, invoice_id, other_minor
    from adjusted
    where other_minor > 0
    union all
    -- an invoice below nothing adds to the balance
    select customer_id, currency, finalized_at, 0, null, invoice_id, -used_minor
    from invoices
    where used_minor < 0 and stripe_status <> 'void'
),

uses as (
    select
        customer_id,
        currency,
        finalized_at as used_at,
        1 as place,
        invoice_id,
        starting_balance_minor,
        used_minor as amount_minor,
        legal_entity,
        correlation_id
    from invoices
    where used_minor > 0 and stripe_status <> 'void'
    union all
    select customer_id, currency, moved_at, 0, null, found_minor, -other_minor, null, null
    from adjusted
    where other_minor < 0
),

credited as (
    select
        *,
        sum(amount_minor) over (
            partition by customer_id, currency order by credited_at, place, record_id
            rows between unbounded preceding and current row
        ) as upto_minor
    from credits
),

used as (
    select
        *,
        sum(amount_minor) over (
            partition by customer_id, currency order by used_at, place, starting_balance_minor, invoice_id
            rows between unbounded preceding and current row
        ) as upto_minor
    from uses
)

select
    used.invoice_id || '/' || coalesce(credited.credit_note_id, 'other') as source_id,
    'stripe' as source_system,
    used.invoice_id,
    credited.credit_note_id,
    used.customer_id,
    used.legal_entity,
    used.currency,
    cast(
        sum(
            least(credited.upto_minor, used.upto_minor)
            - greatest(credited.upto_minor - credited.amount_minor, used.upto_minor - used.amount_minor)
        ) as bigint
    ) as used_minor,
    used.used_at,
    used.correlation_id
from used
inner join credited
    on
        used.customer_id = credited.customer_id
        and used.currency = credited.currency
        and credited.upto_minor > used.upto_minor - used.amount_minor
        and used.upto_minor > credited.upto_minor - credited.amount_minor
where used.invoice_id is not null
group by
    used.invoice_id,
    credited.credit_note_id,
    used.customer_id,
    used.legal_entity,
    used.currency,
    used.used_at,
    used.correlation_id
