-- A note on an open invoice lowers what is due on it. What went to the customer's balance is taken up by the customer's
-- later invoices, first in, first out: billing keeps one balance and does not say which note an invoice took from.
with credits as (
    select
        credit_note_id,
        customer_id,
        currency,
        issued_at,
        legal_entity,
        correlation_id,
        sum(balance_minor) over (
            partition by customer_id, currency order by issued_at, credit_note_id
            rows between unbounded preceding and current row
        ) as upto_minor,
        balance_minor
    from {{ ref('credit_note__billing') }}
    where balance_minor > 0
),

uses as (
    select
        invoice_id,
        customer_id,
        currency,
        finalized_at,
        ending_balance_minor - starting_balance_minor as used_minor,
        sum(ending_balance_minor - starting_balance_minor) over (
            partition by customer_id, currency order by finalized_at, invoice_id
            rows between unbounded preceding and current row
        ) as upto_minor
    from {{ ref('stg_stripe__invoices') }}
    where
        finalized_at is not null
        and starting_balance_minor < ending_balance_minor
        and stripe_status <> 'void'
),

applications as (
    select
        credit_note_id,
        invoice_id,
        'invoice' as method,
        legal_entity,
        currency,
        applied_to_invoice_minor as applied_minor,
        issued_at as applied_at,
        correlation_id
    from {{ ref('credit_note__billing') }}
    where applied_to_invoice_minor > 0

    union all
    select
        credits.credit_note_id,
        uses.invoice_id,
        'customer_balance' as method,
        credits.legal_entity,
        credits.currency,
        least(credits.upto_minor, uses.upto_minor)
        - greatest(credits.upto_minor - credits.balance_minor, uses.upto_minor - uses.used_minor) as applied_minor,
        uses.finalized_at as applied_at,
        credits.correlation_id
    from credits
    inner join uses
        on
            credits.customer_id = uses.customer_id
            and credits.currency = uses.currency
            and credits.issued_at <= uses.finalized_at
            and credits.upto_minor > uses.upto_minor - uses.used_minor
            and uses.upto_minor > credits.upto_minor - credits.balance_minor
)

select
    credit_note_id || '/' || invoice_id || '/' || method as source_id,
    'stripe' as source_system,
    credit_note_id,
    invoice_id,
    method,
    legal_entity,
    currency,
    cast(applied_minor as bigint) as applied_minor,
    applied_at,
    correlation_id
from applications
