-- What happened in the business, one row per event, along the commercial thread from contract to recognised revenue.
with events as (
    select
        'contract_signed' as event_type, signed_at as occurred_at, 'salesforce' as system, contract_id as source_id,
        canonical_customer_id, correlation_id, legal_entity, currency, recurring_mrr_minor as amount_minor
    from {{ ref('contracts') }}
    where is_won and status <> 'draft'

    union all
    select
        'subscription_started', started_at, 'stripe', subscription_id,
        canonical_customer_id, correlation_id, legal_entity, currency, mrr_minor
    from {{ ref('subscriptions') }}

    union all
    select
        'subscription_cancelled', status_changed_at, 'stripe', subscription_id,
        canonical_customer_id, correlation_id, legal_entity, currency, mrr_minor
    from {{ ref('subscriptions') }}
    where status = 'cancelled'

    union all
    select
        'invoice_issued', issued_at, 'stripe', invoice_id,
        canonical_customer_id, correlation_id, legal_entity, currency, total_minor
    from {{ ref('invoice__billing') }}

    union all
    select
        'invoice_' || status, status_changed_at, 'stripe', invoice_id,
        canonical_customer_id, correlation_id, legal_entity, currency, total_minor
    from {{ ref('invoice__billing') }}
    where status in ('paid', 'void', 'written_off')

    union all
    select
        'payment_received', paid_at, 'stripe', payment_id,
        canonical_customer_id, correlation_id, legal_entity, currency, amount_minor
    from {{ ref('payment__billing') }}
    where is_settled

    union all
    select
        'payment_received', paid_at, 'netsuite', erp_internal_id,
        canonical_customer_id, correlation_id, legal_entity, currency, amount_minor
    from {{ ref('payments') }}
    where owner_role = 'erp'

    union all
    select
        journal_type || '_posted', posted_at, 'netsuite', journal_id,
        canonical_customer_id, correlation_id, legal_entity, currency, debit_minor
    from {{ ref('journal_entries') }}
)

select
    system || ':' || source_id || ':' || event_type as event_id,
    event_type,
    occurred_at,
    system,
    source_id,
    canonical_customer_id,
    correlation_id,
    legal_entity,
    currency,
    amount_minor
from events
where occurred_at is not null
