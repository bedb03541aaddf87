-- What must be in the ledger and is not there under its own key.
with documents as (
    select
        'invoice' as kind,
        invoice_key as document_key,
        number,
        currency,
        total_minor as amount_minor,
        invoice_date as item_date,
        canonical_customer_id,
        correlation_id
    from {{ ref('invoices') }}
    where erp_internal_id is null and status not in ('draft', 'void')
    union all
    select
        'credit_note', credit_note_key, number, currency, total_minor, credit_date, canonical_customer_id, correlation_id
    from {{ ref('credit_notes') }}
    where erp_internal_id is null and status <> 'void'
    union all
    select
        'payment', payment_key, null, currency, amount_minor, cast(paid_at as date), canonical_customer_id, correlation_id
    from {{ ref('payments') }}
    where erp_internal_id is null and is_settled
    union all
    select
        'refund', refund_key, null, currency, amount_minor, refund_date, canonical_customer_id, correlation_id
    from {{ ref('refunds') }}
    where erp_internal_id is null and is_settled
    union all
    select
        'dispute', dispute_key, null, currency, amount_minor, cast(opened_at as date), canonical_customer_id, correlation_id
    from {{ ref('disputes') }}
    where erp_internal_id is null and withdrawn_minor <> 0
    union all
    select 'payout', payout_key, null, currency, net_minor, arrival_date, null, null
    from {{ ref('payouts') }}
    where erp_internal_id is null and is_settled
)

select
    kind || ':' || document_key as item_id,
    currency,
    amount_minor,
    item_date,
    canonical_customer_id as party,
    {{ list_of(['document_key']) }} as reference_keys,
    {{ list_of(['upper(number)']) }} as document_numbers,
    {{ list_of(['correlation_id']) }} as group_keys
from documents
where amount_minor <> 0
